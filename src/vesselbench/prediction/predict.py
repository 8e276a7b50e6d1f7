"""Probability maps from a trained network: whole images, or overlapping patches averaged."""

from itertools import product
from typing import Literal, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch import Tensor, nn
from torch.nn.functional import fold, pad

from vesselbench.config import PARAMS, Parameters, UserError
from vesselbench.data.fit import Fit, unfit_maps

ON_CPU = 8  # a map of 8 x 32 x 128 x 128 in bf16 is 8 MB: larger ones leave the cache, smaller ones pay per operation
LARGEST = 512  # patches at a time: keeps any GPU of today busy
TRIED = 8
ONE_PASS = 450_000  # pixels: IterNet, which takes 2.2 kB each, stays within 2 GB
CORE = 160  # side in pixels of what is kept of a window; a multiple of what sides a network takes
MARGIN = 96  # pixels around it that a window sees besides, as much as IterNet needs
COARSEST = 6  # or so many pixels of a network's coarsest maps, if that is more, as UNet needs


class Mode(Parameters):
    """One way to predict, an entry of ``predict.<recipe>`` in params.yaml: an image in one pass, or patch by patch.

    The training images, whose maps choose a threshold and nothing else, are predicted at ``training_stride`` at least.
    """

    how: Literal["whole", "patched"]  # patched: overlapping patches, averaged
    patch: int | None = Field(None, ge=1)  # side of a patch in pixels; null for whole, as both strides
    stride: int | None = Field(None, ge=1)  # from one patch to the next, in pixels
    training_stride: int | None = Field(None, ge=1)
    flips: bool = False  # whether the photograph is predicted four times, mirrored or not along each side: the mean
    output: int = Field(0, ge=0)  # whose maps: 1, 2, ... in the network's order; 0 for the last, which is its answer

    @model_validator(mode="after")
    def _check(self) -> Self:
        sizes = (self.patch, self.stride, self.training_stride)
        if self.how == "whole":
            if sizes != (None,) * 3:
                raise ValueError("whole has no patch, stride or training_stride: leave them out")
        elif None in sizes or max(self.stride, self.training_stride) > self.patch:
            given = f"patch {self.patch}, stride {self.stride}, training_stride {self.training_stride}"
            rule = "patched needs all three, and no stride above patch, or pixels would be left out"
            raise ValueError(f"{given}: {rule}")
        return self

    def stride_for(self, subset: str) -> int:
        """Choose the stride for the images of ``train`` or ``test``."""
        return self.stride if subset == "test" else max(self.stride, self.training_stride)


@torch.inference_mode()
def predict_image(
    network: nn.Module, image: Tensor, mode: Mode, multiple: int, subset: str, fit: Fit, fov: np.ndarray
) -> Tensor:
    """Predict a preprocessed and fitted photograph, and bring its maps back to the photograph's size.

    Parameters
    ----------
    network
        In evaluation mode, on the image's device.
    image
        uint8 (C, H', W').
    multiple, subset
        What sides the network takes; ``train`` or ``test``, which may have different strides.
    fit, fov
        How the photograph was fitted, and its field of view, bool (H, W).

    Returns
    -------
    torch.Tensor
        float32 (K, H, W): the probability of each channel.
    """
    if mode.how == "patched":
        batch = find_batch(network, image.new_zeros(len(image), mode.patch, mode.patch))
    total = 0.0
    for sides in ([], [1], [2], [1, 2]) if mode.flips else ([],):  # along which the image is mirrored
        mirrored = image.flip(sides)
        if mode.how == "whole":
            maps = whole(network, mirrored, multiple, mode.output)
        else:
            maps = patched(network, mirrored, mode.patch, mode.stride_for(subset), batch, mode.output)
        total = total + maps.flip(sides)
    return unfit_maps(fit, total / (4 if mode.flips else 1), fov)


@torch.inference_mode()
def whole(network: nn.Module, image: Tensor, multiple: int, output: int = 0) -> Tensor:
    """Predict an image, uint8 (C, H, W), in one pass: the probabilities of its channels, float32 (K, H, W).

    Zeros are appended right and below up to the next multiples of ``multiple``. ``output`` is that of ``Mode``.
    """
    padded = pad_to_grid(image, multiple, multiple)
    return _probabilities(network, padded[None], output)[0, :, : image.shape[1], : image.shape[2]]


@torch.inference_mode()
def windowed(network: nn.Module, image: Tensor, multiple: int) -> Tensor:
    """Predict an image as ``whole`` does, but above ``ONE_PASS`` pixels by windows, in the memory of one.

    The middles of overlapping windows are put together: equal to one pass as far as what is beyond the margin makes no
    difference. A network that looks at whole images only is given no part of one.
    """
    height, width = image.shape[1:]
    scale = getattr(network, "scale", 1)
    if height * width <= ONE_PASS * scale**2 or getattr(network, "whole_images", False):
        return whole(network, image, multiple)
    margin, core, maps = max(MARGIN * scale, COARSEST * multiple), CORE * scale, None
    for top, left in product(range(0, height, core), range(0, width, core)):
        above, before = max(0, top - margin), max(0, left - margin)
        window = image[:, above : top + core + margin, before : left + core + margin]
        found = whole(network, window, multiple)[:, top - above :, left - before :][:, :core, :core]
        if maps is None:  # the network tells the number of channels
            maps = torch.empty(len(found), height, width, device=image.device)
        maps[:, top : top + core, left : left + core] = found
    return maps


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
        uint8 (C, H, W).
    patch, stride, batch
        Side of a patch and step between two, in pixels; patches in one pass.
    output
        See ``Mode``.

    Returns
    -------
    torch.Tensor
        float32 (K, H, W): mean over the patches of the probabilities.
    """
    padded = pad_to_grid(image, patch, stride)
    height, width = padded.shape[1:]
    windows = padded.unfold(1, patch, stride).unfold(2, patch, stride).permute(1, 2, 0, 3, 4)  # a view: no copies
    rows, columns = windows.shape[:2]
    step = max(1, batch // columns)  # rows of patches at a time
    total = None
    for row in range(0, rows, step):
        strip = windows[row : row + step].flatten(0, 1)  # (patches, C, patch, patch)
        maps = torch.cat([_probabilities(network, group, output) for group in strip.split(batch)])
        place = row * stride
        end = place + (len(strip) // columns - 1) * stride + patch
        if total is None:  # the network tells the number of channels
            total = torch.zeros(maps.shape[1], height, width, device=image.device)
        # fold adds what overlaps; as deterministic as a loop over the patches.
        stacked = maps.flatten(1).T  # (K * patch * patch, patches)
        total[:, place:end] += fold(stacked[None], (end - place, width), patch, stride=stride)[0]
    down, across = coverage(height, patch, stride), coverage(width, patch, stride).to(image.device)
    for row, count in enumerate(down.tolist()):  # in place, which saves the memory of another map
        total[:, row] /= count * across
    return total[:, : image.shape[1], : image.shape[2]]


def _probabilities(network: nn.Module, images: Tensor, output: int) -> Tensor:
    """Give probabilities, float32 (B, K, H, W), of images, uint8 (B, C, H, W)."""
    logits = network(images.float() / 255)
    if output > len(logits):
        raise UserError(f"{PARAMS}: predict: output is {output}, but the network has {len(logits)}; take one of these")
    chosen = logits[output - 1].float()
    return torch.softmax(chosen, dim=1) if getattr(network, "exclusive", False) else torch.sigmoid(chosen)


def pad_to_grid(image: Tensor, patch: int, stride: int) -> Tensor:
    """Append zeros right and below an image (C, H, W) until patches of side ``patch`` at ``stride`` end at the border.

    Then H >= patch and (H - patch) is a multiple of the stride; the same for W. With ``patch`` equal to ``stride``, the
    sides become multiples of it.
    """
    height, width = image.shape[-2:]
    right, below = (max(patch - side, -(side - patch) % stride) for side in (width, height))
    return pad(image, (0, right, 0, below))


def coverage(side: int, patch: int, stride: int) -> Tensor:
    """Count the patches over every pixel along one side of a padded image: float32 (side,)."""
    counts = torch.zeros(side)
    for start in range(0, side - patch + 1, stride):
        counts[start : start + patch] += 1
    return counts


@torch.inference_mode()
def find_batch(network: nn.Module, patch: Tensor) -> int:
    """Find how many patches fit into half of the free memory of a GPU; on the CPU, the number that is quick.

    ``patch`` is (C, H, W) of any type, of the size that will be predicted; what it shows does not matter.
    """
    if patch.device.type != "cuda":
        return ON_CPU
    network(patch.float().expand(TRIED, -1, -1, -1))  # libraries make their workspaces at the first call
    torch.cuda.synchronize(patch.device)
    torch.cuda.reset_peak_memory_stats(patch.device)
    before = torch.cuda.memory_allocated(patch.device)
    network(patch.float().expand(TRIED, -1, -1, -1))
    each = (torch.cuda.max_memory_allocated(patch.device) - before) / TRIED
    unused = torch.cuda.memory_reserved(patch.device) - torch.cuda.memory_allocated(patch.device)
    free = torch.cuda.mem_get_info(patch.device)[0] + unused
    return max(1, min(LARGEST, int(free / 2 / max(each, 1))))
