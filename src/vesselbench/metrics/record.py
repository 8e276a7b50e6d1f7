"""One look at one image: all that is kept of it, so that every protocol's scores follow without its pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vesselbench.metrics import connectivity, topology
from vesselbench.metrics.counts import check_shapes
from vesselbench.metrics.curves import LEVELS, Histogram, histogram
from vesselbench.metrics.levels import SIXTEEN_BIT, Scale
from vesselbench.metrics.protocol import MASKS
from vesselbench.metrics.truth import resize_round_trip

TOPOLOGY = {"cldice": topology.cldice, "betti_0": topology.betti_0_error, "betti_1": topology.betti_1_error}


@dataclass(frozen=True)
class ImageRecord:
    """All that is kept of one image.

    Attributes
    ----------
    id
        The image's name.
    histograms
        (mask, truth) -> pixels by truth and level.
    outside
        Truth -> pixels outside the field of view, counted by themselves.
    permuted
        Inside the field of view, native truth, the map's pixels there in random order.
    segments
        Each of ``connectivity.READINGS`` -> segments of the map at each of its thresholds, whole frame.
    skeletons
        Truth -> its segments and skeleton pixels, whole frame.
    topology
        (truth, threshold) -> clDice and errors of the Betti numbers, whole frame.
    binary
        Whether the map holds 0 and 1 alone: one operating point, which has no curve.
    """

    id: str
    histograms: dict[tuple[str, str], Histogram]
    outside: dict[str, Histogram]
    permuted: Histogram
    segments: dict[connectivity.Reading, np.ndarray]
    skeletons: dict[str, connectivity.Skeleton]
    topology: dict[tuple[str, str], dict[str, float]]
    binary: bool


def score_image(
    id: str,
    truth: np.ndarray,
    levels: np.ndarray,
    fov: np.ndarray,
    thresholds: Mapping[str, int],
    scale: Scale = SIXTEEN_BIT,
) -> ImageRecord:
    """Look at one image.

    Parameters
    ----------
    id
        The image's name.
    truth
        (H, W), 0 and 1, at the image's native size.
    levels
        uint16 (H, W), the probability map on its ``scale``. A label map counts as one with the levels 0 and 65535
        alone.
    fov
        bool (H, W), the field of view.
    thresholds
        ``fixed``, ``training`` -> the lowest level that is vessel.

    Raises
    ------
    ValueError
        The shapes differ, or ``levels`` is not uint16.
    """
    check_shapes(truth, levels=levels, fov=fov)
    truths = {"native": truth != 0, "resized": resize_round_trip(truth)}
    masks = dict(zip(MASKS, (fov, np.ones_like(fov)), strict=True))
    shuffled = levels.copy()
    shuffled[fov] = np.random.default_rng(0).permutation(levels[fov])
    shapes = {name: topology.describe(binary) for name, binary in truths.items()}
    found = {name: topology.describe(levels >= level) for name, level in thresholds.items()}
    return ImageRecord(
        id,
        histograms={(m, t): histogram(truths[t], levels, masks[m]) for m in masks for t in truths},
        outside={name: histogram(binary, levels, ~fov) for name, binary in truths.items()},
        permuted=histogram(truth, shuffled, fov),
        segments=connectivity.counted(levels, scale),
        skeletons={name: connectivity.describe_truth(binary) for name, binary in truths.items()},
        topology={
            (t, threshold): {name: score(shapes[t], found[threshold]) for name, score in TOPOLOGY.items()}
            for t in truths
            for threshold in found
        },
        binary=bool(np.isin(levels, (0, LEVELS - 1)).all()),
    )
