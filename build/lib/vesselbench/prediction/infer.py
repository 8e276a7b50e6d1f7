"""Probability maps from a trained network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from vesselbench.prediction.tiling import corners, coverage, pad_to_grid

MODES = ("whole", "patched")


@dataclass(frozen=True)
class Prediction:
    """Parameters of prediction, under ``predict`` in params.yaml.

    Attributes
    ----------
    mode
        ``whole``: the image in one pass. ``patched``: overlapping patches, averaged.
    batch, patch, stride
        Patches at a time, their side, the step from one to the next (``patched`` only), in pixels.
    accelerator, precision
        ``auto``, ``cpu`` or ``cuda``; ``32-true`` or ``bf16-mixed``, as in Lightning Fabric.
    """

    mode: str
    batch: int
    accelerator: str
    precision: str
    patch: int = 0
    stride: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        if self.batch < 1 or (self.mode == "patched" and not 1 <= self.stride <= self.patch):
            raise ValueError(
                f"batch {self.batch}, patch {self.patch}, stride {self.stride}: batch must be at least 1 and "
                "1 <= stride <= patch, or pixels would be left out"
            )


@torch.inference_mode()
def whole(network: nn.Module, image: Tensor, multiple: int) -> Tensor:
    """Predict an image in one pass.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device; returns a list of logit maps.
    image
        float (C, H, W) in [0, 1]. Zeros are appended right and below up to the next multiples of ``multiple``.

    Returns
    -------
    torch.Tensor
        float32 (H, W): the probability of vessel, the sigmoid of the last output.
    """
    padded = pad_to_grid(image, multiple, multiple)
    probability = torch.sigmoid(network(padded[None])[-1].float())[0, 0]
    return probability[: image.shape[1], : image.shape[2]]


@torch.inference_mode()
def patched(network: nn.Module, image: Tensor, patch: int, stride: int, batch: int) -> Tensor:
    """Predict overlapping patches and average them (IterNet, section 3 and released code).

    Zeros are appended right and below until the last patch ends at the border. Patches are cut and added as a stream:
    memory is that of one batch and one image.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device; returns a list of logit maps.
    image
        float (C, H, W) in [0, 1].
    patch, stride, batch
        Side of a patch and step between two, in pixels; patches in one pass.

    Returns
    -------
    torch.Tensor
        float32 (H, W): mean over the patches of the sigmoid of the last output.
    """
    padded = pad_to_grid(image, patch, stride)
    height, width = padded.shape[1:]
    total = torch.zeros(height, width, device=image.device)
    places = corners(height, width, patch, stride)
    for start in range(0, len(places), batch):
        group = places[start : start + batch]
        windows = torch.stack([padded[:, row : row + patch, column : column + patch] for row, column in group])
        probabilities = torch.sigmoid(network(windows)[-1].float())[:, 0]
        for (row, column), probability in zip(group, probabilities, strict=True):
            total[row : row + patch, column : column + patch] += probability
    mean = total / coverage(height, width, patch, stride).to(image.device)
    return mean[: image.shape[1], : image.shape[2]]
