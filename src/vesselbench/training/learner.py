"""A network and what changes it: one step of training."""

from __future__ import annotations

from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.training.loss import output_losses
from vesselbench.training.recipe import Recipe


class Learner:
    """A network with its optimisers, on the devices of the run, in training mode.

    Parameters
    ----------
    network
        Untrained, or to be given its weights by ``load_state_dict``.
    recipe
        How it is trained.
    fabric
        The processes and their devices.
    """

    def __init__(self, network: nn.Module, recipe: Recipe, fabric: Fabric):
        if fabric.device.type == "cuda" and fabric.world_size > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # statistics of the batch, not a device's share
        network = recipe.hardware.arrange(network)
        optimizers: list[torch.optim.Optimizer] = [
            torch.optim.Adam(
                network.parameters(),
                recipe.learning_rate,
                tuple(recipe.betas),
                recipe.epsilon,
                recipe.weight_decay,
                fused=recipe.fused,
            )
        ]
        if recipe.sgd.from_step:
            how = {"momentum": recipe.sgd.momentum, "fused": recipe.fused}
            optimizers.append(torch.optim.SGD(network.parameters(), recipe.sgd.learning_rate, **how))
        self.network, *self.optimizers = fabric.setup(network, *optimizers)
        self.network.train()
        self.recipe = recipe
        self.fabric = fabric

    def step(self, number: int, image: Tensor, label: Tensor, reduction: float = 1.0) -> Tensor:
        """Take a step of training.

        Parameters
        ----------
        number
            Of the step, from 0: it decides the optimiser and the learning rate.
        image, label
            float32 (B, C, H, W) in [0, 1]; float32 (B, 1, H, W) in [0, 1].
        reduction
            Factor of the learning rate.

        Returns
        -------
        torch.Tensor
            float32 (outputs,), on the device: the losses before the step.
        """
        optimizer = self.optimizers[self.recipe.sgd.takes(number)]
        for group in optimizer.param_groups:
            group["lr"] = reduction * self.recipe.rate(number)
        losses = output_losses(self._outputs(image), label)
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses.sum())
        optimizer.step()
        return losses.detach()

    @torch.no_grad()
    def validate(self, images: Tensor, labels: Tensor) -> float:
        """Mean loss of the last output over patches that nothing is done to, in evaluation mode.

        Every process computes all of them: the figure depends on the weights alone.

        Parameters
        ----------
        images, labels
            uint8 (P, C, H, W); uint8 (P, H, W), 0 or 1.
        """
        self.network.eval()
        total = torch.zeros((), dtype=torch.float64, device=images.device)
        batch = self.recipe.batch // self.fabric.world_size
        for image, label in zip(images.split(batch), labels.split(batch), strict=True):
            total += len(image) * output_losses(self._outputs(image / 255)[-1:], label[:, None].float())[0]
        self.network.train()
        return self.fabric.all_reduce(total / len(images), reduce_op="mean").item()

    def _outputs(self, image: Tensor) -> list[Tensor]:
        if self.recipe.hardware.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        return self.network(image)

    def state_dict(self) -> dict[str, Any]:
        """State of the network and of its optimisers."""
        return {
            "network": self.network.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned."""
        self.network.load_state_dict(state["network"])
        for optimizer, its_state in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its_state)
