"""Recipes: what a training run does, the entries of ``train`` in params.yaml, each whole: nothing is laid over it."""

import math
from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from vesselbench.config import PARAMS, Parameters, UserError
from vesselbench.data.fit import Fit

# An augmentation: strength up to the first number, applied with the probability that is the second.
Chance = tuple[Annotated[float, Field(ge=0)], Annotated[float, Field(ge=0, le=1)]]
Id = Annotated[str, Field(coerce_numbers_to_str=True)]  # of an image: 30 is "30"


class Augmentation(Parameters):
    """Amounts and probabilities: colours as factors 1 +- amount, angles in degrees, shift as a share of the side.

    ``labels`` are ``soft`` (interpolated like the image), ``covered``: 1 in every pixel that a moved label touches, or
    ``half``: 1 where the moved label is above one half. ``rotation_step``: angles are rounded to multiples of it; where
    rotation is up to 180 degrees, all of them are drawn equally often.
    """

    brightness: Chance
    contrast: Chance
    saturation: Chance
    rotation: Chance
    shear: Chance
    flip_probability: float = Field(ge=0, le=1)
    shift: Chance
    zoom: Chance
    labels: Literal["soft", "covered", "half"]
    rotation_step: float = Field(default=0, ge=0)  # 0: any angle
    flips: Literal["both", "horizontal"] = "both"  # left-right and up-down, each with flip_probability, or the former
    outside: Literal["border", "zero"] = "border"  # what lies outside a moved photograph: its border, or black
    one_of: bool = False  # whether rotation, shift and zoom exclude each other: one is drawn, each as often


class Loss(Parameters):
    """Loss of an output: factors of the cross-entropy, and of the mean squared difference of probability and truth."""

    cross_entropy: float = Field(ge=0)
    squared: float = Field(ge=0)


CROSS_ENTROPY = Loss(cross_entropy=1, squared=0)


class Adversary(Parameters):
    """A critic that learns to tell true maps from a network's, which learns to deceive it (BF-Net, MICCAI 2021)."""

    weight: PositiveFloat  # of its loss beside the others of the network
    updates: PositiveInt  # of the critic a step: one for each of so many outputs that it judges, the last ones
    sigmoid_twice: bool  # whether its cross-entropy takes the sigmoid of a sigmoid


class Plateau(Parameters):
    """How the schedule ``plateau`` lowers the learning rate."""

    factor: float = Field(gt=0, lt=1)
    watch: Literal["validation", "last_batch"]  # last_batch: the loss of the last output in the epoch's last step


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
    loss has not fallen for more than ``patience`` epochs, or as the parameter of that name says. Training ends with the
    weights that ``keep`` names: those after the epoch with the lowest mean training loss, or the lowest validation
    loss, of the last output, or those after the last step.
    """

    input: str  # what the network sees of a photograph: vesselbench.data.preprocess
    fit: Fit  # how photographs are brought to one size first: vesselbench.data.fit
    steps: NonNegativeInt  # 0 for a method that learns nothing
    batch: PositiveInt  # patches a step
    crops_per_image: PositiveInt  # patches cut from one augmented image
    patch: PositiveInt | tuple[PositiveInt, PositiveInt]  # pixels: its side, or [rows, columns], such as those of fit
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
    validation: NonNegativeInt | tuple[Id, ...]  # training images held out: how many, the last by id; or their ids
    keep: Literal["lowest_training_loss", "lowest_validation_loss", "last"]
    augmentation: Augmentation
    # What follows has a default, as nearly all recipes have it.
    scale: PositiveInt = 1  # sides of a photograph are divided by it, and the network's logits brought up again
    targets: str | None = None  # task whose channels are learned, see vesselbench.data.task; that of the source
    loss: Loss = CROSS_ENTROPY  # of each output
    adversary: Adversary | None = None  # none
    plateau: Plateau = Plateau(factor=0.1, watch="validation")  # of the schedule
    branches: Literal["scheduled", "constant"] = "scheduled"  # Adam's learning rate of all but the network's main part
    validate_by: Literal["loss", "weighted_f1"] = "loss"  # validation loss; or 1 - weighted F1 of the kinds of vessel
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
        needs = {"keep": "lowest_validation_loss", "validate_by": "weighted_f1"}
        needs |= {"schedule": "plateau"} if self.plateau.watch == "validation" else {}
        for name, choice in needs.items():
            if getattr(self, name) == choice and not self.validation:
                raise ValueError(f"{name} is {choice!r}, but validation is 0: hold images out, or choose another")
        if self.sgd and (self.adversary or self.branches == "constant"):
            raise ValueError("sgd is set, but an adversary and a rate of the branches' own need Adam: make it null")
        return self

    def held_out(self, ids: Sequence[str]) -> Sequence[str]:
        """List those of the training images' ids that are held out; UserError where ``validation`` names another."""
        if isinstance(self.validation, int):
            return ids[max(len(ids) - self.validation, 0) :]
        if unknown := [name for name in self.validation if name not in ids]:
            fault = f"validation names {unknown[0]!r}, but the training images are {', '.join(ids)}"
            raise UserError(f"{PARAMS}: train: {fault}; name some of these")
        return self.validation

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
