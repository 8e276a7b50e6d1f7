"""One look at one image: all that is kept of it, so that every protocol's scores follow without its pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from skimage.transform import resize

from vesselbench.config import UserError
from vesselbench.data.maps import LEVELS, to_levels
from vesselbench.metrics import connectivity, topology
from vesselbench.metrics.connectivity import AT_SIZE
from vesselbench.metrics.histograms import Histogram, histogram
from vesselbench.metrics.protocol import MASKS, SIZES

Plane = np.ndarray  # (H, W)
MULTIPLE = 16  # the network's; the released sizes 576 (DRIVE), 960 (CHASE_DB1) and 592 (STARE) follow from it


@dataclass(frozen=True)
class ImageRecord:
    """All that is kept of one image; connectivity and topology are of the whole frame."""

    id: str
    histograms: dict[tuple[str, str], Histogram]  # (mask, size) -> pixels by truth and level
    curves: dict[tuple[str, connectivity.Reading], np.ndarray]  # (size, reading of ``AT_SIZE``) -> C(theta)
    topology: dict[tuple[str, str], dict[str, float]]  # (size, threshold) -> ``topology_scores``
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
    frame = np.ones_like(fov) if counts is None else counts
    masks, histograms, curves, compared = (fov & frame, frame), {}, {}, {}
    truths, maps = at_sizes((truth != 0).astype(np.float64)), at_sizes(levels / (LEVELS - 1))
    for size, values in truths.items():
        shape = topology.describe(values > 0.5)
        own = levels if size == "native" else to_levels(maps[size].clip(0, 1), rounded=False)
        if size == "square":
            masks = [at_sizes(mask.astype(np.float64))["square"] > 0.5 for mask in masks]
        for mask, where in zip(MASKS, masks, strict=True):
            pixels = histograms[mask, size] = histogram(shape.vessel, own, where)
            counted, read = sum(pixels.sizes), np.count_nonzero(where)
            if counted != read:
                raise UserError(f"{id}: {counted} pixels counted, but {read} read (mask {mask}, {size}); report this")
        for reading, found in connectivity.segments_by_reading(own, AT_SIZE[size]).items():
            curves[size, reading] = connectivity.connectivity_curve(found, *connectivity.describe_truth(shape, reading))
        for name, level in thresholds.items():
            compared[size, name] = topology.topology_scores(shape, topology.describe(own >= level))
    return ImageRecord(id, histograms, curves, compared, binary=bool(np.isin(levels, (0, LEVELS - 1)).all()))


def at_sizes(plane: Plane) -> dict[str, Plane]:
    """Bring values, float64 (H, W), to each of ``SIZES``: as they are, to the released code's square and back, there.

    The IterNet code (``utils/prepare_dataset.py``, ``predict.py``) trains and scores on squares whose side is the
    image's height rounded down to a multiple of 16: 576, 960 and 592 pixels. It resizes image **and** truth there
    (scikit-image's ``resize``: linear, smoothed where it shrinks), and for scoring map and truth back, where truth
    > 0.5 is vessel. On DRIVE that changes 0.16 % of the truth's pixels inside the field of view.
    """
    side = max(MULTIPLE, plane.shape[0] // MULTIPLE * MULTIPLE)
    square = resize(plane, (side, side))
    return dict(zip(SIZES, (plane, resize(square, plane.shape), square), strict=True))
