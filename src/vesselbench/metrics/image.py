"""One look at one image: all that is kept of it, so that every protocol's scores follow without its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np
from skimage.transform import resize

from vesselbench.config import UserError
from vesselbench.data.maps import LEVELS
from vesselbench.metrics import connectivity, topology
from vesselbench.metrics.histograms import Histogram, histogram
from vesselbench.metrics.protocol import MASKS

Plane = np.ndarray  # (H, W)
MULTIPLE = 16  # the network's; the released sizes 576 (DRIVE), 960 (CHASE_DB1) and 592 (STARE) follow from it


@dataclass(frozen=True)
class ImageRecord:
    """All that is kept of one image.

    Connectivity is of the whole frame: of the native truth under each of ``connectivity.READINGS``, and of the resized
    one under ours.
    """

    id: str
    histograms: dict[tuple[str, str], Histogram]  # (mask, truth) -> pixels by truth and level
    curves: dict[tuple[str, connectivity.Reading], np.ndarray]  # (truth, reading) -> C(theta) of connectivity
    topology: dict[tuple[str, str], dict[str, float]]  # (truth, threshold) -> ``topology_scores``, whole frame
    binary: bool  # whether the map holds 0 and 1 alone: one operating point, which has no curve


def score_image(
    id: str, truth: Plane, levels: Plane, fov: Plane, thresholds: Mapping[str, int], counts: Plane | None = None
) -> ImageRecord:
    """Look at one image, and keep what its scores need.

    ``truth`` is (H, W), 0 and 1, at native size; ``levels`` the probability map, uint16 (H, W), 65535 for 1.0 (a label
    map counts as one with the levels 0 and 65535 alone); ``fov`` bool (H, W); ``thresholds``: ``fixed``, ``training``
    -> the lowest level that is vessel; ``counts``, bool (H, W), leaves pixels out of both masks, though not of what
    connectivity and topology look at. ValueError where the shapes differ, or ``levels`` is not uint16; UserError where
    not as many pixels were counted as were read.
    """
    truths = {"native": truth != 0, "resized": resize_round_trip(truth)}
    frame = np.ones_like(fov) if counts is None else counts
    masks = dict(zip(MASKS, (fov & frame, frame), strict=True))
    histograms = {(m, t): histogram(truths[t], levels, masks[m]) for m, t in product(masks, truths)}
    for (mask, name), pixels in histograms.items():
        counted, read = sum(pixels.sizes), np.count_nonzero(masks[mask])
        if counted != read:
            raise UserError(f"{id}: {counted} pixels counted, but {read} read (mask {mask}, truth {name}); report this")
    found, curves = connectivity.segments_by_reading(levels), {}
    for name, reading in (*product(["native"], connectivity.READINGS), ("resized", connectivity.OURS)):
        true, skeleton = connectivity.describe_truth(truths[name], reading)
        curves[name, reading] = connectivity.connectivity_curve(found[reading], true, skeleton)
    shapes = {name: topology.describe(binary) for name, binary in truths.items()}
    maps = {name: topology.describe(levels >= level) for name, level in thresholds.items()}
    compared = {(t, m): topology.topology_scores(shapes[t], maps[m]) for t, m in product(truths, maps)}
    return ImageRecord(id, histograms, curves, compared, binary=bool(np.isin(levels, (0, LEVELS - 1)).all()))


def resize_round_trip(truth: np.ndarray) -> np.ndarray:
    """Resize a truth (H, W) to the released code's square and back, and binarise it: bool (H, W).

    The IterNet code (``utils/prepare_dataset.py``, ``predict.py``) trains and scores on squares whose side is the
    image's height rounded down to a multiple of 16: 576, 960 and 592 pixels. It resizes image **and** truth there
    (scikit-image's ``resize``: linear, smoothed where it shrinks), and for scoring back, where truth > 0.5 is vessel.
    On DRIVE that changes 0.16 % of the pixels inside the field of view.
    """
    side = max(MULTIPLE, truth.shape[0] // MULTIPLE * MULTIPLE)
    square = resize((truth != 0).astype(np.float64), (side, side))
    return resize(square, truth.shape) > 0.5
