"""DUNet as in its first preprint: a UNet that resamples its maps before almost every convolution.

Jin, Meng, Pham, Chen, Wei, Su, "DUNet: A deformable network for retinal vessel segmentation", arXiv 1811.01206, 2018,
as in the Keras code released with it. The network of the journal article is ``deform_unet``.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Resample(nn.Module):
    """Move every pixel of every channel by an offset of its own, computed from all channels by a 3x3 convolution.

    The released code mixes up rows, columns and the two coordinates when it takes the offsets from that convolution's
    maps; here channels 2c and 2c + 1 are the y and x of channel c, as is clearly meant. Coordinates beyond the border
    are set onto it.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.offset = nn.Conv2d(channels, 2 * channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        offset = self.offset(x).float()  # bf16 is too coarse for a place
        offset = offset.reshape(batch * channels, 2, height, width)
        row = torch.arange(height, device=x.device).view(height, 1) + offset[:, 0]
        column = torch.arange(width, device=x.device) + offset[:, 1]
        # grid_sample counts from -1 at the first pixel to 1 at the last; a single pixel is at both.
        grid = torch.stack([2 * column / max(width - 1, 1) - 1, 2 * row / max(height - 1, 1) - 1], dim=-1)
        maps = x.float().reshape(batch * channels, 1, height, width)
        with torch.autocast(x.device.type, enabled=False):
            moved = F.grid_sample(maps, grid, padding_mode="border", align_corners=True)
        return moved.view(x.shape)


def convolve(channels_in: int, channels_out: int) -> nn.Conv2d:
    """3x3 convolution."""
    return nn.Conv2d(channels_in, channels_out, 3, padding=1)


def normalise(channels: int) -> nn.BatchNorm2d:
    """Batch normalisation with the constants of Keras."""
    return nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def block(channels_in: int, channels_out: int) -> nn.Sequential:
    """Resample, 3x3 convolution, batch normalisation, ReLU."""
    return nn.Sequential(
        Resample(channels_in), convolve(channels_in, channels_out), normalise(channels_out), nn.ReLU(inplace=True)
    )


class KerasDeformUNet(nn.Module):
    """DUNet of the preprint: 26,728,449 parameters at width 32 with one channel in and one out.

    With the statistics of its batch normalisations, as Keras counts, 26,735,425.

    Parameters
    ----------
    in_channels, classes
        Channels of the image and of each logit map.
    width
        Channels of the first of five levels; each further one has twice as many.

    Raises
    ------
    ValueError
        ``width`` is below 1.
    """

    multiple = 16  # four poolings: the height and width that it takes are multiples of this

    def __init__(self, in_channels: int, classes: int, width: int = 32):
        super().__init__()
        if width < 1:
            raise ValueError(f"width {width}: it must be at least 1")
        first, *others = (width * 2**level for level in range(5))
        self.first = nn.Sequential(
            convolve(in_channels, first),
            nn.ReLU(inplace=True),
            normalise(first),
            block(first, first),
            block(first, first),
        )
        self.down = nn.ModuleList(nn.Sequential(block(c // 2, c), block(c, c)) for c in others)
        self.down[-1].append(block(others[-1], others[-1]))
        self.up = nn.ModuleList(
            nn.Sequential(convolve(3 * c // 2, c // 2), block(c // 2, c // 2), block(c // 2, c // 2))
            for c in reversed(others)
        )
        self.pool = nn.MaxPool2d(2)
        self.output = nn.Conv2d(first, classes, 1)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [self.first(image)]  # (B, width, H, W), then each of half the size and twice the channels
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up in self.up:
            x = up(torch.cat([F.interpolate(x, scale_factor=2), maps.pop()], dim=1))
        return [self.output(x)]  # (B, classes, H, W)


def _initialise(module: nn.Module) -> None:
    # Of Keras, and of the released code for the offsets, which are the only convolutions without a bias.
    if isinstance(module, nn.Conv2d) and module.bias is not None:
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Conv2d):
        nn.init.normal_(module.weight, std=0.01)


Network = KerasDeformUNet
