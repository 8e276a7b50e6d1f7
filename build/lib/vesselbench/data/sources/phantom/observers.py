"""What observers mark in a phantom: the artery/vein truth, and a second observer who sees less of it."""

from __future__ import annotations

from math import exp

import numpy as np

from vesselbench.data.sources.phantom.fundus import cloud
from vesselbench.data.sources.phantom.stamping import View, coarser, stamp

# Lengths are in radii of the field of view.
ANNOTATED = 0.0054  # an observer marks vessels down to this radius ...
SHARP_SIGHT = 0.42  # ... and this many pixels
NOTICED = 0.0084  # the second observer notices half of the vessels that start with this radius


def mark_arteries_and_veins(
    arteries: list[np.ndarray], veins: list[np.ndarray], view: View, fov: np.ndarray
) -> np.ndarray:
    """The truth, uint8 (H, W): 0 background and outside ``fov``, 1 artery, 2 vein, 3 both."""
    artery, vein = (_mark(tree, view) >= 0.5 for tree in (arteries, veins))
    return np.where(fov, artery + 2 * vein, 0).astype(np.uint8)


def mark_again(lines: list[np.ndarray], view: View, fov: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The second observer's vessels, uint8 (H, W), 0 or 1, inside ``fov``.

    Misses thin vessels, marks all wider or narrower by up to a quarter of a pixel, with a wavering hand.
    """
    uniform = generator.uniform
    noticed = [line for line in lines if uniform() < 1 / (1 + exp((NOTICED - line[0, 2]) / 0.0007))]
    marked = _mark(noticed, view, wider=uniform(-0.25, 0.25))
    wavering = 0.2 * cloud(generator, fov.shape, 30) * (marked > 0.05)
    return (fov & (marked + wavering >= 0.5)).astype(np.uint8)


def _mark(lines: list[np.ndarray], view: View, wider: float = 0.0) -> np.ndarray:
    """Share of each pixel that an observer marks as vessel, (H, W); ``wider`` in pixels on either side."""
    visible = max(ANNOTATED, SHARP_SIGHT / view.radius)
    lines = [line[line[:, 2] >= visible] for line in lines]

    def depth(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
        # A mark is about a pixel wide at least.
        return np.maximum(radius, 0.55 / view.radius) + wider / view.radius - distance

    border = stamp([line for line in lines if len(line) > 4], view.finer(), depth, -1.0)
    return coarser(np.clip(2 * view.radius * border + 0.5, 0, 1))
