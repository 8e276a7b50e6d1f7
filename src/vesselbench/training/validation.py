"""Training images held out: their patches, and what their loss does to the learning rate."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau


def grid_patches(maps: Tensor, patch: int) -> Tensor:
    """Cut maps into patches side by side; the last of each row and column is moved back to end at the border.

    Patches of the size trained on, rather than whole images: the network sees them in its training context, and they
    need no more memory than training.

    Parameters
    ----------
    maps
        (N, ..., H, W) with H and W at least ``patch``.

    Returns
    -------
    torch.Tensor
        (P, ..., patch, patch), position by position.
    """
    rows, columns = ([*range(0, side - patch, patch), side - patch] for side in maps.shape[-2:])
    return torch.cat([maps[..., row : row + patch, column : column + patch] for row in rows for column in columns])


def plateau_factor(losses: Sequence[float], patience: int) -> float:
    """Factor of the learning rate after epochs with these validation losses.

    It falls to a tenth, again and again, where more than ``patience`` epochs in a row were not lower than the lowest
    before by at least a ten-thousandth of it: ``torch.optim.lr_scheduler.ReduceLROnPlateau``, gone through from the
    first epoch each time, so that there is no state to keep.
    """
    rate = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = ReduceLROnPlateau(rate, factor=0.1, patience=patience)
    for loss in losses:
        scheduler.step(loss)
    return rate.param_groups[0]["lr"]
