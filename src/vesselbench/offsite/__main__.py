"""Stages on a machine without DVC, and their outputs home: ``python -m vesselbench.offsite run``, then ``bring``."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

from vesselbench.config import UserError
from vesselbench.offsite.bring import bring
from vesselbench.offsite.run import run_stages


def main() -> None:
    """Parse the command line and act; exits with status 1 if a stage is not done, or at a mistake to be mended."""
    parser = argparse.ArgumentParser(prog="python -m vesselbench.offsite", description="Stages on another machine.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("run", help="there: run stages and pack what they write; once more to go on")
    command.add_argument("stages", nargs="+", metavar="STAGE", help="as DVC names it, such as train@drive-iternet-0")
    command.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of packs and logs")
    command.add_argument("--at-once", type=int, default=1, metavar="N", help="stages side by side (default: 1)")
    command.add_argument("--seconds", type=float, default=math.inf, metavar="S", help="stop then; a run can go on")
    command.add_argument("--piece", type=int, default=15, metavar="MIB", help="largest file of a pack (default: 15)")
    command.add_argument("--revision", metavar="SHA", help="commit of the files, where there is no repository")
    command.set_defaults(act=run)
    command = commands.add_parser("bring", help="at home: verify the packs, put them in place, note them in dvc.lock")
    command.add_argument("folder", type=Path, metavar="DIR", help="folder of packs")
    command.set_defaults(act=lambda words: bring(words.folder))
    words = parser.parse_args()
    try:
        words.act(words)
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # a full disk, say; whatever is written is written whole
        sys.exit(f"error: {error.filename}: {error.strerror}; mend it and run the same command again")


def run(words: argparse.Namespace) -> None:
    """Run stages, and list what is not done."""
    if min(words.at_once, words.piece) < 1:
        raise UserError(f"--at-once {words.at_once}, --piece {words.piece}: both must be at least 1; correct them")
    settings = (words.at_once, words.seconds, words.piece * 2**20, words.revision)
    undone = run_stages(words.stages, words.out, *settings)
    if undone:
        sys.exit("\n".join([f"not done, {len(undone)} of {len(words.stages)}; the same command goes on:", *undone]))


if __name__ == "__main__":
    main()
