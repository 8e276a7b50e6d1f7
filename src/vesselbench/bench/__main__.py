"""How fast it is here: ``python -m vesselbench.bench`` (``make bench``)."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vesselbench.bench.report import check_folder, write_results
from vesselbench.bench.run import measure
from vesselbench.config import UserError


def main() -> None:
    """Measure and write; exits with status 1 and one line for a mistake that a person can mend."""
    parser = argparse.ArgumentParser(prog="python -m vesselbench.bench", description="Measure speed and memory.")
    parser.add_argument("--quick", action="store_true", help="tiny sizes, seconds: shows that it works, not how fast")
    parser.add_argument("--folder", type=Path, default=Path("metrics/bench"), help="of the results (%(default)s)")
    words = parser.parse_args()
    try:
        check_folder(words.folder)
        print(write_results(words.folder, measure(words.quick)))
    except UserError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("stopped; nothing was written")


if __name__ == "__main__":
    main()
