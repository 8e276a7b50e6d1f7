"""Training: patches a second as ``train`` does it, as plain PyTorch would, and what each change between them brings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from vesselbench.bench.measure import best_seconds
from vesselbench.bench.sizes import Sizes
from vesselbench.data.augment import PatchSampler
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.models.iternet import Dropout
from vesselbench.training.determinism import seed_everything
from vesselbench.training.learner import Learner
from vesselbench.training.recipe import Recipe


@dataclass(frozen=True)
class Variant:
    """One way to take a training step; those not named ``as_params`` get their patches ready-made."""

    name: str
    quick_dropout: bool = True
    fused: bool = True
    channels_last: bool = True
    precision: str = "bf16-mixed"
    as_params: bool = False

    def recipe(self, recipe: Recipe) -> Recipe:
        """Change what params.yaml says into what this variant says."""
        if self.as_params:
            return recipe
        how = {"precision": self.precision, "channels_last": self.channels_last, "compile": ""}
        return replace(recipe, fused=self.fused, hardware=replace(recipe.hardware, **how))


HISTORY = (
    Variant("plain", False, False, False, "32-true"),
    Variant("+ quick dropout", True, False, False, "32-true"),
    Variant("+ fused Adam", True, True, False, "32-true"),
    Variant("+ channels last", True, True, True, "32-true"),
    Variant("+ bf16", True, True, True, "bf16-mixed"),
    Variant("as `train` does it: + patches drawn and augmented", as_params=True),
)


def measure_training(entry: NetworkEntry, recipe: Recipe, sizes: Sizes, images: Tensor, labels: Tensor) -> dict:
    """Measure a training step in every variant, and the drawing of its patches alone.

    Parameters
    ----------
    entry, recipe
        The network; how it is trained, with the batch and patch that are measured.
    sizes
        Steps and repeats.
    images, labels
        uint8 (N, 3, H, W); uint8 (N, H, W), 0 or 1; on the device.

    Returns
    -------
    dict
        ``steps``: one entry a variant (name, seconds a step, patches a second, ratio to the first);
        ``drawing``: seconds a batch, and their share of the last variant's step.
    """
    device = images.device
    try:
        generator = seed_everything(0)  # deterministic kernels, as ``train`` asks for, in all variants
        sampler = PatchSampler(images, labels, recipe.augmentation)

        def draw() -> tuple[Tensor, Tensor]:
            return sampler.draw(recipe.batch, recipe.crops_per_image, recipe.patch, generator)[:2]

        steps: list[dict[str, Any]] = []
        for variant in HISTORY:
            print(f"training: {variant.name}", flush=True)
            patches = draw()
            step = _stepper(entry, variant, recipe, draw if variant.as_params else lambda patches=patches: patches)

            def block(step: Callable[[], Tensor] = step) -> None:
                torch.stack([step() for _ in range(sizes.steps)]).tolist()  # losses are looked at, as in training

            seconds = best_seconds(block, device, sizes.repeats) / sizes.steps
            rate = recipe.batch / seconds
            ratio = rate / steps[0]["patches_per_second"] if steps else 1.0
            steps.append({"name": variant.name, "seconds": seconds, "patches_per_second": rate, "ratio": ratio})
        alone = best_seconds(draw, device, repeats=3 * sizes.repeats)
    finally:
        torch.use_deterministic_algorithms(False)
    return {"steps": steps, "drawing": {"seconds": alone, "share": alone / steps[-1]["seconds"]}}


def plain_dropout(network: nn.Module) -> nn.Module:
    """Put torch's own dropout in the place of the network's."""
    for module in network.modules():
        for name, child in module.named_children():
            if isinstance(child, Dropout):
                setattr(module, name, nn.Dropout(child.p))
    return network


def _stepper(
    entry: NetworkEntry, variant: Variant, recipe: Recipe, draw: Callable[[], tuple[Tensor, Tensor]]
) -> Callable[[], Tensor]:
    """Make a function that takes one step, as ``vesselbench.training.loop`` does, and returns its losses."""
    recipe = variant.recipe(recipe)
    network = build_network(entry)
    learner = Learner(network if variant.quick_dropout else plain_dropout(network), recipe, recipe.hardware.launch())
    return lambda: learner.step(0, *draw())
