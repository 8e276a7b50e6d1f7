"""Probability maps from a trained network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import fold

from vesselbench.device import Hardware
from vesselbench.prediction.tiling import coverage, pad_to_grid

MODES = ("whole", "patched")


@dataclass(frozen=True)
class Prediction:
    """Parameters of prediction, under ``predict`` in params.yaml.

    Attributes
    ----------
    mode
        ``whole``: the image in one pass. ``patched``: overlapping patches, averaged.
    batch, patch, stride
        Patches at a time (0: found by ``vesselbench.prediction.batch``), their side, the step from one to the next
        (``patched`` only), in pixels.
    training_stride
        The training images, whose maps choose a threshold and nothing else, are predicted at no smaller stride than
        this.
    every_output
        Maps of all outputs of the network, not of the last alone.
    hardware
        See ``vesselbench.device``.
    """

    mode: str
    batch: int
    every_output: bool
    hardware: Hardware
    patch: int = 0
    stride: int = 0
    training_stride: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        if self.batch < 0 or (self.mode == "patched" and not 1 <= self.stride <= self.patch):
            raise ValueError(
                f"batch {self.batch}, patch {self.patch}, stride {self.stride}: batch must be at least 0 and "
                "1 <= stride <= patch, or pixels would be left out"
            )
        if self.mode == "patched" and not 0 <= self.training_stride <= self.patch:
            raise ValueError(
                f"training_stride is {self.training_stride}; it must be from 0 to patch, {self.patch}, or pixels would "
                "be left out"
            )

    def stride_of(self, subset: str) -> int:
        """The stride for the images of ``train`` or ``test``."""
        return self.stride if subset == "test" else max(self.stride, self.training_stride)


@torch.inference_mode()
def whole(network: nn.Module, image: Tensor, multiple: int, every_output: bool = False) -> Tensor:
    """Predict an image in one pass.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device; returns a list of logit maps.
    image
        float (C, H, W) in [0, 1]. Zeros are appended right and below up to the next multiples of ``multiple``.
    every_output
        All outputs, or the last alone.

    Returns
    -------
    torch.Tensor
        float32 (outputs, H, W): the probability of vessel, the sigmoid of the logits.
    """
    padded = pad_to_grid(image, multiple, multiple)
    return _probabilities(network, padded[None], every_output)[0, :, : image.shape[1], : image.shape[2]]


@torch.inference_mode()
def patched(
    network: nn.Module, image: Tensor, patch: int, stride: int, batch: int, every_output: bool = False
) -> Tensor:
    """Predict overlapping patches and average them (IterNet, section 3 and released code).

    Zeros are appended right and below until the last patch ends at the border. Patches are cut on the device and their
    maps added there, one row of patches (or a few, to fill a batch) after the other: memory does not depend on their
    number.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device; returns a list of logit maps.
    image
        float (C, H, W) in [0, 1].
    patch, stride, batch
        Side of a patch and step between two, in pixels; patches in one pass.
    every_output
        All outputs, or the last alone.

    Returns
    -------
    torch.Tensor
        float32 (outputs, H, W): mean over the patches of the sigmoid of the logits.
    """
    padded = pad_to_grid(image, patch, stride)
    height, width = padded.shape[1:]
    windows = padded.unfold(1, patch, stride).unfold(2, patch, stride).permute(1, 2, 0, 3, 4)  # a view: no copies
    rows, columns = windows.shape[:2]
    step = max(1, batch // columns)  # rows of patches at a time
    total = None
    for row in range(0, rows, step):
        strip = windows[row : row + step].flatten(0, 1)  # (patches, C, patch, patch)
        maps = torch.cat([_probabilities(network, group, every_output) for group in strip.split(batch)])
        place = row * stride
        end = place + (len(strip) // columns - 1) * stride + patch
        # fold adds what overlaps; as deterministic as the loop that it replaces.
        stacked = maps.permute(1, 2, 3, 0).flatten(1, 2)  # (outputs, patch * patch, patches)
        total = torch.zeros(maps.shape[1], height, width, device=image.device) if total is None else total
        total[:, place:end] += fold(stacked, (end - place, width), patch, stride=stride)[:, 0]
    mean = total / coverage(height, width, patch, stride).to(image.device)
    return mean[:, : image.shape[1], : image.shape[2]]


def _probabilities(network: nn.Module, images: Tensor, every_output: bool) -> Tensor:
    """float32 (B, outputs, H, W)."""
    logits = network(images)
    return torch.sigmoid(torch.cat(logits if every_output else logits[-1:], dim=1).float())
