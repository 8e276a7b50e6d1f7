"""The training loop: patches in, weights and a log out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.data.augment import PatchSampler
from vesselbench.device import agreed, refusal
from vesselbench.progress import progress
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.determinism import generator_states, restore_generators
from vesselbench.training.interrupt import stop_requests
from vesselbench.training.recipe import Recipe
from vesselbench.training.step import take_step

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
    fabric: Fabric,
) -> tuple[nn.Module, pd.DataFrame]:
    """Train a network on random augmented patches, or go on with a training that was stopped.

    Of several processes each computes its share of every batch and ends with the same weights.

    Parameters
    ----------
    build
        Makes the untrained network (``vesselbench.models.build``).
    images, labels, ids
        uint8 (N, C, H, W); uint8 (N, H, W) with 0 or 1; the N names, for error messages.
    recipe
        How.
    generator
        Of the patch draws, in the same state in all processes.
    checkpoint
        Written every ``recipe.checkpoint_minutes`` and on Ctrl-C, read at the start.
    fabric
        The processes and their devices (``recipe.hardware.launch()``).

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
    alone = fabric.world_size == 1
    network = build()
    if fabric.device.type == "cuda" and not alone:
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # statistics of the batch, not of a device's share
    network = recipe.hardware.arrange(network)
    optimizer = torch.optim.Adam(
        network.parameters(), recipe.learning_rate, tuple(recipe.betas), recipe.epsilon, fused=recipe.fused
    )
    network, optimizer = fabric.setup(network, optimizer)
    if not alone:
        torch.manual_seed(torch.initial_seed() + fabric.global_rank)  # dropout differs from process to process
    process = (fabric.global_rank, fabric.world_size)
    sampler = PatchSampler(images.to(fabric.device), labels.to(fabric.device), recipe.augmentation, process)
    run = Progress()

    def save() -> None:
        generators = generator_states(generator)
        if fabric.is_global_zero:
            states = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
            checkpoint.save({**states, "generators": generators, "run": vars(run)})

    if state := fabric.broadcast(checkpoint.load() if fabric.is_global_zero else None):
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        restore_generators(state["generators"][fabric.global_rank], generator)
        run = Progress(**state["run"])
        fabric.print(f"going on at step {run.step} of {recipe.steps}", flush=True)

    network.train()
    waiting: list[tuple[Tensor, Tensor]] = []  # losses still on the device, with the images they came from
    first, begun = run.step, time.monotonic()
    saved = begun
    patches = {"total": recipe.steps * recipe.batch, "initial": run.step * recipe.batch, "unit": " patch"}
    bar = progress(desc="train", disable=not fabric.is_global_zero, **patches)
    with bar, stop_requests() as requests:
        while run.step < recipe.steps:
            image, label, chosen = sampler.draw(recipe.batch, recipe.crops_per_image, recipe.patch, generator)
            if recipe.hardware.channels_last:
                image = image.contiguous(memory_format=torch.channels_last)
            losses = take_step(network, optimizer, image, label, recipe.rate(run.step), fabric)
            waiting.append((losses, chosen))
            run.step += 1
            bar.update(recipe.batch)
            end_of_epoch = run.step % recipe.epoch == 0 or run.step == recipe.steps
            if not (end_of_epoch or len(waiting) == CHECK_EVERY or (alone and requests)):
                continue
            run.losses += _read(waiting, run.step, ids, fabric)
            waiting.clear()
            outputs = " ".join(f"{loss:.4f}" for loss in run.losses[-1])
            bar.set_postfix_str(f"step {run.step}, losses {outputs}", refresh=False)
            if end_of_epoch:
                _close_epoch(run, recipe, network)
            stop, due = agreed(fabric, bool(requests), time.monotonic() - saved > 60 * recipe.checkpoint_minutes)
            if stop or due:
                save()
                saved = time.monotonic()
            if stop:
                raise refusal(
                    fabric, f"stopped at step {run.step} of {recipe.steps}; run the same command again to go on"
                )
    seconds = time.monotonic() - begun
    fabric.print(
        f"{run.step - first} steps in {timedelta(seconds=round(seconds))}, "
        f"{(run.step - first) * recipe.batch / max(seconds, 1e-9):.1f} patches/s; last epoch's losses "
        + ", ".join(f"{value:.4f}" for name, value in run.log[-1].items() if name.startswith("loss_")),
        flush=True,
    )
    if recipe.keep == "lowest_training_loss":
        network.load_state_dict(run.kept)
    return network.module.cpu(), pd.DataFrame(run.log)


def _read(waiting: list[tuple[Tensor, Tensor]], step: int, ids: Sequence[str], fabric: Fabric) -> list[list[float]]:
    """Fetch losses from the device, (steps, outputs), as means over all processes; refuse those that are not finite."""
    rows = fabric.all_reduce(torch.stack([losses for losses, _ in waiting]), reduce_op="mean").tolist()
    for place, (row, (_, chosen)) in enumerate(zip(rows, waiting, strict=True), start=step - len(waiting) + 1):
        if not all(map(math.isfinite, row)):
            names = ", ".join(sorted({ids[index] for index in chosen.tolist()}))
            raise refusal(
                fabric,
                f"training: the loss of step {place} is {row}, it must be finite; "
                f"the batch came from images {names}: look at these, or lower train.default.learning_rate",
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
