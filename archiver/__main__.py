"""``python -m archiver``."""

import atexit
import os
import sys

from archiver.cli.main import INTERRUPTED, main


def run_module() -> None:
    """Run the command, and end with its exit code, also when it was interrupted.

    CPython ends ``python -m`` by SIGINT, whatever exit code is asked for, when an interruption that
    was dealt with long ago had struck inside an ``exec`` of text, as dataclasses use it.
    """
    code = main()
    if code == INTERRUPTED:
        atexit._run_exitfuncs()  # noqa: SLF001  there is no public way to run them
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    run_module()
