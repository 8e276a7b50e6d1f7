"""Deform-UNet (DUNet): a UNet that learns where its convolutions look.

Jin, Meng, Pham, Chen, Wei, Su, "DUNet: A deformable network for retinal vessel segmentation", Knowledge-Based Systems
2019, as in the released PyTorch code of 2019.
"""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class DeformableConvolution(nn.Conv2d):
    """Convolve with 3x3 points, each moved by an offset computed from the same maps; without bias.

    Dai et al., "Deformable Convolutional Networks", ICCV 2017. As in the released code the offsets start as the random
    biases of their convolution, the same at all pixels: up to 0.08 pixels with 16 channels.

    With ``padding`` 1 it is centred, and zero outside. With 0 it is as in the released code, which counts as if the
    maps were padded though they are not: it makes pixel (y, x) of the surroundings of (y + 1, x + 1), so that it moves
    its maps one pixel to the upper left; points beyond the border are set onto it (``released_gain``).
    """

    def __init__(self, channels_in: int, channels_out: int, padding: int):
        super().__init__(channels_in, channels_out, 3, padding=padding, bias=False)
        self.offset = nn.Conv2d(channels_in, 18, 3, padding=1)
        nn.init.zeros_(self.offset.weight)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        offset = self.offset(x).float()  # (B, 18, H, W): y and x of the first point, then of the second ...
        point = torch.arange(9, device=x.device).view(9, 1, 1)
        row = torch.arange(height, device=x.device).view(height, 1) + point // 3 - self.padding[0]  # (9, H, 1)
        column = torch.arange(width, device=x.device) + point % 3 - self.padding[1]  # (9, 1, W)
        row, column = offset[:, 0::2] + row, offset[:, 1::2] + column  # (B, 9, H, W)
        # grid_sample counts from -1 at the first pixel to 1 at the last. A training step with it is more than five
        # times as quick on the CPU as with torchvision's deform_conv2d. In float32: bf16 is too coarse for a place.
        grid = torch.stack([2 * column / (width - 1) - 1, 2 * row / (height - 1) - 1], dim=-1).flatten(1, 2)
        border = "zeros" if self.padding == (1, 1) else "border"
        with torch.autocast(x.device.type, enabled=False):
            points = F.grid_sample(x.float(), grid, padding_mode=border, align_corners=True)
        points = points.view(batch, channels, 9, height, width)
        if border == "border":
            points = points * released_gain(row, height)[:, None] * released_gain(column, width)[:, None]
        return F.conv2d(points.flatten(1, 2), self.weight.flatten(1)[:, :, None, None])


def released_gain(place: Tensor, size: int) -> Tensor:
    """Count how often the released code adds a point at this row or column: twice on or beyond the border, else once.

    There both neighbours between which it interpolates are the same pixel; at the first row only beyond it.
    """
    return 1.0 + ((place < 0) | (place >= size - 1))


def double_convolution(channels_in: int, channels_out: int, kind: Callable[[int, int], nn.Module]) -> nn.Sequential:
    """Make twice: a convolution of the given kind, batch normalisation, ReLU."""
    layers: list[nn.Module] = []
    for channels in (channels_in, channels_out):
        layers += [kind(channels, channels_out), nn.BatchNorm2d(channels_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers)


class DeformUNet(nn.Module):
    """Segment by a UNet of five levels; the second and third and the last two steps up are deformable.

    The last 1x1 convolution sees the image too. With one channel in and one out, the released network has 883,442
    parameters.

    Parameters
    ----------
    width
        Channels of the first level; the others have 2, 4, 8 and 8 times as many, the steps up 4, 2, 1 and 1 times.
    deform_padding
        Padding of the deformable convolutions. 1: centred. 0: as released, which moves the maps by two pixels of their
        level to the upper left in each deformable block, and counts border pixels more than once.
    """

    multiple = 16  # four poolings: height and width of an image must be multiples of this

    def __init__(self, in_channels: int, classes: int, width: int = 16, deform_padding: int = 1):
        super().__init__()
        if width < 1 or deform_padding not in (0, 1):
            how = f"deform_padding {deform_padding} must be 1 (centred) or 0 (as released)"
            raise ValueError(f"width {width} must be 1 or more, {how}")
        plain = partial(nn.Conv2d, kernel_size=3, padding=1)
        moving = partial(DeformableConvolution, padding=deform_padding)
        self.first = double_convolution(in_channels, width, plain)
        down = [(1, 2, moving), (2, 4, moving), (4, 8, plain), (8, 8, plain)]  # multiples of the width in, out
        up = [(16, 4, plain), (8, 2, plain), (4, 1, moving), (2, 1, moving)]
        self.down = nn.ModuleList(double_convolution(a * width, b * width, kind) for a, b, kind in down)
        self.up = nn.ModuleList(double_convolution(a * width, b * width, kind) for a, b, kind in up)
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Conv2d(width + in_channels, classes, 1)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [self.first(image)]  # (B, width, H, W), then each of half the size
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up in self.up:
            x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
            x = up(torch.cat([maps.pop(), x], dim=1))
        return [self.output(torch.cat([image, x], dim=1))]  # (B, classes, H, W)


Network = DeformUNet
