"""Where the patches of an image lie."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad


def pad_to_grid(image: Tensor, patch: int, stride: int) -> Tensor:
    """Append zeros right and below until patches of side ``patch`` at ``stride`` end at the border.

    Parameters
    ----------
    image
        (C, H, W).

    Returns
    -------
    torch.Tensor
        (C, H', W') with H' >= patch and (H' - patch) a multiple of the stride; the same for W'. With ``patch`` equal to
        ``stride``, the sides become multiples of it.
    """
    height, width = image.shape[-2:]
    right, below = (max(patch - side, -(side - patch) % stride) for side in (width, height))
    return pad(image, (0, right, 0, below))


def corners(height: int, width: int, patch: int, stride: int) -> list[tuple[int, int]]:
    """Upper left corners (row, column) of all patches of a padded image, row by row."""
    return [
        (row, column) for row in range(0, height - patch + 1, stride) for column in range(0, width - patch + 1, stride)
    ]


def coverage(height: int, width: int, patch: int, stride: int) -> Tensor:
    """Count the patches over every pixel of a padded image: float32 (H, W)."""
    rows, columns = torch.zeros(height), torch.zeros(width)
    for counts in (rows, columns):
        for start in range(0, len(counts) - patch + 1, stride):
            counts[start : start + patch] += 1
    return rows[:, None] * columns
