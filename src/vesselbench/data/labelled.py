"""The images of a split with label and field of view, as the stages before left them in ``data/``."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import read_image, read_kinds, read_label, read_mask
from vesselbench.data.sample import Sample, read_samples
from vesselbench.data.splits import read_split
from vesselbench.data.task import Task


def split_of(data: str, split: str) -> dict[str, list[Sample]]:
    """Read the samples of a data set by subset, ``train`` and ``test``."""
    return read_split(Path("data/splits", data, f"{split}.csv"), read_samples(Path("data/raw", data)))


def read_classes(sample: Sample, task: Task, shape: tuple[int, int]) -> np.ndarray:
    """Read the label of a photograph of the given shape as a class map, uint8 (H, W).

    UserError where the sample has no label of this task, or it is of another shape than the photograph.
    """
    path = getattr(sample, task.field)
    if path is None:
        raise UserError(f"{sample.image}: has no label in {task.field}; choose another task for this source")
    return (read_label if task.field == "truth" else read_kinds)(path, shape)


def labelled_images(data: str, split: str, subset: str, task: Task) -> Iterator[tuple[Sample, np.ndarray, np.ndarray]]:
    """Give each image of a subset: its sample, class map uint8 (H, W), and field of view bool (H, W)."""
    for sample in split_of(data, split)[subset]:
        try:
            with Image.open(sample.image) as photograph:  # its header only
                shape = photograph.size[::-1]
        except OSError:
            shape = read_image(sample.image).shape[:2]  # says what is wrong
        yield sample, read_classes(sample, task, shape), read_mask(Path("data/fov", data, f"{sample.id}.png"), shape)
