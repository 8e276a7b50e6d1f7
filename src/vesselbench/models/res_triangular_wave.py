"""Res Triangular Wave Net: a residual network whose scale goes up first, then down, then up again.

Yi-Feng Liu, "Retinal-Segmentation-Using-Tensorflow-2" (2022), after Sine-Net (Atli, Gedik 2021); there is no paper.
Padding, batch normalisation and initialisation are those of TensorFlow and Keras.
"""

from functools import partial

from torch import Tensor, nn

BatchNorm = partial(nn.BatchNorm2d, eps=1e-3, momentum=0.01)
LeakyReLU = partial(nn.LeakyReLU, 0.3, inplace=True)


class DoublingConvolution(nn.ConvTranspose2d):
    """Double the size by a transposed 3x3 convolution, aligned as TensorFlow's padding "same".

    The first of each two output positions sees taps 0 and 2, the second tap 1.
    """

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(channels_in, channels_out, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1, :-1]


class HalvingConvolution(nn.Sequential):
    """Halve an even size by a 3x3 convolution, aligned as TensorFlow's padding "same": zeros right and below only."""

    def __init__(self, channels_in: int, channels_out: int):
        super().__init__(nn.ZeroPad2d((0, 1, 0, 1)), nn.Conv2d(channels_in, channels_out, 3, stride=2))


def finish(convolution: nn.Module, channels: int) -> nn.Sequential:
    """Append ReLU and batch normalisation, in this order, to a convolution."""
    return nn.Sequential(convolution, nn.ReLU(inplace=True), BatchNorm(channels))


class ResidualBlock(nn.Module):
    """Halve the size by three convolutions (1x1, 3x3, 1x1) beside a 1x1 shortcut; activate their sum, then normalise.

    ``channels_in``, ``inner``, ``middle`` and ``channels_out`` are those before and after each convolution. The first
    one takes the stride if ``skipping``, so that 3 of 4 positions are never read; else the second does.
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
    """Segment by residual blocks at changing scales; an output sees about 16x16 pixels.

    With an RGB image and one class it has 482,051 parameters. The defaults are the released network with its two
    oddities. It reads the map of twice the size at even positions only, so the middle taps of the first transposed
    convolution (five of nine) get gradient from batch statistics alone, and none in evaluation mode. And it ends with
    ReLU and batch normalisation, so the smallest possible logit of a class is a learned constant.

    Parameters
    ----------
    wasted_upsampling
        Whether the first residual block is ``skipping``; else it reads all of the map of twice the size.
    final_activation
        Whether ReLU and batch normalisation end the network; else a plain convolution makes the logits.
    """

    multiple = 4  # of height and width, as in the released code, though even sizes would do

    def __init__(self, in_channels: int, classes: int, wasted_upsampling: bool = True, final_activation: bool = True):
        super().__init__()
        output = nn.Conv2d(32, classes, 1)
        self.first = finish(nn.Conv2d(in_channels, 32, 3, padding=1), 32)
        self.enlarge = finish(DoublingConvolution(32, 32), 32)
        self.halve = ResidualBlock(32, 32, 64, 128, skipping=wasted_upsampling)
        self.quarter = ResidualBlock(128, 128, 128, 128, skipping=True)
        self.restore = finish(DoublingConvolution(128, 128), 128)
        self.last = nn.Sequential(*(finish(nn.Conv2d(a, b, 3, padding=1), b) for a, b in ((128, 64), (64, 32))))
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
