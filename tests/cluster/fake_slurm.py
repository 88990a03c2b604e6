"""Stands in for `sbatch`, `scancel` and `squeue`: a job is a process group of this machine, and its number the group's."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

COMMANDS = {
    "sbatch": """\
import os, re, signal, subprocess, sys
script = open(sys.argv[-1]).read()
if "--test-only" in sys.argv:
    while "-p asleep" in script:
        signal.pause()
    sys.exit("sbatch: error: invalid partition specified: nowhere" if "-p nowhere" in script else 0)
if "-p full" in script:
    sys.exit("sbatch: error: Job violates accounting/QOS policy")
open({jobs!r} + "/modes", "a").write(oct(os.stat(sys.argv[-1]).st_mode & 0o7777) + "\\n")
open({jobs!r} + "/options", "a").writelines(line + "\\n" for line in script.splitlines() if line.startswith("#SBATCH"))
errors = re.search("^#SBATCH -e (.+)$", script, re.MULTILINE)[1].replace("%J", "job")
job = subprocess.Popen(["bash", "-c", script], start_new_session=True, stdin=subprocess.DEVNULL, stdout=open(errors, "a"),
                       stderr=subprocess.STDOUT)
open({jobs!r} + "/" + str(job.pid), "w").close()
print("Submitted batch job", job.pid)
""",
    "scancel": """\
import os, signal, sys
for told in (signal.SIGTERM, signal.SIGCONT):
    os.killpg(int(sys.argv[-1]), told)
""",
    "squeue": """\
import os, sys
options = dict(word.split("=", 1) for word in sys.argv[1:] if "=" in word)
for one in options["--jobs"].split(","):
    try:
        state = open("/proc/" + one + "/stat").read().rpartition(")")[2].split()[0]
        if state != "Z" and ("S" if state == "T" else "R") in options["--states"].split(","):
            print(one)
    except OSError:
        pass
""",
}


def install(folder: Path) -> dict[str, str]:
    """Makes the commands, and answers the variables with which they are found. `folder/jobs` lists what was handed in."""
    jobs, commands = folder / "jobs", folder / "bin"
    for made in (jobs, commands):
        made.mkdir(parents=True)
    for name, code in COMMANDS.items():
        path = commands / name
        path.write_text(f"#!{sys.executable}\n{code.replace('{jobs!r}', repr(str(jobs)))}", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return {"PATH": os.pathsep.join([str(commands), os.environ["PATH"]])}


@contextmanager
def installed(folder: Path) -> Iterator[None]:
    """The commands are found by this process, for as long as the block lasts."""
    kept = os.environ["PATH"]
    os.environ |= install(folder)
    try:
        yield
    finally:
        os.environ["PATH"] = kept


def jobs(folder: Path) -> list[int]:
    """Process groups of the jobs that were handed in."""
    return [int(path.name) for path in (folder / "jobs").glob("[0-9]*")]
