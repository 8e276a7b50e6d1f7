"""The threshold chosen on training images, and the guard that keeps it from those that are scored."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import reduce
from operator import add
from pathlib import Path

import numpy as np

from vesselbench.config import UserError
from vesselbench.metrics.counts import Counts, f1
from vesselbench.metrics.curves import Histogram

RULE = "highest F1 inside the field of view, pixels of all training images pooled"


@dataclass(frozen=True)
class ChosenThreshold:
    """A threshold, and the images that it was chosen on.

    Attributes
    ----------
    level
        The lowest 16-bit level that is vessel.
    f1
        What it gives on those images.
    images
        Their ids: no score of any of them may be computed with it.
    rule
        How it was chosen, in words.
    """

    level: int
    f1: float
    images: tuple[str, ...]
    rule: str = RULE

    def write(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, path: Path) -> ChosenThreshold:
        """Read what ``write`` wrote."""
        values = json.loads(path.read_text())
        return cls(**values | {"images": tuple(values["images"])})


def choose_threshold(training: Mapping[str, Histogram]) -> ChosenThreshold:
    """Choose the level whose F1 is highest, pixels of all images pooled; of equals the highest level.

    Parameters
    ----------
    training
        Id of each training image -> histogram of its map inside the field of view.

    Raises
    ------
    ValueError
        No image is given, or none holds a vessel.
    """
    if not training:
        raise ValueError("there is no training image to choose a threshold on")
    pixels = reduce(add, training.values())
    if not pixels.positives.any():
        raise ValueError(f"no vessel in the truth of {', '.join(training)}; a threshold needs some")
    tp, fp = pixels.positives[::-1].cumsum()[::-1], pixels.negatives[::-1].cumsum()[::-1]
    scores = f1(Counts(tp, fp, 0, tp[0] - tp))
    level = scores.size - 1 - int(np.nanargmax(scores[::-1]))
    return ChosenThreshold(level, float(scores[level]), tuple(training))


def check_unseen(chosen: ChosenThreshold, scored: Iterable[str]) -> None:
    """Refuse to score an image with a threshold that was chosen on it.

    Raises
    ------
    UserError
        Names the images.
    """
    both = sorted(set(chosen.images) & set(scored))
    if both:
        raise UserError(
            f"the threshold was chosen on {', '.join(both)}, which would be scored with it; "
            "choose it on training images alone"
        )
