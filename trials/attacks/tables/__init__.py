"""The attacks, a file for each of the groups (`attack.GROUPS`); `pieces` has what several of them share.

Most stand on pages of code: the heading says what each is and who is the honest student beside it (`pieces.page`).

Runs in: a developer's process, which writes them into notebooks; they run in jailed kernels, or in the sandbox.
Imports: of `trials` `attacks/attack`, `attacks/honest`, `classes`.
Read by students: no.
"""

from __future__ import annotations

from trials.attacks.attack import Attack
from trials.attacks.tables import (
    bombs,
    browser,
    cheats,
    evidence,
    files,
    internals,
    known,
    messages,
    network,
    objects,
    process,
    submission,
)

_GROUPS = (known, evidence, objects, internals, messages, process, files, network, bombs, submission, browser, cheats)
ATTACKS: tuple[Attack, ...] = tuple(attack for group in _GROUPS for attack in group.ATTACKS)
