"""Progress of long work: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm


def progress(iterable: Iterable[Any] | None = None, **options: Any) -> tqdm:
    """Return a tqdm bar with rate and time left; plain lines, at most one in ten seconds, when not on a terminal."""
    terminal = sys.stderr.isatty()
    seconds = 0.2 if terminal else 10.0
    options = {"dynamic_ncols": terminal, "mininterval": seconds, "maxinterval": 10 * seconds, "miniters": 1, **options}
    if not terminal:
        options |= {
            "ascii": True,
            "bar_format": "{desc} {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {rate_fmt}{postfix}]",
        }
        options |= {"file": _Lines()}
    return tqdm(iterable, **options)


class _Lines:
    """Turns the bar's rewrites of one line into lines of their own."""

    def write(self, text: str) -> None:
        text = text.strip("\r\n ")
        if text:
            sys.stderr.write(text + "\n")

    def flush(self) -> None:
        sys.stderr.flush()
