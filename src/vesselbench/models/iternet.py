"""IterNet: a UNet whose output is refined by a small UNet called again and again with the same weights.

Li, Verma, Nakashima, Nagahara, Kawasaki, "IterNet: Retinal Image Segmentation Utilizing Structural Redundancy in Vessel
Networks", WACV 2020, section 3 and Figure 2; dropout and initialisation as in the released code. The ablations of
section 5 are arguments.
"""

import torch
from torch import Tensor, nn

DEPTHS = {"mini": 2, "unet": 4}  # poolings of a refinery


class Dropout(nn.Dropout):
    """Drop activations as ``torch.nn.Dropout`` does, but quickly on the CPU.

    There torch draws one number after the other, which takes a third of a training step. Here one 64-bit draw decides
    four activations: the share dropped is a multiple of 2^-16, and the rest is scaled by just that share.
    """

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.p == 0 or x.device.type != "cpu":
            return super().forward(x)
        dropped = max(1, round(self.p * 2**16))  # of 2^16 values
        bits = torch.empty((x.numel() + 3) // 4, dtype=torch.int64).random_(-(2**63), None).view(torch.int16)
        kept = (bits[: x.numel()] >= dropped - 2**15).as_strided(x.shape, x.stride())
        return x * kept.to(x.dtype).mul_(2**16 / (2**16 - dropped))


class DoubleConvolution(nn.Sequential):
    """Apply 3x3 convolution, ReLU and dropout, twice."""

    def __init__(self, channels_in: int, channels_out: int, dropout: float):
        layers: list[nn.Module] = []
        for channels in (channels_in, channels_out):
            layers += [nn.Conv2d(channels, channels_out, 3, padding=1), nn.ReLU(inplace=True), Dropout(dropout)]
        super().__init__(*layers)


class Up(nn.Module):
    """Double the size and halve the channels, join the encoder's map of that size, convolve twice."""

    def __init__(self, channels: int, dropout: float):
        super().__init__()
        self.up = nn.ConvTranspose2d(channels, channels // 2, 2, stride=2)
        self.convolve = DoubleConvolution(channels, channels // 2, dropout)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.convolve(torch.cat([self.up(x), skip], dim=1))


class Descent(nn.Module):
    """Run the part of a UNet below its first level: ``depth`` poolings, then as many steps up."""

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


class IterNet(nn.Module):
    """Segment by ``iterations`` modules: one UNet, then ``iterations - 1`` calls of one mini-UNet.

    Parameters
    ----------
    width
        Channels of the first level; 32 in the paper. The base UNet has five levels, the mini-UNet three.
    iterations
        The paper's N, 4 there: the number of outputs. N = 1 is the plain UNet.
    dropout
        Share of activations dropped after every convolution of the double convolutions; 0.1 in the released code.
    shared_weights
        Whether all calls share one set of mini-UNet weights, as in the paper; else each has its own (section 5).
    cross_skips
        Whether a call sees the first-level maps of all modules before it; else only its own (section 5).
    refinery
        ``mini``: three levels, as in the paper; ``unet``: five, as the base (section 5).
    """

    multiple = 16  # four poolings: height and width of an image must be multiples of this

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
            raise ValueError(f"width {width}, iterations {iterations} must be 1 or more, dropout {dropout} in [0, 1)")
        if refinery not in DEPTHS:
            raise ValueError(f"refinery is {refinery!r}; choose one of {', '.join(DEPTHS)}")
        calls = iterations - 1
        self.cross_skips = cross_skips
        self.first = DoubleConvolution(in_channels, width, dropout)
        self.base = Descent(width, 4, dropout)
        self.outputs = nn.ModuleList(nn.Conv2d(width, classes, 1) for _ in range(iterations))
        # Each call has a reduction of its own, since each joins one map more; it shares the rest of the mini-UNet.
        joined = [call + 2 if cross_skips else 1 for call in range(calls)]
        self.reductions = nn.ModuleList(nn.Conv2d(width * maps, width, 1) for maps in joined)
        sets = min(calls, 1) if shared_weights else calls
        self.refineries = nn.ModuleList(_mini_unet(width, DEPTHS[refinery], dropout) for _ in range(sets))
        self.apply(_initialise)

    def forward(self, image: Tensor) -> list[Tensor]:
        first_level = [self.first(image)]  # (B, width, H, W); each call appends one of that size
        x = self.base(first_level[0])
        logits = [self.outputs[0](x)]  # (B, classes, H, W)
        for call, reduction in enumerate(self.reductions):
            refinery = self.refineries[call % len(self.refineries)]  # the shared one, or this call's own
            first_level.append(refinery["first"](x))
            joined = torch.cat(first_level if self.cross_skips else first_level[-1:], dim=1)
            x = refinery["descent"](reduction(joined))
            logits.append(self.outputs[call + 1](x))
        return logits


def _mini_unet(width: int, depth: int, dropout: float) -> nn.ModuleDict:
    return nn.ModuleDict({"first": DoubleConvolution(width, width, dropout), "descent": Descent(width, depth, dropout)})


def _initialise(module: nn.Module) -> None:
    # The Keras defaults of the released code; torch's own make the same network start markedly slower.
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)


Network = IterNet
