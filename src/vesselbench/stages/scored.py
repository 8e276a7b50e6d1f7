"""What the stages that score have in common: the images of a subset with truth and field of view."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vesselbench.data.images import read_image, read_label, read_mask
from vesselbench.data.sample import Sample, read_samples
from vesselbench.data.splits import read_split


def scored_images(dataset: str, subset: str) -> Iterator[tuple[Sample, np.ndarray, np.ndarray]]:
    """Give each image of ``train`` or ``test``: its record, truth (H, W) of 0 and 1, field of view bool (H, W)."""
    split = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))
    for sample in split[subset]:
        truth = read_label(sample.truth, read_image(sample.image).shape[:2])
        yield sample, truth, read_mask(Path("data/fov", dataset, f"{sample.id}.png"), truth.shape)
