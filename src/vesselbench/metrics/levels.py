"""What probability each level of a map stands for: 65,536 levels, so that histograms hold all there is.

The pipeline's own maps are 16-bit images: level k is k/65535. Maps from elsewhere may be floating-point numbers;
they get a scale of their own, on which every threshold that matters is exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

LEVELS = 65536


@dataclass(frozen=True)
class Scale:
    """The lowest probability of each level, ascending (65536,), in the precision of the maps themselves.

    Attributes
    ----------
    lowest
        float32 or float64 (65536,). Levels that no map reaches are infinite.
    """

    lowest: np.ndarray

    def level(self, threshold: float | np.ndarray) -> np.ndarray:
        """Give the lowest level whose probabilities reach ``threshold``; one above all of the map's where none does.

        The threshold is first rounded to the maps' own precision, as numpy does when it compares a float32 map with
        a Python number. ``p >= threshold`` is then exactly ``level >= scale.level(threshold)``: for a 16-bit map
        always, for others where the scale was made with this threshold.
        """
        return np.searchsorted(self.lowest, np.asarray(threshold, self.lowest.dtype), side="left")

    def encode(self, probability: np.ndarray) -> np.ndarray:
        """Give the level of every pixel, uint16, shape as ``probability``."""
        return (np.searchsorted(self.lowest, probability, side="right") - 1).astype(np.uint16)


SIXTEEN_BIT = Scale(np.arange(LEVELS) / (LEVELS - 1))


def fit_scale(maps: Sequence[np.ndarray], thresholds: np.ndarray) -> Scale:
    """Make a scale for floating-point maps that are scored together.

    Where all maps together hold few enough values, each has a level of its own and nothing is lost. Else levels are
    quantiles, of equal numbers of pixels, with every threshold among their bounds: counts at a threshold stay exact,
    and a pair of pixels is tied by the scale only where fewer than 1/65,000 of all pixels lie between them.

    Parameters
    ----------
    maps
        float32 or float64 (H, W) each, in [0, 1], all of one precision.
    thresholds
        In [0, 1]; those at which the maps will be counted.
    """
    values = np.concatenate([values.ravel() for values in maps])
    bounds = np.append(thresholds, 0).astype(values.dtype)
    found = np.unique(values)
    if found.size + bounds.size > LEVELS:
        ranks = np.linspace(0, values.size - 1, LEVELS - bounds.size).astype(np.int64)
        values.sort()
        found = values[ranks]
    lowest = np.unique(np.append(found, bounds))
    return Scale(np.append(lowest, np.full(LEVELS - lowest.size, np.inf, lowest.dtype)))
