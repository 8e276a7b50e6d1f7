"""W-Net: two small UNets in a row, the second fed with the image and the first one's logits.

Galdran, Anjos, Dolz, Chakor, Lombaert, Ben Ayed, "State-of-the-art retinal vessel segmentation with minimalistic
models", Scientific Reports 2022. The IterNet paper has no such row: it shows what a 120th of the parameters can do.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def convolve(channels_in: int, channels_out: int) -> nn.Sequential:
    """Make a 3x3 convolution, ReLU and batch normalisation, in this order."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(convolution, nn.ReLU(inplace=True), nn.BatchNorm2d(channels_out))


class Residual(nn.Module):
    """Add two convolutions and a 1x1 shortcut beside them."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.convolutions = nn.Sequential(convolve(channels_in, channels_out), convolve(channels_out, channels_out))
        self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, bias=False), nn.BatchNorm2d(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        return self.convolutions(x) + self.shortcut(x)


class Up(nn.Module):
    """Double the size, join the convolved encoder's map of that size, apply a residual block."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels_in, channels_out, 2, stride=2)
        self.bridge = convolve(channels_out, channels_out)
        self.residual = Residual(2 * channels_out, channels_out)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.residual(torch.cat([self.up(x), self.bridge(skip)], dim=1))


class SmallUNet(nn.Module):
    """Run a UNet of residual blocks, one level for each entry of ``widths``."""

    def __init__(self, in_channels: int, classes: int, widths: Sequence[int]):
        super().__init__()
        self.first = Residual(in_channels, widths[0])
        steps = list(zip(widths[:-1], widths[1:], strict=True))
        self.down = nn.ModuleList(Residual(upper, lower) for upper, lower in steps)
        self.up = nn.ModuleList(Up(lower, upper) for upper, lower in reversed(steps))
        self.output = nn.Conv2d(widths[0], classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> Tensor:
        maps = [self.first(image)]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up in self.up:
            x = up(x, maps.pop())
        return self.output(x)


class WNet(nn.Module):
    """Segment by two UNets, the second fed with the first one's logits; with an RGB image 68,482 parameters.

    Its authors' code hands the logits on, not their sigmoid. Both maps are outputs and both are trained, with equal
    weights (the paper's auxiliary loss). ``widths`` are the channels of each level.
    """

    def __init__(self, in_channels: int, classes: int, widths: Sequence[int] = (8, 16, 32)):
        super().__init__()
        if not widths or min(widths) < 1:
            raise ValueError(f"widths is {list(widths)}; it must name at least one level's channels, each at least 1")
        self.multiple = 2 ** (len(widths) - 1)
        self.first = SmallUNet(in_channels, classes, widths)
        self.second = SmallUNet(in_channels + classes, classes, widths)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        coarse = self.first(image)  # (B, classes, H, W)
        return [coarse, self.second(torch.cat([image, coarse], dim=1))]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


Network = WNet
