"""One score of one model and mode over its seeds, with its interval."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import mean, stdev

import numpy as np

from vesselbench.metrics.protocol import Protocol
from vesselbench.metrics.statistics import interval
from vesselbench.reports.collect import Run, rows_of


@dataclass(frozen=True)
class Average:
    """A score as the tables print it.

    Attributes
    ----------
    values
        One a seed.
    draws
        (draws,), mean over seeds of the bootstrap draws, which take the same images for every seed.
    """

    values: tuple[float, ...]
    draws: np.ndarray

    @property
    def value(self) -> float:
        """Mean over seeds."""
        return mean(self.values)

    @property
    def spread(self) -> float | None:
        """Sample standard deviation over seeds; None of one seed."""
        return stdev(self.values) if len(self.values) > 1 else None

    @property
    def bounds(self) -> tuple[float, float]:
        """95 % interval of the mean over seeds: what other test images would change, not other seeds."""
        return interval(self.draws)


def average(seeds: Mapping[int, Run], protocol: Protocol, score: str) -> Average | None:
    """Average a score over seeds; None where it is undefined or withheld for one of them, or not stored."""
    name = str(protocol)
    values = [run.scores["scores"].get(name, {}).get(score, {}).get("value") for run in seeds.values()]
    if not values or None in values:
        return None
    return Average(tuple(values), np.mean([run.draws[f"{name}/{score}"] for run in seeds.values()], axis=0))


def image_scores(seeds: Mapping[int, Run], protocol: Protocol, score: str) -> np.ndarray:
    """Mean over seeds of the score of each test image, float64 (images,), in the order of scores.json."""
    columns = []
    for run in seeds.values():
        rows = rows_of(run.images, protocol)
        columns.append(rows.set_index("id")[score].loc[run.scores["images"]].to_numpy(np.float64))
    return np.mean(columns, axis=0)
