"""The tables of our own scores: with intervals, under every protocol, under other readings of connectivity."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from vesselbench.metrics.connectivity import OURS, Reading
from vesselbench.metrics.protocol import HEADLINE, Protocol
from vesselbench.reports.averages import Average, average
from vesselbench.reports.collect import Results, Run
from vesselbench.reports.layout import COLUMNS, PIXELS, align, bounds, digits_of, score_name
from vesselbench.reports.style import display_name

INTERVAL = "95 % interval"


def own_rows(results: Results, second_observer: Run | None, mask: str, columns: Iterable[str]) -> list[list[str]]:
    """Print our scores under the headline protocol of a mask, by model and mode; the second observer comes last.

    Two rows each, method, mode, source and scores, then their intervals.
    """
    columns, rows = list(columns), []

    def add(method: str, mode: str, source: str, seeds: Mapping[int, Run]) -> None:
        found = [average(seeds, HEADLINE[mask], score) for score in columns]
        rows.append([display_name(method), mode, source, *map(value_cell, found, columns)])
        rows.append([INTERVAL, "", "", *map(interval_cell, found, columns)])

    for model, modes in results.items():
        for mode, seeds in modes.items():
            add(model, mode, "ours" if len(seeds) == 1 else f"ours, {len(seeds)} seeds", seeds)
    if second_observer:
        add("second_observer", "", "labels", {0: second_observer})
    return rows


def score_table(results: Results, second_observer: Run | None, mask: str, columns: Sequence[str]) -> list[str]:
    """Lay out ``own_rows``."""
    heading = ["Method", "Mode", "Source", *map(score_name, columns)]
    return align([heading, *own_rows(results, second_observer, mask, columns)])


def value_cell(found: Average | None, score: str) -> str:
    """Print a score, and its spread over seeds where there are several."""
    if not found:
        return "-"
    digits = digits_of(score)
    spread = "" if found.spread is None else f" ± {found.spread:.{digits}f}"
    return f"{found.value:.{digits}f}{spread}"


def interval_cell(found: Average | None, score: str) -> str:
    """Print the interval of a score."""
    return bounds(*found.bounds, digits=digits_of(score)) if found else "-"


def protocol_table(seeds: Mapping[int, Run]) -> list[str]:
    """Lay out the paper's scores of one model and mode under every protocol that was scored."""
    rows = [["Pixels", "Pooling", "Truth", "Threshold", *COLUMNS.values()]]
    for name in next(iter(seeds.values())).scores["scores"]:
        protocol = Protocol.parse(name)
        words = [PIXELS[protocol.mask], protocol.pooling, protocol.truth, protocol.threshold]
        rows.append(words + [value_cell(average(seeds, protocol, score), score) for score in COLUMNS])
    return align(rows)


def reading_table(sensitivity: pd.DataFrame, mode: str) -> list[str]:
    """Lay out connectivity under every reading of the paper's gaps, a column a model, in one mode; mean over seeds.

    Parameters
    ----------
    sensitivity
        Columns model, mode, neighbours, levels, skeleton, smallest, connectivity.
    mode
        The mode to show.
    """
    chosen = sensitivity[sensitivity["mode"] == mode]
    models = list(chosen["model"].unique())
    rows = [["Neighbours", "Levels", "Smallest segment", "Skeleton", *map(display_name, models)]]
    for choice, table in chosen.groupby(["neighbours", "levels", "skeleton", "smallest"], sort=False):
        reading = Reading(*choice)
        means = table.groupby("model")["connectivity"].mean()
        pixels = "any" if reading.smallest == 1 else f"{reading.smallest} pixels"
        words = [str(reading.neighbours), str(reading.levels), pixels]
        ours = " (ours)" if reading == OURS else ""
        rows.append([*words, reading.skeleton + ours, *(f"{means[model]:.4f}" for model in models)])
    return align(rows)
