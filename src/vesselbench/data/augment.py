"""Random patches of training images, augmented as they are drawn, on the images' device.

IterNet's released code augments a whole image in this order and then crops: brightness, contrast, saturation,
rotation, shear, flips, shift, zoom. Here the geometry of an image is one matrix and only the pixels of the crops are
computed, from the original by a single interpolation; the colours follow on the crops, since they act on each pixel
alone.

Why not a library: kornia 0.9.0, which augments whole images and then crops, took 322 ms of one CPU core for the default
batch (8 images of DRIVE, 32 patches), this file less than a tenth; torchvision's transforms draw once for a batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

# Grey weights of the released code on R, G, B (it reads images as BGR and takes the weights for RGB).
GREY = (0.114, 0.587, 0.299)
LABELS = ("soft", "covered")
TOUCHED = 0.5 / 255  # what 8 bits round to more than nothing, and far above what the rounding of coordinates leaves


@dataclass(frozen=True)
class Chance:
    """An augmentation of strength up to ``amount``, applied with ``probability``."""

    amount: float
    probability: float

    def __post_init__(self) -> None:
        if self.amount < 0 or not 0 <= self.probability <= 1:
            raise ValueError(
                f"amount {self.amount}, probability {self.probability}: amount >= 0, probability in [0, 1]"
            )

    def draw(self, count: int, generator: torch.Generator) -> Tensor:
        """Draw ``(count,)`` values uniformly in [-amount, amount], 0 where not applied."""
        value = (2 * torch.rand(count, generator=generator) - 1) * self.amount
        return torch.where(torch.rand(count, generator=generator) < self.probability, value, 0.0)


@dataclass(frozen=True)
class Augmentation:
    """Strengths and probabilities: colours as factors 1 +- amount, angles in degrees, shift as a share of the side.

    ``labels`` are ``soft`` (interpolated like the image) or ``covered``: 1 in every pixel that a moved label touches.
    """

    brightness: Chance
    contrast: Chance
    saturation: Chance
    rotation: Chance
    shear: Chance
    flip_probability: float
    shift: Chance
    zoom: Chance
    labels: str

    def __post_init__(self) -> None:
        if self.labels not in LABELS:
            raise ValueError(f"labels is {self.labels!r}; choose one of {', '.join(LABELS)}")

    def geometry(self, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
        """Draw ``count`` matrices (count, 3, 3) from augmented to original pixel offsets (x, y, 1) about the centre."""
        angle = torch.deg2rad(self.rotation.draw(count, generator))
        shear = torch.deg2rad(self.shear.draw(count, generator))
        zero, one = torch.zeros(count), torch.ones(count)
        flips = [torch.where(torch.rand(count, generator=generator) < self.flip_probability, -1.0, 1.0) for _ in "xy"]
        shift = [self.shift.draw(count, generator) * side for side in (width, height)]
        zoom = [1 + self.zoom.draw(count, generator) for _ in "xy"]
        rotation = _matrix(angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero)
        slant = _matrix(one, -shear.sin(), zero, zero, shear.cos(), zero)
        flip = _matrix(flips[0], zero, zero, zero, flips[1], zero)
        offset = _matrix(one, zero, shift[0], zero, one, shift[1])
        scale = _matrix(zoom[0], zero, zero, zero, zoom[1], zero)
        return rotation @ slant @ flip @ offset @ scale


def _matrix(*entries: Tensor) -> Tensor:
    bottom = [torch.zeros_like(entries[0]), torch.zeros_like(entries[0]), torch.ones_like(entries[0])]
    return torch.stack([*entries, *bottom], dim=-1).reshape(-1, 3, 3)


class PatchSampler:
    """Draws batches of augmented patches from images that stay on the device, as the floats that they are cut from.

    Parameters
    ----------
    images
        uint8 (N, C, H, W).
    labels
        uint8 (N, H, W), 0 or 1.
    augmentation
        What is drawn.
    process
        Number of this process, and of all processes that share a batch.
    """

    def __init__(self, images: Tensor, labels: Tensor, augmentation: Augmentation, process: tuple[int, int] = (0, 1)):
        self.stack = torch.cat([images / 255, labels[:, None]], dim=1)  # (N, C + 1, H, W): moved together
        self.augmentation = augmentation
        self.process = process
        channels, device = images.shape[1], images.device
        levels = torch.stack(
            [torch.bincount(channel.flatten().long(), minlength=256) for channel in images.flatten(0, 1)]
        )
        self.histogram = (levels / levels.sum(1, keepdim=True)).reshape(*images.shape[:2], 256)
        self.grey = torch.tensor(GREY if channels == 3 else [1 / channels] * channels, device=device)
        self.centre = (torch.tensor([images.shape[3], images.shape[2]], device=device) - 1) / 2  # x, y

    def draw(self, batch: int, crops: int, patch: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw one batch: ``batch / crops`` augmented images, ``crops`` patches from each.

        Of several processes each draws the numbers for the whole batch and makes its own share of the patches, so that
        the batch is the same for any number of processes.

        Parameters
        ----------
        batch, crops, patch
            Patches in all (a multiple of ``crops``), patches an image, side of a patch in pixels.
        generator
            A CPU generator: the draws are the same on every device.

        Returns
        -------
        image : torch.Tensor
            float32 (batch / processes, C, patch, patch) in [0, 1].
        label : torch.Tensor
            float32 (batch / processes, 1, patch, patch) in [0, 1]: soft at vessel borders, or not (``labels`` above).
        chosen : torch.Tensor
            int64 (batch / crops,), on the CPU: which images, in the whole batch.
        """
        total, _, height, width = self.stack.shape
        count = batch // crops
        chosen = torch.randint(total, (count,), generator=generator)
        matrix = self.augmentation.geometry(count, height, width, generator)
        corner = torch.rand(count, crops, 2, generator=generator) * torch.tensor([width - patch, height - patch])
        colours = [
            1 + getattr(self.augmentation, name).draw(count, generator)
            for name in ("brightness", "contrast", "saturation")
        ]
        numbers = torch.cat(
            [chosen[:, None], *(c[:, None] for c in colours), matrix.flatten(1), corner.round().flatten(1)], dim=1
        )
        return *self._make(numbers[self.process[0] :: self.process[1]], crops, patch), chosen

    def _make(self, numbers: Tensor, crops: int, patch: int) -> tuple[Tensor, Tensor]:
        """Make patches from the numbers drawn, a row an image.

        They go to the device in one copy that nobody waits for, so that a GPU is never kept from its work.
        """
        sources = self.stack[:, None].unbind()  # views: a batch's whole images are never copied
        images = [sources[image] for image in numbers[:, 0].int().tolist()]
        device = self.stack.device
        if device.type == "cuda":
            numbers = numbers.pin_memory()
        which, brightness, contrast, saturation, matrix, corner = numbers.to(device, non_blocking=True).split(
            [1, 1, 1, 1, 9, 2 * crops], dim=1
        )
        which = which[:, 0].long()
        grid = _crop_grid(matrix.unflatten(1, (3, 3)), corner.unflatten(1, (crops, 2)), patch, self.centre)
        how = {"mode": "bilinear", "padding_mode": "border", "align_corners": True}
        pixels = torch.cat([grid_sample(image, own[None], **how) for image, own in zip(images, grid, strict=True)])
        pixels = pixels.unflatten(2, (crops, patch)).transpose(1, 2)  # (count, crops, C + 1, patch, patch)
        colours = (brightness[:, 0], contrast[:, 0], saturation[:, 0])
        image = _recolour(pixels[:, :, :-1], self.histogram[which], self.grey, *colours)
        label = pixels[:, :, -1:].flatten(0, 1)
        return image.flatten(0, 1), (label > TOUCHED).float() if self.augmentation.labels == "covered" else label


def _crop_grid(matrix: Tensor, corner: Tensor, patch: int, centre: Tensor) -> Tensor:
    """Sampling grid (count, crops * patch, patch, 2) of patches with the given corners (count, crops, 2) as x, y."""
    steps = torch.arange(patch, dtype=torch.float32, device=corner.device)
    offset = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), dim=-1)  # (patch, patch, 2)
    points = corner[:, :, None, None] + offset - centre  # (count, crops, patch, patch, 2)
    source = points @ matrix[:, None, None, :2, :2].mT + matrix[:, None, None, None, :2, 2]
    return (source / centre).flatten(1, 2)


def _recolour(
    image: Tensor, histogram: Tensor, weights: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor
) -> Tensor:
    """Change brightness, contrast about the whole image's grey mean, then saturation, clipping to [0, 1] after each.

    ``image`` is (count, crops, C, patch, patch), ``histogram`` (count, C, 256) of the whole images, ``weights`` (C,)
    make grey, factors (count,).
    The grey mean of the brightened whole image is exact without touching it: a sum over its histogram.
    """
    levels = torch.arange(256, device=image.device) / 255
    brightened = (brightness[:, None] * levels).clamp(max=1)  # (count, 256)
    mean = torch.einsum("ncl,nl,c->n", histogram, brightened, weights)
    brightness, contrast, saturation, mean = (v.view(-1, 1, 1, 1, 1) for v in (brightness, contrast, saturation, mean))
    image = (brightness * image).clamp(max=1)
    image = torch.lerp(mean, image, contrast).clamp(0, 1)
    grey = torch.einsum("nkchw,c->nkhw", image, weights)[:, :, None]
    return torch.lerp(grey, image, saturation).clamp(0, 1)
