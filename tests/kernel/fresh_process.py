"""Runs pieces of code in a process of their own, which the kit may change as it changes a kernel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Before each piece it writes the claim to stdout and waits for a line on stdin, so that whoever reads knows what is running.
WORKER = r"""
import ast, json, os, sys, tempfile
job = json.load(open(sys.argv[1]))
names = {"__name__": "__main__"}
exec(job["setup"], names)

def run(code):
    *lines, last = ast.parse(code).body
    here = dict(names)
    exec(compile(ast.Module(lines, []), "<case>", "exec"), here)
    return eval(compile(ast.Expression(last.value), "<case>", "eval"), here)

def watched(code):
    with tempfile.TemporaryFile("w+") as heard:
        kept = os.dup(2)
        os.dup2(heard.fileno(), 2)
        try:
            value = {"value": run(code)}
        except Exception as error:
            value = {"error": f"{type(error).__name__}: {error}"}
        finally:
            sys.stderr.flush()
            os.dup2(kept, 2)
            os.close(kept)
        heard.seek(0)
        return value | {"stderr": heard.read()}

results = {}
for claim, code in job["cases"].items():
    print(json.dumps(claim), flush=True)
    sys.stdin.readline()
    exec(job["each"], names | {"claim": claim})
    results[claim] = watched(code)
print("null", flush=True)
json.dump([results, run(job["last"])], open(sys.argv[2], "w"), default=str)
"""


@dataclass
class Ran:
    """What came of pieces of code: by claim the `value` of its last line or the `error`, and what went to `stderr`."""

    results: dict[str, dict[str, Any]]
    last: Any

    def value(self, claim: str) -> Any:
        assert "value" in self.results[claim], self.results[claim]
        return self.results[claim]["value"]


def run_cases(
    setup: str,
    cases: Mapping[str, str],
    *,
    each: str = "",
    last: str = "None",
    before: Callable[[str], None] = lambda claim: None,
    **environment: str,
) -> Ran:
    """Runs code by claim, each piece some lines of which the last is an expression.

    Args:
        setup, last: run before and after all of them; `last` gives a value.
        each: run before each, with the name `claim`.
        before: told each claim before its code is run.
    """
    with tempfile.TemporaryDirectory() as folder:
        job, out, errors = (Path(folder) / name for name in ("job.json", "out.json", "errors"))
        job.write_text(json.dumps({"setup": setup, "cases": cases, "each": each, "last": last}))
        command = [sys.executable, "-c", WORKER, str(job), str(out)]
        with errors.open("w") as heard, subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=heard, text=True, cwd=folder,
            env={**os.environ, "TMPDIR": folder, **environment},
        ) as process:  # fmt: skip
            assert process.stdin is not None
            assert process.stdout is not None
            for line in process.stdout:
                claim = json.loads(line) if line.startswith(('"', "null")) else ""
                if claim is None:
                    break
                if claim:
                    before(claim)
                    process.stdin.write("\n")
                    process.stdin.flush()
            process.communicate()
        assert process.returncode == 0, errors.read_text()[-3000:]
        return Ran(*json.loads(out.read_text()))
