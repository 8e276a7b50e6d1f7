"""Probability maps on disk: ordinary 16-bit grey PNGs, grey level k for the probability k / 65535.

Any program reads them as grey / 65535. Beside the maps of a mode lies ``threshold.json``, a chosen threshold a channel.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import Shape, of_shape, read_pixels
from vesselbench.data.task import Task
from vesselbench.files import read_json, reading

LEVELS = 65536
Levels = Mapping[str, np.ndarray]  # channel of a network's output -> its map, uint16 (H, W)
SIGNIFICANT_BITS = 9  # of a level's distance from the nearer end, see round_levels


def level_of(threshold: float | np.ndarray) -> np.ndarray:
    """Find the lowest level that reaches a threshold: ``p >= threshold`` is ``level >= level_of(threshold)``."""
    return np.searchsorted(np.arange(LEVELS) / (LEVELS - 1), threshold, side="left")


def round_levels(levels: np.ndarray) -> np.ndarray:
    """Round levels, uint16, to nine significant bits of their distance from the nearer end, so that files are small.

    Near 0 and 1, where most pixels lie, neighbouring levels stay apart; in between 0.2 to 0.4 % of the distance are one
    level. No pixel crosses 0.5. The area under the ROC curve moves by less than 1e-5: six bits would do for trained
    networks, but not for Iter-Seg, whose probabilities crowd around 0.5.
    """
    middle = LEVELS // 2
    upper = levels >= middle
    distance = np.where(upper, LEVELS - 1 - levels, levels).astype(np.int64)
    _, exponent = np.frexp(distance)  # distance < 2 ** exponent
    step = 1 << np.maximum(exponent.astype(np.int64) - SIGNIFICANT_BITS, 0)
    distance = np.minimum((distance + step // 2) // step * step, middle - 1)
    return np.where(upper, LEVELS - 1 - distance, distance).astype(np.uint16)


def to_levels(probability: np.ndarray, rounded: bool = True) -> np.ndarray:
    """Turn probabilities into levels, uint16 of the same shape, by default with ``round_levels``.

    ValueError where a value lies outside [0, 1] or is not a number.
    """
    if not np.all((probability >= 0) & (probability <= 1)):
        raise ValueError("probabilities must lie in [0, 1]")
    levels = np.rint(probability.astype(np.float64) * (LEVELS - 1)).astype(np.uint16)
    return round_levels(levels) if rounded else levels


def write_map(path: Path, levels: np.ndarray) -> None:
    """Write levels, uint16 (H, W), as a 16-bit grey PNG."""
    Image.fromarray(levels).save(path)


def read_map(path: Path, shape: Shape | None = None) -> np.ndarray:
    """Read a map written by ``write_map``: uint16 (H, W), 65535 for probability 1.

    UserError where the file is missing, no whole image, no 16-bit grey image, or of another shape.
    """
    values = read_pixels(path)
    if values.dtype != np.uint16:
        raise UserError(f"{path}: not a 16-bit grey PNG; predict again to write it")
    return of_shape(values, path, shape)


def read_levels(folder: Path, task: Task, id: str, shape: Shape) -> Levels:
    """Read the maps of one image, one a channel of a task, of a folder that the predict stage wrote."""
    return {channel: read_map(folder / channel / f"{id}.png", shape) for channel in task.channels}


def scored_levels(task: Task, levels: Levels) -> dict[str, np.ndarray]:
    """Turn the maps of a network's channels into those of what is scored, uint16 (H, W) each.

    A crossing is artery and vein: where a channel tells crossings, its probability is added to both. Vessel is what is
    not background, or the more probable of the two kinds where no channel tells background.
    """
    if task.field == "truth":
        return dict(levels)
    crossing = levels["crossing"] if "crossing" in levels else np.zeros_like(levels["artery"])
    artery, vein = (np.minimum(levels[kind] + crossing.astype(np.uint32), LEVELS - 1) for kind in ("artery", "vein"))
    vessel = LEVELS - 1 - levels["background"] if "background" in levels else np.maximum(artery, vein)
    return {name: own.astype(np.uint16) for name, own in (("artery", artery), ("vein", vein), ("vessel", vessel))}


@dataclass(frozen=True)
class Threshold:
    """A threshold, and the training images that it was chosen on."""

    level: int  # the lowest that belongs to the class
    f1: float  # what it gives on those images
    images: tuple[str, ...]  # their ids: no score of any of them may be computed with it
    rule: str  # how it was chosen, in words


def write_thresholds(path: Path, thresholds: Mapping[str, Threshold]) -> None:
    """Write the threshold of each channel as JSON."""
    content = {channel: asdict(threshold) for channel, threshold in thresholds.items()}
    path.write_text(json.dumps(content, indent=2) + "\n")


def read_thresholds(path: Path) -> dict[str, Threshold]:
    """Read what ``write_thresholds`` wrote: channel -> its threshold; UserError where there is no such file."""
    fix = "run the predict stage that writes it"
    with reading(path, fix, AttributeError, KeyError, TypeError):
        content = read_json(path, fix)
        return {channel: Threshold(**own | {"images": tuple(own["images"])}) for channel, own in content.items()}
