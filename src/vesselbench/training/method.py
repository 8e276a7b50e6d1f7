"""Training methods: what one step of training does to a network. The loop knows no more of them than ``Method``."""

from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from vesselbench.device import prepare_network
from vesselbench.training.recipe import Recipe


class Method(Protocol):
    """What the training loop asks of a training method."""

    network: nn.Module  # that is trained, whose weights are kept

    def step(self, number: int, image: Tensor, label: Tensor, reduction: float) -> Tensor:
        """Take step 0, 1, ... of training at ``reduction`` times the recipe's rate.

        ``image`` is float32 (B, C, H, W) in [0, 1], ``label`` float32 (B, K, H, W) in [0, 1]. Returns the loss of each
        output before the step, float32 (outputs,), on the device.
        """

    def validate(self, images: Tensor, labels: Tensor) -> float:
        """Compute the loss of the last output on patches held out: uint8 (P, C, H, W); uint8 (P, K, H, W), 0 or 1."""

    def state_dict(self) -> dict[str, Any]:
        """Collect all that the method needs to go on after a stop."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned."""


class Supervised:
    """Supervised training: the sum of the losses of a network's outputs falls step by step."""

    def __init__(self, network: nn.Module, recipe: Recipe, fabric: Fabric):
        network = prepare_network(network, recipe.compile)
        adam = torch.optim.Adam(
            network.parameters(), recipe.learning_rate, recipe.betas, recipe.epsilon, recipe.weight_decay, fused=True
        )
        optimizers: list[torch.optim.Optimizer] = [adam]
        if sgd := recipe.sgd:
            optimizers.append(torch.optim.SGD(network.parameters(), sgd.learning_rate, sgd.momentum, fused=True))
        self.network, *self.optimizers = fabric.setup(network, *optimizers)
        self.network.train()
        self.recipe, self.fabric = recipe, fabric

    def step(self, number: int, image: Tensor, label: Tensor, reduction: float = 1.0) -> Tensor:
        """Take a step of training; its number decides the optimiser and the learning rate."""
        optimizer = self.optimizers[self.recipe.uses_sgd(number)]
        for group in optimizer.param_groups:
            group["lr"] = reduction * self.recipe.rate(number)
        losses = output_losses(self._outputs(image), label)
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward(losses.sum())
        optimizer.step()
        return losses.detach()

    @torch.no_grad()
    def validate(self, images: Tensor, labels: Tensor) -> float:
        """Compute the mean loss of the last output over patches that nothing is done to, in evaluation mode."""
        self.network.eval()
        total = torch.zeros((), dtype=torch.float64, device=images.device)
        batch = self.recipe.batch
        for image, label in zip(images.split(batch), labels.split(batch), strict=True):
            total += len(image) * output_losses(self._outputs(image / 255)[-1:], label.float())[0]
        self.network.train()
        return (total / len(images)).item()

    def _outputs(self, image: Tensor) -> list[Tensor]:
        return self.network(image.contiguous(memory_format=torch.channels_last))

    def state_dict(self) -> dict[str, Any]:
        """Collect the states of the network and of its optimisers."""
        optimizers = [optimizer.state_dict() for optimizer in self.optimizers]
        return {"network": self.network.state_dict(), "optimizers": optimizers}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned."""
        self.network.load_state_dict(state["network"])
        for optimizer, its_state in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(its_state)


def output_losses(logits: list[Tensor], truth: Tensor) -> Tensor:
    """Compute the mean sigmoid cross-entropy of every output over all pixels, in or out of the field of view.

    IterNet, equations 1 and 2: training minimises the plain sum of what is returned, float32 (outputs,). Logits are
    (B, K, H, W) for each output, ``truth`` is float (B, K, H, W) in [0, 1].
    """
    return torch.stack([binary_cross_entropy_with_logits(output.float(), truth) for output in logits])
