"""Training methods: what one step of training does to a network. The loop knows no more of them than ``Method``."""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.config import PARAMS, UserError
from vesselbench.data.task import TASKS, Task
from vesselbench.device import prepare_network
from vesselbench.training.loss import make_targets, output_losses, weighted_f1
from vesselbench.training.recipe import Recipe


class Method(Protocol):
    """What the training loop asks of a training method."""

    network: nn.Module  # that is trained, whose weights are kept
    extra: Sequence[str]  # names of the losses that a step returns beside those of the network's outputs

    def step(self, number: int, image: Tensor, label: Tensor, reductions: Sequence[float]) -> Tensor:
        """Take step 0, 1, ... of training.

        ``image`` is float32 (B, C, H, W) in [0, 1], ``label`` float32 (B, K, H, W) in [0, 1]. ``reductions`` are
        factors of the recipe's rate: the first is the network's; the last that of whatever else learns. Returns the
        loss of each output before the step, then the extra ones: float32 (outputs + extra,), on the device.
        """

    def validate(self, images: Tensor, labels: Tensor) -> float:
        """Compute what is to fall on patches held out: uint8 (P, C, H, W); uint8 (P, K, H, W), 0 or 1."""

    def state_dict(self) -> dict[str, Any]:
        """Collect all that the method needs to go on after a stop."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned."""


class Supervised:
    """Supervised training: the sum of the losses of a network's outputs falls step by step.

    A network may say more of its outputs: ``output_weights``, factors of their losses in this sum; ``targets``, float
    (outputs, K, K): output o learns ``targets[o] @ truth``; ``branches``, all but its main part.
    """

    extra: Sequence[str] = ()

    def __init__(self, network: nn.Module, recipe: Recipe, fabric: Fabric, task: Task = TASKS["vessel"]):
        if recipe.validate_by == "weighted_f1" and not {"artery", "vein"} <= task.channels.keys():
            fault = f"validate_by is 'weighted_f1', but {', '.join(task.channels)} are no kinds of vessel"
            raise UserError(f"{PARAMS}: train: {fault}; validate by loss")
        network = prepare_network(network, recipe.compile)
        optimizers: list[torch.optim.Optimizer] = [make_adam(_groups(network, recipe), recipe)]
        if sgd := recipe.sgd:
            optimizers.append(torch.optim.SGD(network.parameters(), sgd.learning_rate, sgd.momentum, fused=True))
        self.network, *self.optimizers = fabric.setup(network, *optimizers)
        self.network.train()
        self.parts = {"network": self.network} | dict(zip(("adam", "sgd"), self.optimizers, strict=False))
        self.recipe, self.fabric, self.task = recipe, fabric, task
        self.weights = torch.tensor(getattr(network, "output_weights", 1.0), device=fabric.device)

    def step(self, number: int, image: Tensor, label: Tensor, reductions: Sequence[float] = (1.0,)) -> Tensor:
        """Take a step of training; its number decides the optimiser and the learning rate."""
        losses = self._losses(self._outputs(image), *self._targets(label))
        self._descend(number, reductions[0], losses)
        return losses.detach()

    def _descend(self, number: int, reduction: float, losses: Tensor, more: Tensor | float = 0.0) -> None:
        """Take a step down the slope of these losses and ``more``; a second group of parameters keeps its rate."""
        optimizer = self.optimizers[self.recipe.uses_sgd(number)]
        optimizer.param_groups[0]["lr"] = reduction * self.recipe.rate(number)
        optimizer.zero_grad(set_to_none=True)
        self.fabric.backward((losses * self.weights).sum() + more)
        optimizer.step()

    @torch.no_grad()
    def validate(self, images: Tensor, labels: Tensor) -> float:
        """Compute the mean loss of the last output over patches that nothing is done to, in evaluation mode.

        Or, where the recipe says so, 1 less its mean weighted F1.
        """
        self.network.eval()
        total = torch.zeros((), dtype=torch.float64, device=images.device)
        batch = self.recipe.batch
        for image, label in zip(images.split(batch), labels.split(batch), strict=True):
            last = self._outputs(image / 255)[-1]
            targets, known = self._targets(label.float())
            if self.recipe.validate_by == "weighted_f1":
                total += (1 - weighted_f1(last, targets[-1], known, self.task)).sum()
            else:
                total += len(image) * self._losses([last], targets[-1:], known)[0]
        self.network.train()
        return (total / len(images)).item()

    def _outputs(self, image: Tensor) -> list[Tensor]:
        return self.network(image.contiguous(memory_format=torch.channels_last))

    def _targets(self, label: Tensor) -> tuple[Tensor, Tensor | None]:
        return make_targets(label, self.task, getattr(self.network, "targets", None))

    def _losses(self, outputs: list[Tensor], targets: Tensor, known: Tensor | None) -> Tensor:
        return output_losses(outputs, targets, known, self.recipe.loss, self.task.exclusive)

    def state_dict(self) -> dict[str, Any]:
        """Collect the states of the network, of its optimisers, and of what else learns."""
        return {name: part.state_dict() for name, part in self.parts.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Put back what ``state_dict`` returned."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])


def make_adam(parameters: Iterable[Any], recipe: Recipe) -> torch.optim.Adam:
    """Make the recipe's Adam for parameters or groups of them."""
    numbers = (recipe.learning_rate, recipe.betas, recipe.epsilon, recipe.weight_decay)
    return torch.optim.Adam(parameters, *numbers, fused=True)


def _groups(network: nn.Module, recipe: Recipe) -> list[dict[str, Any]]:
    """Group a network's parameters: those whose rate is scheduled, and those whose rate is constant, if any."""
    if recipe.branches == "scheduled":
        return [{"params": network.parameters()}]
    if not hasattr(network, "branches"):
        raise UserError(f"{PARAMS}: train: branches is 'constant', but the network has none; choose 'scheduled'")
    branches = set(network.branches.parameters())
    rest = [parameter for parameter in network.parameters() if parameter not in branches]
    return [{"params": rest}, {"params": network.branches.parameters()}]
