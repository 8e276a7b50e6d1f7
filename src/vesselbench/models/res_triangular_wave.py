"""Res Triangular Wave Net: a residual network whose scale goes up first, then down, then up again.

Yi-Feng Liu, "Retinal-Segmentation-Using-Tensorflow-2" (2022), after Sine-Net (Atli, Gedik 2021); there is no paper.
Padding, batch normalisation and initialisation are those of TensorFlow and Keras.
"""

from __future__ import annotations

from functools import partial

from torch import Tensor, nn

BatchNorm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
LeakyReLU = partial(nn.LeakyReLU, 0.3, inplace=True)


class DoublingConvolution(nn.ConvTranspose2d):
    """Transposed 3x3 convolution of stride 2 to exactly twice the size, aligned as TensorFlow's padding "same".

    The first of each two output positions sees taps 0 and 2, the second tap 1.
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1, :-1]


class HalvingConvolution(nn.Sequential):
    """3x3 convolution of stride 2 on even sizes, aligned as TensorFlow's padding "same": zeros right and below only."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels_in, channels_out, 3, stride=2))


def finish(convolution: nn.Module, channels: int) -> nn.Sequential:
    """A convolution with the ReLU and the batch normalisation that follow it, in this order."""
    return nn.Sequential(convolution, nn.ReLU(inplace=True), BatchNorm(channels))


class ResidualBlock(nn.Module):
    """Half the size: 1x1, 3x3 and 1x1 convolution beside a 1x1 shortcut; the sum activated, then normalised.

    Parameters
    ----------
    channels_in, inner, middle, channels_out
        Channels before and after each of the three convolutions.
    skipping
        Whether the first convolution takes the stride, so that 3 of 4 positions are never read; else the 3x3 one does.
    """

    def __init__(self, channels_in: int, inner: int, middle: int, channels_out: int, skipping: bool):
        super().__init__()
        self.main = nn.Sequential(
            nn.Conv2d(channels_in, inner, 1, stride=2 if skipping else 1),
            BatchNorm(inner),
            LeakyReLU(),
            nn.Conv2d(inner, middle, 3, padding=1) if skipping else HalvingConvolution(inner, middle),
            BatchNorm(middle),
            LeakyReLU(),
            nn.Conv2d(middle, channels_out, 1),
            BatchNorm(channels_out),
        )
        self.shortcut = nn.Sequential(nn.Conv2d(channels_in, channels_out, 1, stride=2), BatchNorm(channels_out))
        self.activate = nn.Sequential(LeakyReLU(), BatchNorm(channels_out))

    def forward(self, x: Tensor) -> Tensor:
        return self.activate(self.main(x) + self.shortcut(x))


class ResTriangularWave(nn.Module):
    """Res Triangular Wave Net: 482,051 parameters with an RGB image and one class. An output sees about 16x16 pixels.

    The defaults are the released network with its two oddities. The map of twice the size is read at its even positions
    only, so the middle taps of the first transposed convolution (``enlarge.0.weight[:, :, 1]`` and ``[:, :, :, 1]``,
    five of nine) get gradient from batch statistics alone, and exactly none in evaluation mode. And ReLU and batch
    normalisation end the network, so the smallest possible logit of a class is a learned constant: 0 before training,
    in evaluation mode, where gradient stops altogether if all pixels are there.

    Parameters
    ----------
    in_channels, classes
        Channels of the image and of each logit map.
    wasted_upsampling
        False: the 3x3 convolution of the first residual block takes the stride instead of the 1x1 before it, and so
        reads all of the map of twice the size. The shortcut stays as it is, and so does the number of parameters.
    final_activation
        False: a plain convolution makes the logits.
    """

    multiple = 4  # as in the released code, though even sizes would do

    def __init__(self, in_channels: int, classes: int, wasted_upsampling: bool = True, final_activation: bool = True):
        super().__init__()
        output = nn.Conv2d(32, classes, 1)
        self.first = finish(nn.Conv2d(in_channels, 32, 3, padding=1), 32)
        self.enlarge = finish(DoublingConvolution(32, 32), 32)
        self.halve = ResidualBlock(32, 32, 64, 128, skipping=wasted_upsampling)
        self.quarter = ResidualBlock(128, 128, 128, 128, skipping=True)
        self.restore = finish(DoublingConvolution(128, 128), 128)
        self.last = nn.Sequential(
            finish(nn.Conv2d(128, 64, 3, padding=1), 64), finish(nn.Conv2d(64, 32, 3, padding=1), 32)
        )
        self.output = finish(output, classes) if final_activation else output
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        x = self.enlarge(self.first(image))  # (B, 32, 2 H, 2 W)
        x = self.quarter(self.halve(x))  # (B, 128, H / 2, W / 2), by way of (B, 128, H, W)
        return [self.output(self.last(self.restore(x)))]


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.kaiming_uniform_(module.weight, nonlinearity="relu")
        nn.init.zeros_(module.bias)


Network = ResTriangularWave
