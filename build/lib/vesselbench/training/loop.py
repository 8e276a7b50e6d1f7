"""The training loop: patches in, weights and a log out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.config import UserError
from vesselbench.data.augment import PatchSampler
from vesselbench.device import choose_accelerator
from vesselbench.progress import progress
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.determinism import generator_states, restore_generators
from vesselbench.training.interrupt import stop_requests
from vesselbench.training.loss import output_losses
from vesselbench.training.recipe import Recipe

CHECK_EVERY = 10  # steps between two looks at the losses, each of which waits for the device


@dataclass
class Progress:
    """How far a run is: what a checkpoint holds beside weights, optimiser and generators."""

    step: int = 0
    losses: list[list[float]] = field(
        default_factory=list
    )  # of the present epoch: one row a step, one column an output
    log: list[dict[str, float]] = field(default_factory=list)
    lowest: float = float("inf")
    kept: dict[str, Tensor] | None = None


def train(
    build: Callable[[], nn.Module],
    images: Tensor,
    labels: Tensor,
    ids: Sequence[str],
    recipe: Recipe,
    generator: torch.Generator,
    checkpoint: Checkpoint,
) -> tuple[nn.Module, pd.DataFrame]:
    """Train a network on random augmented patches, or go on with a training that was stopped.

    Parameters
    ----------
    build
        Makes the untrained network (``vesselbench.models.build``).
    images, labels, ids
        uint8 (N, C, H, W); uint8 (N, H, W) with 0 or 1; the N names, for error messages.
    recipe
        How.
    generator
        Of the patch draws.
    checkpoint
        Written every ``recipe.checkpoint_minutes`` and on Ctrl-C, read at the start.

    Returns
    -------
    network : torch.nn.Module
        With the kept weights, on the CPU.
    log : pandas.DataFrame
        One row an epoch: step, loss (sum), loss_1 ... (each output), learning_rate.

    Raises
    ------
    UserError
        A loss is not finite (names the step and the images of its batch), or the run was asked to stop (it can go on).
    """
    fabric = Fabric(accelerator=choose_accelerator(recipe.accelerator), devices=1, precision=recipe.precision)
    if recipe.threads:
        torch.set_num_threads(recipe.threads)
    network = build()
    if recipe.channels_last:
        network = network.to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(network.parameters(), recipe.learning_rate, tuple(recipe.betas), recipe.epsilon)
    network, optimizer = fabric.setup(network, optimizer)
    sampler = PatchSampler(images.to(fabric.device), labels.to(fabric.device), recipe.augmentation)
    run = Progress()

    def save() -> None:
        states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
        checkpoint.save({**states, "generators": generator_states(generator), "run": vars(run)})

    if state := checkpoint.load():
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        restore_generators(state["generators"], generator)
        run = Progress(**state["run"])
        print(f"going on at step {run.step} of {recipe.steps}", flush=True)

    network.train()
    waiting: list[tuple[Tensor, Tensor]] = []  # losses still on the device, with the images they came from
    saved = time.monotonic()
    bar = progress(total=recipe.steps, initial=run.step, unit=" step", desc="train")
    with bar, stop_requests() as requests:
        while run.step < recipe.steps:
            image, label, chosen = sampler.draw(recipe.batch, recipe.crops_per_image, recipe.patch, generator)
            if recipe.channels_last:
                image = image.contiguous(memory_format=torch.channels_last)
            for group in optimizer.param_groups:
                group["lr"] = recipe.rate(run.step)
            losses = output_losses(network(image), label)
            optimizer.zero_grad(set_to_none=True)
            fabric.backward(losses.sum())
            optimizer.step()
            waiting.append((losses.detach(), chosen))
            run.step += 1
            bar.update()
            end_of_epoch = run.step % recipe.epoch == 0 or run.step == recipe.steps
            if end_of_epoch or len(waiting) == CHECK_EVERY:
                run.losses += _read(waiting, run.step, ids)
                waiting.clear()
                bar.set_postfix(loss=f"{sum(run.losses[-1]):.4f}", refresh=False)
                if end_of_epoch:
                    _close_epoch(run, recipe, network)
                if time.monotonic() - saved > 60 * recipe.checkpoint_minutes:
                    save()
                    saved = time.monotonic()
            if requests:
                run.losses += _read(waiting, run.step, ids)
                save()
                raise UserError(f"stopped at step {run.step} of {recipe.steps}; run the same command again to go on")
    if recipe.keep == "lowest_training_loss":
        network.load_state_dict(run.kept)
    return network.module.cpu(), pd.DataFrame(run.log)


def _read(waiting: list[tuple[Tensor, Tensor]], step: int, ids: Sequence[str]) -> list[list[float]]:
    """Fetch losses from the device, (steps, outputs); refuse those that are not finite."""
    rows = []
    for place, (losses, chosen) in enumerate(waiting, start=step - len(waiting) + 1):
        rows.append(losses.tolist())
        if not torch.isfinite(losses).all():
            names = ", ".join(sorted({ids[index] for index in chosen.tolist()}))
            raise UserError(
                f"training: the loss of step {place} is {rows[-1]}, it must be finite; "
                f"the batch came from images {names}: look at these, or lower train.default.learning_rate"
            )
    return rows


def _close_epoch(run: Progress, recipe: Recipe, network: nn.Module) -> None:
    """Turn the epoch's losses into a row of the log, and keep the weights if its last output did best so far."""
    means = torch.tensor(run.losses, dtype=torch.float64).mean(0).tolist()
    row: dict[str, Any] = {"step": run.step, "loss": round(sum(means), 6)}
    row |= {f"loss_{output}": round(mean, 6) for output, mean in enumerate(means, start=1)}
    run.log.append(row | {"learning_rate": recipe.rate(run.step - 1)})
    run.losses.clear()
    if recipe.keep == "lowest_training_loss" and means[-1] < run.lowest:
        run.lowest = means[-1]
        run.kept = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
