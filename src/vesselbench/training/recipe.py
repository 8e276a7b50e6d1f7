"""Recipes: what a training run does, the entries of ``train`` in params.yaml, each whole: nothing is laid over it."""

import math
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from vesselbench.config import Parameters
from vesselbench.data.fit import Fit

# An augmentation: strength up to the first number, applied with the probability that is the second.
Chance = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0, le=1)]]


class Augmentation(Parameters):
    """Amounts and probabilities: colours as factors 1 +- amount, angles in degrees, shift as a share of the side.

    ``labels`` are ``soft`` (interpolated like the image) or ``covered``: 1 in every pixel that a moved label touches.
    """

    brightness: Chance
    contrast: Chance
    saturation: Chance
    rotation: Chance
    shear: Chance
    flip_probability: float = Field(ge=0, le=1)
    shift: Chance
    zoom: Chance
    labels: Literal["soft", "covered"]


class Loss(Parameters):
    """Loss of an output: factors of the cross-entropy, and of the mean squared difference of probability and truth."""

    cross_entropy: float = Field(ge=0)
    squared: float = Field(ge=0)


class Adversary(Parameters):
    """A critic that learns to tell true maps from a network's, which learns to deceive it (BF-Net, MICCAI 2021)."""

    weight: PositiveFloat  # of its loss beside the others of the network
    updates: PositiveInt  # of the critic a step: 1, on the last output; or one for each of the outputs that it judges
    sigmoid_twice: bool  # whether its cross-entropy takes the sigmoid of a sigmoid


class Plateau(Parameters):
    """How the schedule ``plateau`` lowers the learning rate, where not by a tenth on the validation loss."""

    factor: float = Field(gt=0, lt=1)
    watch: Literal["validation", "last_batch"]


class Sgd(Parameters):
    """Stochastic gradient descent with momentum, which takes over from Adam."""

    from_step: PositiveInt  # the first step that it takes
    learning_rate: PositiveFloat  # its own: learning_rate / (1 + decay * t) after t of its steps
    decay: float = Field(ge=0)
    momentum: float = Field(ge=0, lt=1)  # share of the last step's direction


class Recipe(Parameters):
    """One way to train; the source of each value stands beside it in params.yaml.

    The learning rate rises linearly for ``warmup`` steps. Then the ``schedule`` decides: ``cosine`` takes it down to
    zero in each of ``cycles`` equal parts of the run; ``plateau`` to a tenth of what it was whenever the validation
    loss has not fallen for more than ``patience`` epochs. Training ends with the weights that ``keep`` names: those
    after the epoch with the lowest mean training loss, or the lowest validation loss, of the last output, or those
    after the last step.
    """

    input: str  # what the network sees of a photograph: vesselbench.data.preprocess
    fit: Fit  # how photographs are brought to one size first: vesselbench.data.fit
    steps: NonNegativeInt  # 0 for a method that learns nothing
    batch: PositiveInt  # patches a step
    crops_per_image: PositiveInt  # patches cut from one augmented image
    patch: PositiveInt  # side in pixels
    learning_rate: PositiveFloat  # this one and the next three are of Adam
    betas: tuple[float, float]
    epsilon: float = Field(ge=0)
    weight_decay: float = Field(ge=0)  # factor of an L2 penalty
    schedule: Literal["constant", "cosine", "plateau"]
    cycles: PositiveInt
    patience: NonNegativeInt
    warmup: NonNegativeInt
    sgd: Sgd | None  # takes over from Adam; of all schedules only plateau acts on it
    epoch: PositiveInt  # steps a row of the log, whose loss is their mean
    validation: NonNegativeInt  # training images held out, the last in order of id: their loss ends each epoch
    keep: Literal["lowest_training_loss", "lowest_validation_loss", "last"]
    augmentation: Augmentation
    # What follows has a default, as nearly all recipes have it.
    targets: str | None = None  # task whose channels are learned, see vesselbench.data.task; that of the source
    loss: Loss | None = None  # of each output; the cross-entropy alone
    adversary: Adversary | None = None  # none
    plateau: Plateau | None = None  # of the schedule
    branches: Literal["scheduled", "constant"] = "scheduled"  # learning rate of all but the network's main part
    validate_by: Literal["loss", "weighted_f1"] = "loss"  # what is watched; 1 - weighted F1 of the kinds of vessel
    # How it is computed, in training and prediction. Weights repeat bit by bit at the same three only.
    precision: Literal["32-true", "bf16-mixed"]  # as Fabric names them
    compile: Literal["", "default", "reduce-overhead", "max-autotune"]  # mode of torch.compile, empty for none
    threads: PositiveInt  # of the CPU

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.batch % self.crops_per_image:
            raise ValueError(f"batch {self.batch} must be a multiple of crops_per_image {self.crops_per_image}")
        if self.steps % self.cycles:
            raise ValueError(f"steps {self.steps} must be a multiple of cycles {self.cycles}, all of one length")
        for name, choice in (("schedule", "plateau"), ("keep", "lowest_validation_loss")):
            if getattr(self, name) == choice and not self.validation:
                raise ValueError(f"{name} is {choice!r}, but validation is 0: hold images out, or choose another")
        return self

    def uses_sgd(self, step: int) -> bool:
        """Tell whether SGD takes step 0, 1, ..., not Adam."""
        return self.sgd is not None and step >= self.sgd.from_step

    def rate(self, step: int) -> float:
        """Compute the learning rate of step 0, 1, ..., steps - 1, before any plateau."""
        if self.uses_sgd(step):
            return self.sgd.learning_rate / (1 + self.sgd.decay * (step - self.sgd.from_step))
        rise = min(1.0, (step + 1) / (self.warmup + 1))
        cycle = self.steps // self.cycles
        fall = 0.5 * (1 + math.cos(math.pi * (step % cycle) / cycle)) if self.schedule == "cosine" else 1.0
        return self.learning_rate * rise * fall
