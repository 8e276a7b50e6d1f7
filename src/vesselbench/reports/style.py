"""How methods are called and coloured, alike in every table and plot."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from vesselbench.files import whole_file

NAMES = {
    "iternet": "IterNet",
    "unet": "UNet",
    "denseblock_unet": "DenseBlock-UNet",
    "deform_unet": "Deform-UNet",
    "deform_unet_keras": "Deform-UNet (preprint)",
    "iter_seg": "Iter-Seg",
    "residual_unet": "Residual UNet",
    "recurrent_unet": "Recurrent UNet",
    "r2unet": "R2UNet",
    "wnet": "W-Net",
    "res_triangular_wave": "Triangular wave",
    "iternet_n1": "IterNet, N = 1",
    "iternet_n2": "IterNet, N = 2",
    "iternet_n3": "IterNet, N = 3",
    "iternet_n5": "IterNet, N = 5",
    "iternet_unshared": "IterNet, unshared weights",
    "iternet_no_skip": "IterNet, no cross-module skips",
    "iternet_unet_refinery": "IterNet, full-size refinery",
    "second_observer": "Second observer",
    "whole": "Whole image",
    "patched": "Patches",
    "stride8": "Stride 8",
    "stride16": "Stride 16",
    "output1": "Output 1",
    "output2": "Output 2",
    "output3": "Output 3",
    "drive": "DRIVE",
    "chase_db1": "CHASE_DB1",
    "stare": "STARE",
    "phantom": "Phantom",
}

# Okabe and Ito's palette, told apart by colour-blind readers too; the yellow, which is faint on white,
# comes last.
VERMILION, BLUE, GREEN, PURPLE = "#D55E00", "#0072B2", "#009E73", "#CC79A7"
SKY, ORANGE, BLACK, YELLOW = "#56B4E9", "#E69F00", "#000000", "#F0E442"
FIXED = {"iternet": VERMILION, "unet": BLUE, "denseblock_unet": GREEN, "deform_unet": PURPLE}
BROWN, GREY, OLIVE = "#7F4A1E", "#7F7F7F", "#8A8A00"
REST = (SKY, ORANGE, BLACK, BROWN, GREY, OLIVE, YELLOW)


def display_name(key: str) -> str:
    """Name a model or data set as people write it; a key without such a name stands for itself."""
    if key.endswith("_own"):  # an entry of params.yaml trained as its source trains it
        return f"{display_name(key.removesuffix('_own'))} (own recipe)"
    return NAMES.get(key, key)


def colours(models: Sequence[str]) -> dict[str, str]:
    """Give each model its colour: a fixed one to the paper's networks, those left to others, in order."""
    others = [model for model in models if model not in FIXED]
    return {model: FIXED[model] if model in FIXED else REST[others.index(model) % len(REST)] for model in models}


def save(figure: Figure, path: Path, dpi: int = 150) -> None:
    """Write a figure as a PNG whose bytes depend on the figure alone."""
    with whole_file(path) as part:
        figure.savefig(part, dpi=dpi, metadata={"Software": None})
