"""What a training run does: the parameters under ``train`` in params.yaml."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vesselbench.data.augment import Augmentation
from vesselbench.device import Hardware

SCHEDULES = ("constant", "cosine")
KEEPS = ("lowest_training_loss", "last")


@dataclass(frozen=True)
class Recipe:
    """Parameters of one training run; their sources stand beside the values in params.yaml.

    Attributes
    ----------
    steps, batch, crops_per_image, patch
        Optimiser steps; patches a step, over all devices; patches cut from one augmented image; side of a patch in
        pixels.
    learning_rate, betas, epsilon
        Of Adam.
    schedule, warmup
        ``constant`` or ``cosine`` (down to zero at the last step), after ``warmup`` steps of linear rise.
    epoch
        Steps a row of the log; its loss is their mean.
    keep
        ``lowest_training_loss``: the weights after the epoch with the lowest mean training loss of the last output;
        ``last``: those after the last step.
    fused
        Adam in one kernel instead of one for each operation.
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
    schedule: str
    warmup: int
    epoch: int
    keep: str
    fused: bool
    checkpoint_minutes: float
    augmentation: Augmentation
    preprocess: str
    hardware: Hardware

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crops_per_image", "patch", "epoch", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
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

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ..., steps - 1."""
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps)) if self.schedule == "cosine" else 1.0
        return self.learning_rate * rise * fall
