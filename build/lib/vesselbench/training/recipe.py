"""What a training run does: the parameters under ``train`` in params.yaml."""

from __future__ import annotations

import math
from dataclasses import dataclass

from vesselbench.data.augment import Augmentation

SCHEDULES = ("constant", "cosine")
KEEPS = ("lowest_training_loss", "last")
PRECISIONS = ("32-true", "bf16-mixed")


@dataclass(frozen=True)
class Recipe:
    """Parameters of one training run; their sources stand beside the values in params.yaml.

    Attributes
    ----------
    steps, batch, crops_per_image, patch
        Optimiser steps; patches a step; patches cut from one augmented image; side of a patch in pixels.
    learning_rate, betas, epsilon
        Of Adam.
    schedule, warmup
        ``constant`` or ``cosine`` (down to zero at the last step), after ``warmup`` steps of linear rise.
    epoch
        Steps a row of the log; its loss is their mean.
    keep
        ``lowest_training_loss``: the weights after the epoch with the lowest mean training loss of the last output;
        ``last``: those after the last step.
    accelerator, precision, channels_last
        ``auto``, ``cpu`` or ``cuda``; ``32-true`` or ``bf16-mixed``, as in Lightning Fabric; memory layout of the maps.
    threads
        CPU threads; 0 for all there are. Sums over another number of threads round otherwise.
    checkpoint_minutes
        Time between two checkpoints.
    augmentation
        See ``vesselbench.data.augment``.
    preprocess
        Taken instead of the network's own where it is not empty.
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
    accelerator: str
    precision: str
    channels_last: bool
    threads: int
    checkpoint_minutes: float
    augmentation: Augmentation
    preprocess: str

    def __post_init__(self) -> None:
        for name in ("steps", "batch", "crops_per_image", "patch", "epoch", "learning_rate"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be above 0")
        if self.batch % self.crops_per_image:
            raise ValueError(f"batch {self.batch} is no multiple of crops_per_image {self.crops_per_image}")
        for name, choices in (("schedule", SCHEDULES), ("keep", KEEPS), ("precision", PRECISIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(choices)}")

    def rate(self, step: int) -> float:
        """Learning rate of step 0, 1, ..., steps - 1."""
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        fall = 0.5 * (1 + math.cos(math.pi * step / self.steps)) if self.schedule == "cosine" else 1.0
        return self.learning_rate * rise * fall
