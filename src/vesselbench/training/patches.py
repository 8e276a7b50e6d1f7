"""Training images as tensors, and random patches of them, augmented as they are drawn, on the images' device.

IterNet's released code augments a whole image in this order and then crops: brightness, contrast, saturation,
rotation, shear, flips, shift, zoom. Here the geometry of an image is one matrix and only the pixels of the crops are
computed, from the original by a single interpolation; the colours follow on the crops, since they act on each pixel
alone.

Why not a library: kornia 0.9.0, which augments whole images and then crops, took 322 ms of one CPU core for the default
batch (8 images of DRIVE, 32 patches), this file less than a tenth; torchvision's transforms draw once for a batch.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from vesselbench.config import UserError
from vesselbench.data.fit import Fit, fit_image
from vesselbench.data.images import read_image
from vesselbench.data.labelled import read_classes
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import Sample
from vesselbench.data.task import Task, channel_truths
from vesselbench.training.recipe import Augmentation, Chance

# Grey weights of the released code on R, G, B (it reads images as BGR and takes the weights for RGB).
GREY = (0.114, 0.587, 0.299)
# Above which share of it a label fills a pixel. covered: what 8 bits round to more than nothing, and far above what the
# rounding of coordinates leaves.
FILLED = {"covered": 0.5 / 255, "half": 0.5}


def stack_samples(
    samples: Sequence[Sample], masks: Sequence[np.ndarray], task: Task, preprocessing: str, fit: Fit
) -> tuple[Tensor, Tensor]:
    """Read, preprocess, fit and stack photographs, uint8 (N, C, H, W), and labels, uint8 (N, K, H, W).

    ``masks`` are the photographs' fields of view, bool (H, W) each. Labels are 0 or 1, the truth of each channel of the
    task; where it has ``unknown`` classes, a last channel is 1 in their pixels. UserError if a photograph's size
    differs from the first one's though ``fit`` is none, or does not fit into what it says; a label is none, or not of
    its photograph's size.
    """
    images, labels = [], []
    for sample, fov in zip(samples, masks, strict=True):
        image = read_image(sample.image)
        classes = read_classes(sample, task, image.shape[:2])
        try:
            images.append(fit_image(fit, preprocess(preprocessing, image), fov))
        except ValueError as error:
            raise UserError(f"{sample.image}: {error}; enlarge fit of the recipe") from error
        if images[-1].shape != images[0].shape:
            size, first = (f"{rows} x {columns}" for rows, columns, *_ in (image.shape, images[0].shape))
            fault = f"{size} pixels, but {samples[0].image} has {first}; training images must be of one size"
            raise UserError(f"{sample.image}: {fault}: let fit of the recipe resize or pad them")
        classes = fit_image(fit, classes, fov, is_label=True)
        unknown = [np.isin(classes, task.unknown)] if task.unknown else []
        labels.append(np.stack([*channel_truths(task, classes).values(), *unknown]))
    return torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(np.stack(labels))


def sides(patch: int | tuple[int, int]) -> tuple[int, int]:
    """Take the rows and columns of a patch, which are those of a square where one number is given."""
    return (patch, patch) if isinstance(patch, int) else patch


def grid_patches(maps: Tensor, patch: int | tuple[int, int]) -> Tensor:
    """Cut maps into patches side by side; the last of each row and column is moved back to end at the border.

    Maps (N, ..., H, W), no smaller than ``patch``, become (P, ..., rows, columns), position by position. Patches of the
    size trained on, rather than whole images: the network sees them in its training context, and they need no more
    memory than training.
    """
    height, width = sides(patch)
    steps = ((maps.shape[-2], height), (maps.shape[-1], width))
    rows, columns = ([*range(0, side - step, step), side - step] for side, step in steps)
    return torch.cat([maps[..., row : row + height, column : column + width] for row in rows for column in columns])


def draw_values(chance: Chance, count: int, generator: torch.Generator) -> Tensor:
    """Draw values (count,) uniformly in [-amount, amount], 0 where the augmentation is not applied."""
    amount, probability = chance
    value = (2 * torch.rand(count, generator=generator) - 1) * amount
    return torch.where(torch.rand(count, generator=generator) < probability, value, 0.0)


def draw_geometry(how: Augmentation, count: int, height: int, width: int, generator: torch.Generator) -> Tensor:
    """Draw matrices (count, 3, 3) from augmented to original pixel offsets (x, y, 1) about the centre."""
    angle = draw_values(how.rotation, count, generator)
    if how.rotation_step:
        angle = (angle / how.rotation_step).round() * how.rotation_step
    angle = torch.deg2rad(angle)
    shear = torch.deg2rad(draw_values(how.shear, count, generator))
    zero, one = torch.zeros(count), torch.ones(count)
    flips = [torch.where(torch.rand(count, generator=generator) < how.flip_probability, -1.0, 1.0) for _ in "xy"]
    if how.flips == "horizontal":
        flips[1] = one
    shift = [draw_values(how.shift, count, generator) * side for side in (width, height)]
    zoom = [1 + draw_values(how.zoom, count, generator) for _ in "xy"]
    if how.one_of:
        which = torch.randint(3, (count,), generator=generator)
        angle = torch.where(which == 0, angle, 0.0)
        shift = [torch.where(which == 1, value, 0.0) for value in shift]
        zoom = [torch.where(which == 2, value, 1.0) for value in zoom]
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

    Images are given as uint8 (N, C, H, W), labels as uint8 (N, K, H, W), 0 or 1.
    """

    def __init__(self, images: Tensor, labels: Tensor, augmentation: Augmentation):
        self.stack = torch.cat([images / 255, labels], dim=1)  # (N, C + K, H, W): moved together
        self.augmentation = augmentation
        self.channels = images.shape[1]
        levels = torch.stack([torch.bincount(plane.flatten().long(), minlength=256) for plane in images.flatten(0, 1)])
        self.histogram = (levels / levels.sum(1, keepdim=True)).reshape(*images.shape[:2], 256)
        grey = GREY if self.channels == 3 else [1 / self.channels] * self.channels
        self.grey = torch.tensor(grey, device=images.device)
        self.centre = (torch.tensor([images.shape[3], images.shape[2]], device=images.device) - 1) / 2  # x, y

    def draw(
        self, batch: int, crops: int, patch: int | tuple[int, int], generator: torch.Generator
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Draw one batch: ``batch / crops`` augmented images, ``crops`` patches from each.

        ``batch`` is a multiple of ``crops``, ``patch`` its size in pixels. The generator is the CPU's, so that the
        draws are the same on every device.

        Returns
        -------
        image : torch.Tensor
            float32 (batch, C, rows, columns) in [0, 1].
        label : torch.Tensor
            float32 (batch, K, rows, columns) in [0, 1]: soft at vessel borders, or not (``labels`` above).
        chosen : torch.Tensor
            int64 (batch / crops,), on the CPU: which images.
        """
        total, _, height, width = self.stack.shape
        count, (rows, columns) = batch // crops, sides(patch)
        chosen = torch.randint(total, (count,), generator=generator)
        matrix = draw_geometry(self.augmentation, count, height, width, generator)
        corner = torch.rand(count, crops, 2, generator=generator) * torch.tensor([width - columns, height - rows])
        how = self.augmentation
        chances = (how.brightness, how.contrast, how.saturation)
        colours = torch.stack([1 + draw_values(chance, count, generator) for chance in chances], dim=1)
        numbers = torch.cat([chosen[:, None], colours, matrix.flatten(1), corner.round().flatten(1)], dim=1)
        return *self._make(numbers, crops, rows, columns), chosen

    def _make(self, numbers: Tensor, crops: int, rows: int, columns: int) -> tuple[Tensor, Tensor]:
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
        grid = _crop_grid(matrix.unflatten(1, (3, 3)), corner.unflatten(1, (crops, 2)), rows, columns, self.centre)
        outside = "zeros" if self.augmentation.outside == "zero" else "border"
        how = {"mode": "bilinear", "padding_mode": outside, "align_corners": True}
        pixels = torch.cat([grid_sample(image, own[None], **how) for image, own in zip(images, grid, strict=True)])
        pixels = pixels.unflatten(2, (crops, rows)).transpose(1, 2)  # (count, crops, C + K, rows, columns)
        colours = (brightness[:, 0], contrast[:, 0], saturation[:, 0])
        image = _recolour(pixels[:, :, : self.channels], self.histogram[which], self.grey, *colours)
        label = pixels[:, :, self.channels :].flatten(0, 1)
        filled = FILLED.get(self.augmentation.labels)
        return image.flatten(0, 1), label if filled is None else (label > filled).float()


def _crop_grid(matrix: Tensor, corner: Tensor, rows: int, columns: int, centre: Tensor) -> Tensor:
    """Make the sampling grid (count, crops * rows, columns, 2) of patches with corners (count, crops, 2), as x, y."""
    steps = [torch.arange(count, dtype=torch.float32, device=corner.device) for count in (columns, rows)]
    offset = torch.stack(torch.meshgrid(*steps, indexing="xy"), dim=-1)  # (rows, columns, 2)
    points = corner[:, :, None, None] + offset - centre  # (count, crops, rows, columns, 2)
    source = points @ matrix[:, None, None, :2, :2].mT + matrix[:, None, None, None, :2, 2]
    return (source / centre).flatten(1, 2)


def _recolour(
    image: Tensor, histogram: Tensor, weights: Tensor, brightness: Tensor, contrast: Tensor, saturation: Tensor
) -> Tensor:
    """Change brightness, contrast about the whole image's grey mean, then saturation, clipping to [0, 1] after each.

    ``image`` is (count, crops, C, rows, columns), ``histogram`` (count, C, 256) of the whole images, ``weights`` (C,)
    make grey, factors are (count,). The grey mean of the brightened whole image is exact without touching it: a sum
    over its histogram.
    """
    levels = torch.arange(256, device=image.device) / 255
    brightened = (brightness[:, None] * levels).clamp(max=1)  # (count, 256)
    mean = torch.einsum("ncl,nl,c->n", histogram, brightened, weights)
    brightness, contrast, saturation, mean = (v.view(-1, 1, 1, 1, 1) for v in (brightness, contrast, saturation, mean))
    image = (brightness * image).clamp(max=1)
    image = torch.lerp(mean, image, contrast).clamp(0, 1)
    grey = torch.einsum("nkchw,c->nkhw", image, weights)[:, :, None]
    return torch.lerp(grey, image, saturation).clamp(0, 1)
