"""How far a training run is, and what the end of an epoch adds to that."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
from torch import Tensor

from vesselbench.device import refusal
from vesselbench.training.learner import Learner
from vesselbench.training.validation import plateau_factor


@dataclass
class Progress:
    """How far a run is: what a checkpoint holds beside weights, optimisers and generators."""

    step: int = 0
    losses: list[list[float]] = field(
        default_factory=list
    )  # of the present epoch: one row a step, one column an output
    log: list[dict[str, float]] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)  # one loss an epoch
    reduction: float = 1.0  # factor of the learning rate
    lowest: float = float("inf")
    kept: dict[str, Tensor] | None = None


def close_epoch(run: Progress, learner: Learner, images: Tensor, labels: Tensor) -> None:
    """Turn the epoch's losses into a row of the log, lower the learning rate and keep the weights as the recipe says.

    Parameters
    ----------
    run
        Changed in place.
    learner
        The network, and its recipe.
    images, labels
        The patches held out, as ``Learner.validate`` takes them; they may be none.

    Raises
    ------
    UserError
        The validation loss is not finite.
    """
    recipe = learner.recipe
    means = torch.tensor(run.losses, dtype=torch.float64).mean(0).tolist()
    row: dict[str, float] = {"step": run.step, "loss": round(sum(means), 6)}
    row |= {f"loss_{output}": round(mean, 6) for output, mean in enumerate(means, start=1)}
    row["learning_rate"] = run.reduction * recipe.rate(run.step - 1)
    run.losses.clear()
    if recipe.validation:
        loss = learner.validate(images, labels)
        if not math.isfinite(loss):
            raise refusal(
                learner.fabric,
                f"training: the validation loss after step {run.step} is {loss}, it must be finite; "
                "lower train.default.learning_rate",
            )
        run.validation.append(loss)
        row["validation"] = round(loss, 6)
        if recipe.schedule == "plateau":
            run.reduction = plateau_factor(run.validation, recipe.patience)
    run.log.append(row)
    if recipe.keep != "last":
        watched = run.validation[-1] if recipe.keep == "lowest_validation_loss" else means[-1]
        if watched < run.lowest:
            run.lowest = watched
            run.kept = {name: tensor.detach().clone() for name, tensor in learner.network.state_dict().items()}
