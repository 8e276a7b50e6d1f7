"""What every stage does when it is started: take words from the command line, and turn mistakes into one line."""

import errno
import inspect
import sys
from collections.abc import Callable
from pathlib import Path

from vesselbench.config import UserError


def start(main: Callable[..., None]) -> None:
    """Call a stage's ``main`` with the words of the command line.

    Exits with status 1 and one line for a mistake that a person can mend (``UserError``), a full disk, a file that may
    not be read or written, or the wrong number of words; a programming error keeps its traceback. Refuses to run the
    code of another copy of the repository than the one it stands in: DVC would note the wrong one.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # a terminal that knows no umlaut shows its number
    imported, here = Path(__file__).parents[1], Path("src/vesselbench").resolve()
    if here.is_dir() and here != imported.resolve():
        sys.exit(
            f"error: the code that would run is {imported}, but this folder has its own in src/vesselbench; "
            "set PYTHONPATH=src (DVC's --temp and --queue run in copies of the repository)"
        )
    words, names = sys.argv[1:], list(inspect.signature(main).parameters)
    if len(words) != len(names):
        sys.exit(
            f"error: {main.__module__} takes {' '.join(names).upper() or 'nothing'}, not {' '.join(words) or 'nothing'}"
        )
    try:
        main(*words)
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing half-written is left, run the same command again")
    except OSError as error:
        if error.errno is None:
            raise
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        fault = "the disk is full; free some space" if full else f"{error.strerror}; mend that"
        sys.exit(f"error: {error.filename or 'output'}: {fault} and run the same command again")
