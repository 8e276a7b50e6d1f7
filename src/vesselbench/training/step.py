"""One step of training."""

from __future__ import annotations

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.training.loss import output_losses


def take_step(
    network: nn.Module, optimizer: torch.optim.Optimizer, image: Tensor, label: Tensor, rate: float, fabric: Fabric
) -> Tensor:
    """Take one step of the optimiser.

    Parameters
    ----------
    network, optimizer
        As Fabric set them up.
    image, label
        float32 (B, C, H, W) in [0, 1]; float32 (B, 1, H, W) in [0, 1].
    rate
        Learning rate.

    Returns
    -------
    torch.Tensor
        float32 (outputs,), on the device: the losses before the step.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
    losses = output_losses(network(image), label)
    optimizer.zero_grad(set_to_none=True)
    fabric.backward(losses.sum())
    optimizer.step()
    return losses.detach()
