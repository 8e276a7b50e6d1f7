"""Probability maps from a trained network."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import fold

from vesselbench.config import PARAMS, UserError
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
    output
        Which of the network's outputs the maps are of: 1, 2, ... in their order; 0 for the last, which is its answer.
    bits
        Of a stored map, 8 or 16 (``vesselbench.data.levels.write_levels``).
    hardware
        See ``vesselbench.device``.
    """

    mode: str
    batch: int
    output: int
    bits: int
    hardware: Hardware
    patch: int = 0
    stride: int = 0
    training_stride: int = 0

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise ValueError(f"mode is {self.mode!r}; choose one of {', '.join(MODES)}")
        if self.bits not in (8, 16):
            raise ValueError(f"bits is {self.bits}; a map has 8 or 16")
        if self.output < 0:
            raise ValueError(f"output is {self.output}; it must be 0 (the last) or count from 1")
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
def whole(network: nn.Module, image: Tensor, multiple: int, output: int = 0) -> Tensor:
    """Predict an image in one pass.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device; returns a list of logit maps.
    image
        float (C, H, W) in [0, 1]. Zeros are appended right and below up to the next multiples of ``multiple``.
    output
        See ``Prediction``.

    Returns
    -------
    torch.Tensor
        float32 (H, W): the probability of vessel, the sigmoid of the logits.
    """
    padded = pad_to_grid(image, multiple, multiple)
    return _probabilities(network, padded[None], output)[0, : image.shape[1], : image.shape[2]]


@torch.inference_mode()
def patched(network: nn.Module, image: Tensor, patch: int, stride: int, batch: int, output: int = 0) -> Tensor:
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
    output
        See ``Prediction``.

    Returns
    -------
    torch.Tensor
        float32 (H, W): mean over the patches of the sigmoid of the logits.
    """
    padded = pad_to_grid(image, patch, stride)
    height, width = padded.shape[1:]
    windows = padded.unfold(1, patch, stride).unfold(2, patch, stride).permute(1, 2, 0, 3, 4)  # a view: no copies
    rows, columns = windows.shape[:2]
    step = max(1, batch // columns)  # rows of patches at a time
    total = torch.zeros(height, width, device=image.device)
    for row in range(0, rows, step):
        strip = windows[row : row + step].flatten(0, 1)  # (patches, C, patch, patch)
        maps = torch.cat([_probabilities(network, group, output) for group in strip.split(batch)])
        place = row * stride
        end = place + (len(strip) // columns - 1) * stride + patch
        # fold adds what overlaps; as deterministic as the loop that it replaces.
        stacked = maps.flatten(1).T  # (patch * patch, patches)
        total[place:end] += fold(stacked[None], (end - place, width), patch, stride=stride)[0, 0]
    mean = total / coverage(height, width, patch, stride).to(image.device)
    return mean[: image.shape[1], : image.shape[2]]


def _probabilities(network: nn.Module, images: Tensor, output: int) -> Tensor:
    """float32 (B, H, W)."""
    logits = network(images)
    if output > len(logits):
        raise UserError(f"{PARAMS}: predict: output is {output}, but the network has {len(logits)}; take one of these")
    return torch.sigmoid(logits[output - 1][:, 0].float())
