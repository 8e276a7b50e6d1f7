"""IterNet: a UNet whose output is refined by a small UNet called again and again with the same weights.

Li, Verma, Nakashima, Nagahara, Kawasaki, "IterNet: Retinal Image Segmentation Utilizing Structural Redundancy in Vessel
Networks", WACV 2020, section 3 and Figure 2; dropout and initialisation as in the released code. The ablations of
section 5 are arguments.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

DEPTHS = {"mini": 2, "unet": 4}  # poolings of a refinery


class Dropout(nn.Dropout):
    """Dropout that is quick on the CPU, where torch's own draws one number after the other: a third of a step's time.

    There, one 64-bit draw decides four activations: the share dropped is a multiple of 2^-16, and the rest is scaled by
    just that share.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return super().forward(x)
        dropped = max(1, round(self.p * 2**16))  # of 2^16 values
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
        kept = (bits[: x.numel()] >= dropped - 2**15).as_strided(x.shape, x.stride())
        return x * kept.to(x.dtype).mul_(2**16 / (2**16 - dropped))


class DoubleConvolution(nn.Sequential):
    """Twice: 3x3 convolution, ReLU, dropout."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float):
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.ReLU(inplace=True),
            Dropout(dropout),
            nn.Conv2d(channels_out, channels_out, 3, padding=1),
            nn.ReLU(inplace=True),
            Dropout(dropout),
        )


class Up(nn.Module):
    """Double the size and halve the channels, join the encoder's map of that size, convolve twice."""

    def __init__(self, channels: int, dropout: float):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.convolve = DoubleConvolution(channels, channels // 2, dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.convolve(torch.cat([self.up(x), skip], dim=1))


class Descent(nn.Module):
    """The way down and up of a UNet below its first level: ``depth`` poolings, then as many steps up."""

    def __init__(self, width: int, depth: int, dropout: float):
        super().__init__()
        channels = [width * 2**level for level in range(depth + 1)]
        self.down = nn.ModuleList(DoubleConvolution(c, 2 * c, dropout) for c in channels[:-1])
        self.up = nn.ModuleList(Up(c, dropout) for c in reversed(channels[1:]))
        self.pool = nn.MaxPool2d(2)

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for down in self.down:
            maps.append(down(self.pool(maps[-1])))
        x = maps.pop()
        for up in self.up:
            x = up(x, maps.pop())
        return x


class Refinery(nn.Module):
    """A UNet that refines the map of the module before it: the mini-UNet with ``depth`` 2.

    Its first-level map is joined with those of the modules before it, which a 1x1 convolution brings back to ``width``
    channels; that convolution is private to a call, since each call joins one more map, and is handed in.
    """

    def __init__(self, width: int, depth: int, dropout: float):
        super().__init__()
        self.first = DoubleConvolution(width, width, dropout)
        self.descent = Descent(width, depth, dropout)


class IterNet(nn.Module):
    """IterNet with ``iterations`` modules: one UNet, then ``iterations - 1`` calls of one mini-UNet.

    Parameters
    ----------
    in_channels, classes
        Channels of the image and of each logit map.
    width
        Channels of the first level; 32 in the paper. The base UNet has five levels, the mini-UNet three.
    iterations
        The paper's N, 4 there: the number of outputs. N = 1 is the plain UNet.
    dropout
        Share of activations dropped after every convolution of the double convolutions; 0.1 in the released code.
    shared_weights
        One set of mini-UNet weights for all calls, as in the paper; else one for each (paper, section 5).
    cross_skips
        Join the first-level maps of all modules before a call; else a call sees its own alone (paper, section 5).
    refinery
        ``mini``: three levels, as in the paper; ``unet``: five, as the base (paper, section 5).

    Raises
    ------
    ValueError
        ``width`` or ``iterations`` is below 1, ``dropout`` outside [0, 1), or ``refinery`` unknown.
    """

    multiple = 16  # four poolings: the height and width that it takes are multiples of this

    def __init__(
        self,
        in_channels: int,
        classes: int,
        width: int = 32,
        iterations: int = 4,
        dropout: float = 0.1,
        shared_weights: bool = True,
        cross_skips: bool = True,
        refinery: str = "mini",
    ):
        super().__init__()
        if width < 1 or iterations < 1 or not 0 <= dropout < 1:
            raise ValueError(
                f"width {width}, iterations {iterations}, dropout {dropout}: the first two must be at least 1, "
                "dropout in [0, 1)"
            )
        if refinery not in DEPTHS:
            raise ValueError(f"refinery is {refinery!r}; choose one of {', '.join(DEPTHS)}")
        calls = iterations - 1
        self.cross_skips = cross_skips
        self.first = DoubleConvolution(in_channels, width, dropout)
        self.base = Descent(width, 4, dropout)
        self.outputs = nn.ModuleList(nn.Conv2d(width, classes, 1) for _ in range(iterations))
        # One private reduction a call, since each call joins one more map; all the rest of the mini-UNet is shared.
        joined = [call + 2 if cross_skips else 1 for call in range(calls)]
        self.reductions = nn.ModuleList(nn.Conv2d(width * maps, width, 1) for maps in joined)
        sets = min(calls, 1) if shared_weights else calls
        self.refineries = nn.ModuleList(Refinery(width, DEPTHS[refinery], dropout) for _ in range(sets))
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        joined = [self.first(image)]  # (B, width, H, W), and one more of that size a call
        x = self.base(joined[0])
        logits = [self.outputs[0](x)]  # (B, classes, H, W)
        for call, reduction in enumerate(self.reductions):
            refinery = self.refineries[call % len(self.refineries)]  # of one, or of one for each call
            joined.append(refinery.first(x))
            x = refinery.descent(reduction(torch.cat(joined if self.cross_skips else joined[-1:], dim=1)))
            logits.append(self.outputs[call + 1](x))
        return logits


def _initialise(module: nn.Module) -> None:
    # The Keras defaults of the released code; torch's own make the same network start markedly slower.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


Network = IterNet
