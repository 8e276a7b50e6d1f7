"""Maps from elsewhere, beside truth and field of view: read, checked, and looked at once each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from vesselbench.config import UserError
from vesselbench.data.images import read_label, read_mask
from vesselbench.data.maps import read_map
from vesselbench.data.matching import Match
from vesselbench.metrics.connectivity import THETAS
from vesselbench.metrics.consistency import check_record
from vesselbench.metrics.levels import LEVELS, SIXTEEN_BIT, Scale, fit_scale
from vesselbench.metrics.record import ImageRecord, score_image


@dataclass(frozen=True)
class MapSet:
    """A folder's maps, ready to be scored.

    Attributes
    ----------
    records
        One an image.
    thresholds
        ``fixed``, ``training`` -> the lowest level that is vessel.
    scale
        What probability each level stands for.
    """

    records: list[ImageRecord]
    thresholds: dict[str, int]
    scale: Scale


def load(matches: Sequence[Match], thresholds: dict[str, float]) -> MapSet:
    """Read and look at every image.

    Maps of 8 and 16 bits are scored as they are. If any is of floating point, all are taken as such, and put on a scale
    of their own (``vesselbench.metrics.levels.fit_scale``); if these hold 0 and 1 alone, they are labels.

    Parameters
    ----------
    matches
        Prediction, truth and field of view of each image; without the latter the whole frame stands for it.
    thresholds
        ``fixed``, ``training`` -> probability.

    Raises
    ------
    UserError
        A file is no map, truth or mask, sizes differ, or a field of view is empty: names the file.
    """
    maps = [read_map(match.prediction) for match in matches]
    scale = SIXTEEN_BIT
    if any(values.dtype.kind == "f" for values in maps):
        precision = np.result_type(*(values.dtype for values in maps if values.dtype.kind == "f"))
        maps = [as_float(values, precision) for values in maps]
        if all(np.isin(values, (0, 1)).all() for values in maps):
            maps = [values.astype(np.uint16) * np.uint16(LEVELS - 1) for values in maps]
        else:
            scale = fit_scale(maps, np.append(THETAS, [*thresholds.values()]))
    at = {name: int(scale.level(value)) for name, value in thresholds.items()}
    records = []
    for match, values in zip(matches, maps, strict=True):
        truth = read_label(match.truth)
        fov = read_mask(match.fov) if match.fov else np.ones(truth.shape, bool)
        for path, shape in ((match.prediction, values.shape), (match.fov, fov.shape)):
            if shape != truth.shape:
                raise UserError(
                    f"{path}: {shape[0]} x {shape[1]} (rows x columns), but the truth {match.truth} is "
                    f"{truth.shape[0]} x {truth.shape[1]}; all of an image must be of one size, and the truth is never "
                    "resized: bring the map to the size of the truth"
                )
        if not fov.any():
            raise UserError(f"{match.fov}: the field of view is empty; a mask is white where pixels count")
        levels = scale.encode(values) if values.dtype.kind == "f" else as_levels(values)
        records.append(score_image(match.id, truth, levels, fov, at, scale))
        check_record(records[-1], truth, fov)
    return MapSet(records, at, scale)


def as_float(values: np.ndarray, precision: np.dtype) -> np.ndarray:
    """Turn a map of any kind into probabilities of one precision."""
    if values.dtype.kind == "f":
        return values.astype(precision)
    return (values / np.iinfo(values.dtype).max).astype(precision)


def as_levels(values: np.ndarray) -> np.ndarray:
    """Turn a map of 8 or 16 bits into 16-bit levels, without loss: v / 255 is 257 v / 65535."""
    return values.astype(np.uint16) * np.uint16(257) if values.dtype == np.uint8 else values
