"""`autograder`, and `python -m autograder`: the command line, where what it needs is installed."""

from __future__ import annotations

import sys


def run() -> None:
    """The entry point. Without the packages that grade, as in a student's environment, it says what to install."""
    try:
        from autograder import cli

        cli.run()
    except ModuleNotFoundError as missing:
        if missing.name and missing.name.partition(".")[0] == "autograder":
            raise  # a fault of ours, which no extra mends
        told = f"autograder: {missing.name} is not installed. What grades is an extra: pip install 'llm-autograder[grader]'"
        sys.exit(told)


if __name__ == "__main__":
    run()
