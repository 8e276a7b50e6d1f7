"""The training loop: patches in, weights and a log out."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from vesselbench.config import PARAMS
from vesselbench.data.augment import PatchSampler
from vesselbench.device import agreed, refusal
from vesselbench.progress import progress
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.determinism import generator_states, restore_generators
from vesselbench.training.epoch import Progress, close_epoch
from vesselbench.training.interrupt import stop_requests
from vesselbench.training.learner import Learner
from vesselbench.training.recipe import Recipe
from vesselbench.training.validation import grid_patches

CHECK_EVERY = 10  # steps between two looks at the losses, each of which waits for the device


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
        uint8 (N, C, H, W); uint8 (N, H, W) with 0 or 1; the N names, for error messages. The last
        ``recipe.validation`` of them are held out.
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
        One row an epoch: step, loss (sum), loss_1 ... (each output), learning_rate, and validation (the last output on
        the images held out) where there are any.

    Raises
    ------
    UserError
        A loss is not finite (names the step and the images of its batch), the run was asked to stop (it can go on),
        no image is left to train on, or the images are smaller than a patch.
    """
    alone = fabric.world_size == 1
    _check(images, recipe, fabric)
    learner = Learner(build(), recipe, fabric)
    if not alone:
        torch.manual_seed(torch.initial_seed() + fabric.global_rank)  # dropout differs from process to process
    images, labels = images.to(fabric.device), labels.to(fabric.device)
    count = len(images) - recipe.validation
    process = (fabric.global_rank, fabric.world_size)
    sampler = PatchSampler(images[:count], labels[:count], recipe.augmentation, process)
    held_out = [grid_patches(maps[count:], recipe.patch) for maps in (images, labels)]
    run = Progress()

    def save() -> None:
        generators = generator_states(generator)
        if fabric.is_global_zero:
            checkpoint.save({**learner.state_dict(), "generators": generators, "run": vars(run)})

    if state := fabric.broadcast(checkpoint.load() if fabric.is_global_zero else None):
        learner.load_state_dict(state)
        restore_generators(state["generators"][fabric.global_rank], generator)
        run = Progress(**state["run"])
        fabric.print(f"going on at step {run.step} of {recipe.steps}", flush=True)

    waiting: list[tuple[Tensor, Tensor]] = []  # losses still on the device, with the images they came from
    first, begun = run.step, time.monotonic()
    saved = begun
    patches = {"total": recipe.steps * recipe.batch, "initial": run.step * recipe.batch, "unit": " patch"}
    bar = progress(desc="train", disable=not fabric.is_global_zero, **patches)
    with bar, stop_requests() as requests:
        while run.step < recipe.steps:
            image, label, chosen = sampler.draw(recipe.batch, recipe.crops_per_image, recipe.patch, generator)
            waiting.append((learner.step(run.step, image, label, run.reduction), chosen))
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
                close_epoch(run, learner, *held_out)
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
    if recipe.keep != "last":
        learner.network.load_state_dict(run.kept)
    return learner.network.module.cpu(), pd.DataFrame(run.log)


def _check(images: Tensor, recipe: Recipe, fabric: Fabric) -> None:
    if recipe.validation >= len(images):
        raise refusal(
            fabric,
            f"{PARAMS}: train: validation is {recipe.validation}, but there are {len(images)} training images; hold "
            "fewer out, so that one is left",
        )
    if recipe.patch > min(images.shape[2:]):
        raise refusal(
            fabric,
            f"{PARAMS}: train: patch is {recipe.patch}, but the training images are of {images.shape[2]} x "
            f"{images.shape[3]} pixels; take a smaller patch",
        )


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
