"""Training images and labels as two tensors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from vesselbench.config import UserError
from vesselbench.data.images import read_image, read_label
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import Sample


def stack_samples(samples: Sequence[Sample], preprocessing: str) -> tuple[Tensor, Tensor]:
    """Read, preprocess and stack photographs and labels.

    Returns
    -------
    images : torch.Tensor
        uint8 (N, C, H, W).
    labels : torch.Tensor
        uint8 (N, H, W), 0 or 1.

    Raises
    ------
    UserError
        A photograph's size differs from the first one's, or a label's from its photograph's; a label is not binary.
    """
    images, labels = [], []
    for sample in samples:
        image = read_image(sample.image)
        if images and image.shape[:2] != images[0].shape[:2]:
            raise UserError(
                f"{sample.image}: {image.shape[0]} x {image.shape[1]} pixels, but {samples[0].image} has "
                f"{images[0].shape[0]} x {images[0].shape[1]}; training images must be of one size"
            )
        images.append(preprocess(preprocessing, image))
        labels.append(read_label(sample.truth, shape=image.shape[:2]))
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(np.stack(labels))
