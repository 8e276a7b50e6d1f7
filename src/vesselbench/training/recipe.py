"""What a training run does: the parameters under ``train`` in params.yaml."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vesselbench.data.augment import Augmentation
from vesselbench.device import Hardware

SCHEDULES = ("constant", "cosine", "plateau")
KEEPS = ("lowest_training_loss", "lowest_validation_loss", "last")


@dataclass(frozen=True)
class Sgd:
    """Stochastic gradient descent with momentum, which may take over from Adam.

    Attributes
    ----------
    from_step
        The first step that it takes; 0: it takes none.
    learning_rate, decay
        Its own: ``learning_rate / (1 + decay * t)`` after t of its steps.
    momentum
        Share of the last step's direction.
    """

    from_step: int
    learning_rate: float
    decay: float
    momentum: float

    def __post_init__(self) -> None:
        if self.from_step < 0 or not self.learning_rate > 0 or self.decay < 0 or not 0 <= self.momentum < 1:
            raise ValueError(
                f"from_step {self.from_step}, learning_rate {self.learning_rate}, decay {self.decay}, momentum "
                f"{self.momentum}: from_step and decay must be at least 0, learning_rate above 0, momentum in [0, 1)"
            )

    def takes(self, step: int) -> bool:
        """Say whether step 0, 1, ... of the run is one of its own."""
        return 0 < self.from_step <= step

    def rate(self, step: int) -> float:
        """Learning rate of a step of the run that it takes."""
        return self.learning_rate / (1 + self.decay * (step - self.from_step))


@dataclass(frozen=True)
class Recipe:
    """Parameters of one training run; their sources stand beside the values in params.yaml.

    Attributes
    ----------
    steps, batch, crops_per_image, patch
        Optimiser steps; patches a step, over all devices; patches cut from one augmented image; side of a patch in
        pixels.
    learning_rate, betas, epsilon, weight_decay
        Of Adam; the last is the factor of an L2 penalty.
    schedule, cycles, patience, warmup
        ``constant``; ``cosine``: down to zero, in each of ``cycles`` equal parts of the run; ``plateau``: a tenth of
        what it was whenever the validation loss has not fallen for more than ``patience`` epochs
        (``vesselbench.training.validation``). All after ``warmup`` steps of linear rise.
    sgd
        What takes over from Adam, if anything does; of all these only ``plateau`` acts on it.
    epoch
        Steps a row of the log; its loss is their mean.
    validation
        Training images held out, the last in order of id: their loss ends each epoch.
    keep
        ``lowest_training_loss``: the weights after the epoch with the lowest mean training loss of the last output;
        ``lowest_validation_loss``: those with the lowest loss of the last output on the images held out;
        ``last``: those after the last step.
    fused
        An optimiser in one kernel instead of one for each operation.
    checkpoint_minutes
        Time between two checkpoints.
    augmentation
        See ``vesselbench.data.augment``.
    preprocess
        Taken instead of the network's own where it is not empty.
    hardware
        See ``vesselbench.device``.
    """

    steps: int
    batch: int
    crops_per_image: int
    patch: int
    learning_rate: float
    betas: tuple
    epsilon: float
    weight_decay: float
    schedule: str
    cycles: int
    patience: int
    warmup: int
    sgd: Sgd
    epoch: int
    validation: int
    keep: str
    fused: bool
    checkpoint_minutes: float
    augmentation: Augmentation
    preprocess: str
    hardware: Hardware

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crops_per_image", "patch", "epoch", "learning_rate", "cycles"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        for name in ("weight_decay", "patience", "warmup", "validation"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 0")
        if self.batch % self.crops_per_image:
            raise ValueError(f"batch {self.batch} is no multiple of crops_per_image {self.crops_per_image}")
        images, processes = self.batch // self.crops_per_image, self.hardware.devices * self.hardware.nodes
        if images % processes:
            raise ValueError(
                f"batch {self.batch} with crops_per_image {self.crops_per_image} is {images} images a step, which "
                f"{processes} devices cannot share evenly; change one of the three"
            )
        for name, choices in (("schedule", SCHEDULES), ("keep", KEEPS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")
        if self.steps % self.cycles:
            raise ValueError(f"steps {self.steps} is no multiple of cycles {self.cycles}; all cycles are of one length")
        for name, choice in (("schedule", "plateau"), ("keep", "lowest_validation_loss")):
            if getattr(self, name) == choice and not self.validation:
                raise ValueError(f"{name} is {choice!r}, but validation is 0; hold images out, or choose another")

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ..., steps - 1, before any plateau."""
        if self.sgd.takes(step):
            return self.sgd.rate(step)
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        cycle = self.steps // self.cycles
        fall = 0.5 * (1 + math.cos(math.pi * (step % cycle) / cycle)) if self.schedule == "cosine" else 1.0
        return self.learning_rate * rise * fall
