"""Names of models in a cache: where a Hugging Face home keeps each model, and which model a path belongs to.

The layout is huggingface_hub's, `HOME/hub/models--ORG--NAME/snapshots/REVISION`; this module imports nothing of it.
"""

from __future__ import annotations

import re
from pathlib import Path

PREFIX = "models--"
NAMED = re.compile(rf"{PREFIX}([^/\\]+)")
SNAPSHOT = re.compile(rf"^.*/{PREFIX}[^/]+/snapshots/[^/]+")


def model_folder(home: Path, name: str) -> Path:
    """The folder of a model, whether it is there or not."""
    return home / "hub" / f"{PREFIX}{name.replace('/', '--')}"


def hub_name(name_or_path: str) -> str:
    """`ORG/NAME`, also where a model was loaded from its folder in a cache."""
    found = NAMED.search(name_or_path)
    return found[1].replace("--", "/", 1) if found else name_or_path.rstrip("/")


def snapshot_of(path: str) -> str:
    """The snapshot that a file lies in; empty where it lies in none."""
    found = SNAPSHOT.match(path)
    return found[0] if found else ""


def newest_snapshot(folder: Path) -> Path | None:
    """Of a model's folder, the snapshot that `refs/main` names, or the only one."""
    try:
        revision = (folder / "refs" / "main").read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        revision = ""
    named = folder / "snapshots" / revision
    if revision and "/" not in revision and (named / "config.json").exists():
        return named
    rest = [path.parent for path in sorted(folder.glob("snapshots/*/config.json"))]
    return rest[-1] if rest else None


def snapshots(home: Path) -> dict[str, Path]:
    """The newest snapshot of every model of a home, by the model's name."""
    found = {hub_name(folder.name): newest_snapshot(folder) for folder in sorted((home / "hub").glob(f"{PREFIX}*"))}
    return {name: snapshot for name, snapshot in found.items() if snapshot is not None}


def snapshot_files(home: Path) -> list[Path]:
    """What lies in any snapshot of a home."""
    return sorted(home.glob(f"hub/{PREFIX}*/snapshots/*/*"))
