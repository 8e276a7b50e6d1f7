"""What the paper claims: its Tables 1-3, cell by cell, from ``reported.csv`` beside this file.

That file holds figures of other publications too; each row says where its figure was printed (source,
table), for which pixels (fov), and how its printer came by it (how): ``own`` method, a rival ``rerun`` by
the authors, or ``quoted`` from the rival's own paper, which may have used another protocol.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

import pandas as pd

PAPER = "IterNet paper (WACV 2020)"
TABLES = ("table 1", "table 2", "table 3")
MASKS = {"fov": "fov", "none": "frame", "unknown": "unknown"}  # their pixels -> our mask; quoted figures may lack one
MODES = ("whole", "patched")


@dataclass(frozen=True)
class Claim:
    """One row of a table of the paper.

    Attributes
    ----------
    model, mode
        As this project calls them; mode is empty where the paper does not tell.
    how
        ``own``, ``rerun`` or ``quoted``.
    table
        Where it stands: ``"table 1"``.
    mask
        ``fov``, ``frame``, or ``unknown`` where the paper does not say which pixels it counts.
    scores
        Score -> value, as printed.
    """

    model: str
    mode: str
    how: str
    table: str
    mask: str
    scores: dict[str, float]


def read_reported() -> pd.DataFrame:
    """Read all reported figures: source, table, dataset, fov, method, year, how, metric, value."""
    with resources.files("vesselbench.reports").joinpath("reported.csv").open() as file:
        return pd.read_csv(file)


def paper_claims(dataset: str) -> list[Claim]:
    """List the rows of the paper's table for one data set, in its order, those of both masks where it prints both.

    Only ``drive``, ``chase_db1`` and ``stare`` have any.
    """
    reported = read_reported()
    chosen = reported[(reported["source"] == PAPER) & reported["table"].isin(TABLES) & (reported["dataset"] == dataset)]
    claims = []
    for (table, fov, method, how), rows in chosen.groupby(["table", "fov", "method", "how"], sort=False):
        scores = dict(zip(rows["metric"], rows["value"], strict=True))
        claims.append(Claim(*_split_mode(method), how, table, MASKS[fov], scores))
    return claims


def _split_mode(method: str) -> tuple[str, str]:
    """Take ``iternet_patched`` apart into network and prediction mode."""
    for mode in MODES:
        if method.endswith(f"_{mode}"):
            return method.removesuffix(f"_{mode}"), mode
    return method, ""
