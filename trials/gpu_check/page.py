"""The page `docs/gpu.md`: what the command does, and what it found where it has been run."""

from __future__ import annotations

from trials.bench.floor import ROWS
from trials.gpu_check.run import MIX, SEED, SIZES, Found, Ran

HEAD = f"""\
# What a class takes on a GPU

```console
$ make gpu-check
```

On a machine with a GPU this runs the tests marked `gpu`, then grades made-up classes of {SIZES[0]} and {SIZES[1]} (as
`make bench` makes them: `{MIX}`, seed {SEED}) twice each, with one request at a time and with requests together, and writes this
page. It needs what `requirements.lock` brings, with a torch that can use the GPU, and no network where `.venv` and `.models` are
there.

- **The models** are made on the spot: Llama 3.2's shapes (1B as base and again as instruct, and 3B), bfloat16, random weights,
  the embedded model's tokenizer. They take 12 GB of disk, in `.scratch/gpu`. Random weights hardly ever end an answer, so nearly
  each one is as long as it may be (`max_new_tokens`, 100 in this course's profile): a class costs more than with real models.
- **The memory limit** is that of the course's slice of a GPU, 20 GB. Each process has it of torch's allocator
  (`per_process_memory_fraction`).
- **Seconds** are those of `nbgrader autograde` beside a host that is kept; the models are loaded within them. **Tokens/s** are
  the host's new tokens over these seconds. **Memory** of the GPU is asked of the device ten times a second, contexts included;
  that of host and kernels is their proportional set size.
- **The floor** is a bare loop: plain `generate` of the class's different answers in batches of up to {ROWS}, and its start.
"""
NOT_RUN = """
## Not run yet

Not run yet: no machine with a GPU has been at hand for this version, so there are no figures. The command writes here, for each
class and each way, requests, seconds, tokens/s and the most memory taken, beside the floor; the device, the versions and the
date; each score that was not what was due; and what became of the tests.
"""


def page(found: Found | None) -> str:
    """The page, in Markdown. None where the command has not been run."""
    if found is None:
        return HEAD + NOT_RUN
    named = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    within = f" within {found.limit_gb:g} GB" if found.device else ""
    no_gpu = "a processor, no GPU: these figures show only that the command runs"
    rows = ["| students | | requests | seconds | tokens/s | GPU, GB | host and kernels, GB |"]
    rows.append("|---:|---|---:|---:|---:|---:|---:|")
    for size, floor in found.floors.items():
        rows += [_row(ran) for ran in found.runs if ran.size == size]
        rows.append(
            f"| {size} | the floor | {floor.answers} | {floor.seconds:.0f} | {floor.tokens_per_second:.0f} | | |"
        )
    notes = [note for ran in found.runs for note in _notes(ran)] or ["Every score was what was due."]
    return "\n".join(
        (
            HEAD,
            f"## Measured on {found.date}",
            "",
            f"On {found.device or no_gpu}{within}, {found.processors} processors, shapes `{found.shapes}`, isolation "
            f'"{found.isolation}", {named}.',
            "",
            *rows,
            "",
            *notes,
            "",
            f"The tests marked `gpu`: {found.tests.said}.",
            "",
        )
    )


def _row(ran: Ran) -> str:
    way = "together" if ran.together else "one at a time"
    gpu = "" if ran.gpu_gb is None else f"{ran.gpu_gb:.1f}"
    held = ran.cost.peak_mb / 1000
    return f"| {ran.size} | {way} | {ran.requests} | {ran.cost.seconds:.0f} | {ran.tokens_per_second:.0f} | {gpu} | {held:.1f} |"


def _notes(ran: Ran) -> list[str]:
    """What went otherwise than it should."""
    what = f"{ran.size} students, {'together' if ran.together else 'one at a time'}"
    said = [f"- {what}: models were dropped {ran.dropped} times, since memory ran out."] * bool(ran.dropped)
    said += [f"- {what}: {ran.lost} requests could not be answered."] * bool(ran.lost)
    return said + [f"- {what}: {wrong}" for wrong in ran.wrong]
