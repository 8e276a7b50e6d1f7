"""How a network was trained, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

DEGREES = ("rotation", "shear")  # the amounts of other augmentations are shares: of a factor, of the side


def recipe_notes(recipe: Mapping[str, Any]) -> list[str]:
    """Say how a recipe, as ``model.json`` holds it, goes about training; its length is told by ``budget_note``."""
    cycles = f" in {recipe['cycles']} cycles" if recipe["cycles"] > 1 else ""
    later = f"; SGD from step {recipe['sgd']['from_step']}" if recipe["sgd"]["from_step"] else ""
    kept = "last epoch" if recipe["keep"] == "last" else f"epoch of {recipe['keep'].replace('_', ' ')}"
    return [
        f"Adam, learning rate {recipe['learning_rate']:g}, schedule {recipe['schedule']}{cycles}, {recipe['warmup']} "
        f"steps of warm-up, weight decay {recipe['weight_decay']:g}{later}.",
        f"Weights of the {kept}.",
        f"Augmentation: {', '.join(_changes(recipe['augmentation'])) or 'none'}.",
    ]


def _changes(augmentation: Mapping[str, Any]) -> list[str]:
    """Name what happens to training images, with amount and probability."""
    flips = augmentation["flip_probability"]
    return [
        f"{name} {own['amount']:g}{' degrees' if name in DEGREES else ''} (probability {own['probability']:g})"
        for name, own in augmentation.items()
        if isinstance(own, Mapping) and own["probability"]
    ] + ([f"flips (probability {flips:g})"] if flips else [])
