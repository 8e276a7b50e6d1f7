"""Residual UNet, Recurrent UNet and R2UNet: UNets of residual, of recurrent and of recurrent residual blocks.

Alom, Hasan, Yakopcic, Taha, Asari, "Recurrent Residual Convolutional Neural Network based on U-Net (R2U-Net) for
Medical Image Segmentation", arXiv 1802.06955.
"""

import torch
from torch import Tensor, nn


class RecurrentConvolution(nn.Module):
    """Convolve (3x3), normalise and apply ReLU: first to x, then ``recurrences`` times to x plus the last answer.

    The convolution is the same each time, the batch normalisation is not: running statistics that mix the times fit
    none of them, so that evaluation mode goes astray while training mode learns.
    """

    def __init__(self, channels: int, recurrences: int):
        super().__init__()
        self.convolve = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.normalise = nn.ModuleList(nn.BatchNorm2d(channels) for _ in range(recurrences + 1))

    def forward(self, x: Tensor) -> Tensor:
        first, *others = self.normalise
        y = torch.relu(first(self.convolve(x)))
        for normalise in others:
            y = torch.relu(normalise(self.convolve(x + y)))
        return y


class Block(nn.Module):
    """Bring x to the level's channels by a 1x1 convolution, then apply two recurrent convolutions.

    The shortcut, if ``residual``, leads from behind the 1x1 convolution past the two others.
    """

    def __init__(self, channels_in: int, channels_out: int, recurrences: int, residual: bool):
        super().__init__()
        self.residual = residual
        self.enter = nn.Conv2d(channels_in, channels_out, 1)
        self.convolve = nn.Sequential(*(RecurrentConvolution(channels_out, recurrences) for _ in range(2)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.enter(x)
        return x + self.convolve(x) if self.residual else self.convolve(x)


class RecurrentUNet(nn.Module):
    """Segment by a UNet of five levels whose blocks are recurrent, residual, both or neither.

    The paper's Residual UNet has recurrences 0 and is residual, its Recurrent UNet has 2 and is not, its R2UNet has 2
    and is. The default width is ours: the paper's retina models are said to have about 0.85 million parameters at
    t = 2, and width 10 comes nearest, 874,971 (871,291 without recurrences; 9: 709,282; the usual 16: 2,234,001).

    Parameters
    ----------
    width
        Channels of the first level; each level below has twice as many.
    recurrences
        The paper's t: how often a convolution is called again. 0 is the plain convolution.
    residual
        Whether each block adds its input.
    """

    multiple = 16  # four poolings: height and width of an image must be multiples of this

    def __init__(self, in_channels: int, classes: int, width: int = 10, recurrences: int = 2, residual: bool = True):
        super().__init__()
        if width < 1 or recurrences < 0:
            raise ValueError(f"width {width} must be 1 or more, recurrences {recurrences} 0 or more")
        channels = [width * 2**level for level in range(5)]
        steps = list(zip(channels[:-1], channels[1:], strict=True))
        self.first = Block(in_channels, width, recurrences, residual)
        self.down = nn.ModuleList(Block(upper, lower, recurrences, residual) for upper, lower in steps)
        self.up = nn.ModuleList(nn.ConvTranspose2d(lower, upper, 2, stride=2) for upper, lower in reversed(steps))
        self.join = nn.ModuleList(Block(2 * upper, upper, recurrences, residual) for upper, _ in reversed(steps))
        self.output = nn.Conv2d(width, classes, 1)
        self.pool = nn.MaxPool2d(2)
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        maps = [self.first(image)]  # (B, width, H, W), then half the size and twice the channels a level
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), maps.pop()], dim=1))
        return [self.output(x)]


def _initialise(module: nn.Module) -> None:
    # The Keras defaults. With He's, each recurrence multiplies the maps; in evaluation mode, until the batch statistics
    # are learned, nothing holds that back.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


Network = RecurrentUNet
