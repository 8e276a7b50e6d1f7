"""The training loop: patches in, weights and a log out, stopped and resumed as if nothing had been."""

import math
import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pandas as pd
import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau

from vesselbench.config import PARAMS, UserError
from vesselbench.files import progress
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.method import Method
from vesselbench.training.patches import PatchSampler, grid_patches, sides
from vesselbench.training.recipe import Recipe

CHECK_EVERY = 10  # steps between two looks at the losses, each of which waits for the device
CHECKPOINT_SECONDS = 120


@dataclass
class State:
    """How far a run is: what a checkpoint holds beside the method and the generators."""

    step: int = 0
    losses: list[list[float]] = field(default_factory=list)  # of this epoch, as ``Method.step`` gives them
    log: list[dict[str, float]] = field(default_factory=list)
    watched: list[list[float]] = field(default_factory=list)  # by a plateau: a row an epoch, a column a reduction
    reductions: list[float] = field(default_factory=lambda: [1.0])  # factors of learning rates
    lowest: float = float("inf")
    kept: dict[str, Tensor] | None = None


def seed_everything(seed: int) -> torch.Generator:
    """Seed weights and dropout, ask for deterministic kernels, and return the generator of the patch draws."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA before its first matrix product
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a help in finding mistakes, at a price
    torch.backends.cudnn.benchmark = False
    return torch.Generator().manual_seed(seed)


def train(
    method: Method,
    images: Tensor,
    labels: Tensor,
    ids: Sequence[str],
    recipe: Recipe,
    generator: torch.Generator,
    checkpoint: Checkpoint,
) -> pd.DataFrame:
    """Train a network on random augmented patches, or go on with a training that was stopped.

    Parameters
    ----------
    method
        Holds the network, which has the kept weights in the end.
    images, labels, ids
        On the device: uint8 (N, C, H, W); uint8 (N, K, H, W) with 0 or 1; the N names. Those that ``validation`` of the
        recipe says are held out.
    generator
        Of the patch draws, from ``seed_everything``.
    checkpoint
        Written every two minutes and on Ctrl-C, read at the start.

    Returns
    -------
    pandas.DataFrame
        One row an epoch: step, loss (sum), loss_1 ... (each output, before any weight), extra losses of the method,
        learning_rate, and validation (of the last output on the images held out) where there are any.

    Raises
    ------
    UserError
        A loss is not finite (names the step and the images of its batch), the run was asked to stop (it can go on),
        no image is left to train on, or a patch is larger than the images, or smaller where the network needs all.
    """
    held_out = recipe.held_out(ids)
    _check_sizes(images, recipe, len(held_out), method.network)
    left_out = torch.tensor([name in held_out for name in ids])
    ids = [name for name in ids if name not in held_out]
    sampler = PatchSampler(images[~left_out], labels[~left_out], recipe.augmentation)
    patches = [grid_patches(maps[left_out], recipe.patch) for maps in (images, labels)]
    run = State()
    if state := checkpoint.load():
        method.load_state_dict(state)
        _restore_generators(state["generators"], generator)
        run = State(**state["run"])
        print(f"going on at step {run.step} of {recipe.steps}", flush=True)

    waiting: list[tuple[Tensor, Tensor]] = []  # losses still on the device, with the images they came from
    first, begun = run.step, time.monotonic()
    saved = begun
    bar = progress(desc="train", total=recipe.steps * recipe.batch, initial=run.step * recipe.batch, unit=" patch")
    with bar, stop_requests() as requests:
        while run.step < recipe.steps:
            image, label, chosen = sampler.draw(recipe.batch, recipe.crops_per_image, recipe.patch, generator)
            waiting.append((method.step(run.step, image, label, run.reductions), chosen))
            run.step += 1
            bar.update(recipe.batch)
            end_of_epoch = run.step % recipe.epoch == 0 or run.step == recipe.steps
            if not (end_of_epoch or len(waiting) == CHECK_EVERY or requests):
                continue
            run.losses += _read_losses(waiting, run.step, ids)
            waiting.clear()
            outputs = " ".join(f"{loss:.4f}" for loss in run.losses[-1])
            bar.set_postfix_str(f"step {run.step}, losses {outputs}", refresh=False)
            if end_of_epoch:
                close_epoch(run, method, recipe, *patches)
            if requests or time.monotonic() - saved > CHECKPOINT_SECONDS:
                checkpoint.save({**method.state_dict(), "generators": _generator_states(generator), "run": vars(run)})
                saved = time.monotonic()
            if requests:
                raise UserError(f"stopped at step {run.step} of {recipe.steps}; run the same command again to go on")
    seconds = time.monotonic() - begun
    losses = ", ".join(f"{value:.4f}" for name, value in run.log[-1].items() if name.startswith("loss_"))
    steps, speed = run.step - first, (run.step - first) * recipe.batch / max(seconds, 1e-9)
    duration = timedelta(seconds=round(seconds))
    print(f"{steps} steps in {duration}, {speed:.1f} patches/s; last epoch's losses {losses}", flush=True)
    if recipe.keep != "last":
        method.network.load_state_dict(run.kept)
    return pd.DataFrame(run.log)


def close_epoch(run: State, method: Method, recipe: Recipe, images: Tensor, labels: Tensor) -> None:
    """Turn the epoch's losses into a row of the log, lower the learning rates and keep the weights as the recipe says.

    ``run`` is changed in place; ``images`` and ``labels`` are the patches held out, maybe none, as ``Method.validate``
    takes them. UserError if the validation loss is not finite.
    """
    means, last = torch.tensor(run.losses, dtype=torch.float64).mean(0).tolist(), run.losses[-1]
    count = len(means) - len(method.extra)
    means, extra = means[:count], means[count:]
    row: dict[str, float] = {"step": run.step, "loss": round(sum(means), 6)}
    row |= {f"loss_{output}": round(mean, 6) for output, mean in enumerate(means, start=1)}
    row |= {name: round(mean, 6) for name, mean in zip(method.extra, extra, strict=True)}
    row["learning_rate"] = run.reductions[0] * recipe.rate(run.step - 1)
    run.losses.clear()
    if recipe.validation:
        loss = method.validate(images, labels)
        if not math.isfinite(loss):
            fault = f"the validation loss after step {run.step} is {loss}, it must be finite"
            raise UserError(f"training: {fault}; lower learning_rate of the recipe")
        row["validation"] = round(loss, 6)
    if recipe.schedule == "plateau":
        run.watched.append([loss] if recipe.plateau.watch == "validation" else last[count - 1 :])
        columns = zip(*run.watched, strict=True)
        run.reductions = [plateau_factor(column, recipe.patience, recipe.plateau.factor) for column in columns]
    run.log.append(row)
    if recipe.keep != "last":
        watched = loss if recipe.keep == "lowest_validation_loss" else means[-1]
        if watched < run.lowest:
            run.lowest = watched
            run.kept = {name: tensor.detach().clone() for name, tensor in method.network.state_dict().items()}


def plateau_factor(losses: Sequence[float], patience: int, factor: float = 0.1) -> float:
    """Compute the factor of the learning rate after epochs with these losses.

    It falls to ``factor`` of what it was, again and again, where more than ``patience`` epochs in a row were not lower
    than the lowest before by at least a ten-thousandth of it: ``torch.optim.lr_scheduler.ReduceLROnPlateau``, gone
    through from the first epoch each time, so that there is no state to keep.
    """
    rate = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler = ReduceLROnPlateau(rate, factor=factor, patience=patience)
    for loss in losses:
        scheduler.step(loss)
    return rate.param_groups[0]["lr"]


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect SIGINT (Ctrl-C) and SIGTERM in a list instead of dying of them; the loop looks at it when it can stop.

    A second signal of the same kind acts as it always does.
    """
    received: list[int] = []
    before = {}

    def note(number: int, frame: object) -> None:
        received.append(number)
        signal.signal(number, before[number])

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _generator_states(generator: torch.Generator) -> dict[str, Any]:
    """Collect the states of all generators that training draws from."""
    states = {"patches": generator.get_state(), "cpu": torch.get_rng_state()}
    return states | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_available() else {})


def _restore_generators(states: dict[str, Any], generator: torch.Generator) -> None:
    generator.set_state(states["patches"])
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():  # a run begun on a GPU may go on without one
        torch.cuda.set_rng_state(states["cuda"])


def _check_sizes(images: Tensor, recipe: Recipe, held_out: int, network: nn.Module) -> None:
    if held_out >= len(images):
        fault = f"validation is {recipe.validation}, but there are {len(images)} training images"
        raise UserError(f"{PARAMS}: train: {fault}; hold fewer out, so that one is left")
    patch, size = sides(recipe.patch), images.shape[2:]
    fault = f"patch is {recipe.patch}, but the training images are of {size[0]} x {size[1]} pixels"
    if patch[0] > size[0] or patch[1] > size[1]:
        raise UserError(f"{PARAMS}: train: {fault}; take a smaller patch")
    if any(side % getattr(network, "multiple", 1) for side in patch):
        fault = f"patch is {recipe.patch}, but the network takes multiples of {network.multiple}"
        raise UserError(f"{PARAMS}: train: {fault}; change its sides")
    if getattr(network, "whole_images", False) and patch != size:
        raise UserError(f"{PARAMS}: train: {fault} and the network looks at whole ones only; make it {list(size)}")


def _read_losses(waiting: list[tuple[Tensor, Tensor]], step: int, ids: Sequence[str]) -> list[list[float]]:
    """Fetch losses from the device, a row a step, and refuse those that are not finite."""
    rows = torch.stack([losses for losses, _ in waiting]).tolist()
    for place, (row, (_, chosen)) in enumerate(zip(rows, waiting, strict=True), start=step - len(waiting) + 1):
        if not all(map(math.isfinite, row)):
            names = ", ".join(sorted({ids[index] for index in chosen.tolist()}))
            fault = f"the loss of step {place} is {row}, it must be finite; the batch came from images {names}"
            raise UserError(f"training: {fault}: look at these, or lower learning_rate of the recipe")
    return rows
