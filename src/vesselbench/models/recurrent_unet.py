"""UNets of residual, of recurrent and of recurrent residual blocks: Residual UNet, Recurrent UNet and R2UNet.

Alom, Hasan, Yakopcic, Taha, Asari, "Recurrent Residual Convolutional Neural Network based on U-Net (R2U-Net) for
Medical Image Segmentation", arXiv 1802.06955.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class RecurrentConvolution(nn.Module):
    """3x3 convolution, batch normalisation, ReLU: first of x, then ``recurrences`` times of x plus the last answer.

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
    """A 1x1 convolution to the level's channels, so that x and y can be added, then two recurrent ones.

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
    """A UNet of five levels whose blocks are recurrent, residual, both or neither.

    The paper's Residual UNet is (0, True) in recurrences and residual, its Recurrent UNet (2, False), its R2UNet
    (2, True). The latter two have 874,971 parameters by default with an RGB image and one class, the first 871,291: a
    shortcut adds none, a recurrence its batch normalisations. That is our choice of plan: the retina models of the
    paper are said to have about 0.85 million at t = 2, which the default width comes nearest to (9: 709,282; the usual
    16: 2,234,001). Up-sampling is a transposed 2x2 convolution.

    Parameters
    ----------
    in_channels, classes
        Channels of the image and of each logit map.
    width
        Channels of the first level; each level below has twice as many.
    recurrences
        The paper's t: how often a convolution is called again. 0 is the plain convolution.
    residual
        Whether each block adds its input.

    Raises
    ------
    ValueError
        ``width`` is below 1 or ``recurrences`` below 0.
    """

    multiple = 16  # four poolings

    def __init__(self, in_channels: int, classes: int, width: int = 10, recurrences: int = 2, residual: bool = True):
        super().__init__()
        if width < 1 or recurrences < 0:
            raise ValueError(
                f"width {width}, recurrences {recurrences}: the first must be at least 1, the second at least 0"
            )
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
