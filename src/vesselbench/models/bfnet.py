"""BF-Net: two UNets, one for arteries and one for veins, whose maps are handed to a third that decides.

Zhou, Xu, Hu, Lin, Jacob, Keane, Alexander, "Learning to Address Intra-segment Misclassification in Retinal Imaging",
MICCAI 2021; what the paper leaves open is as in the released code. In training an adversary judges the three maps.
The code of 2021 has sigmoids, that of 2023 a softmax. Both multiply by the standard deviation; ``divide`` mends it.
"""

import torch
from torch import Tensor, nn

from vesselbench.data.preprocess import LIT

# The released code passes every batch through the networks twice a step, which updates the running statistics twice
# with momentum 0.1. Here it is once, with the momentum that moves them as far: 1 - 0.9 ** 2.
MOMENTUM = 0.19


def convolve(channels_in: int, channels_out: int) -> nn.Sequential:
    """Make a 3x3 convolution, batch normalisation and ReLU, in this order."""
    convolution = nn.Conv2d(channels_in, channels_out, 3, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(channels_out, momentum=MOMENTUM), nn.ReLU(inplace=True))


def convolve_twice(channels_in: int, channels_out: int) -> nn.Sequential:
    """Make two of these, one after the other."""
    return nn.Sequential(convolve(channels_in, channels_out), convolve(channels_out, channels_out))


class Up(nn.Module):
    """Halve the channels and double the size of a map, join the encoder's map of that size, convolve twice."""

    def __init__(self, channels: int):
        super().__init__()
        self.enlarge = nn.Sequential(convolve(channels, channels // 2), nn.Upsample(scale_factor=2))
        self.join = convolve_twice(channels, channels // 2)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        return self.join(torch.cat([skip, self.enlarge(x)], dim=1))


class TwoPathUp(Up):
    """Join as ``Up`` does, and add a second path of both maps: neighbouring channels summed in pairs, normalised."""

    def __init__(self, channels: int):
        super().__init__(channels)
        self.normalise = nn.BatchNorm2d(channels // 4, momentum=MOMENTUM)  # one for both maps

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        maps = [self.enlarge(x), skip]  # (B, channels / 2, H, W) each
        pairs = [map_.unflatten(1, (-1, 2)).unbind(2) for map_ in maps]  # not [:, ::2], whose gradient is slow
        sums = [torch.relu(self.normalise(even + odd)) for even, odd in pairs]
        return torch.cat(sums, dim=1) + self.join(torch.cat(maps, dim=1))


class Trunk(nn.Module):
    """Run a UNet of five levels without its output; return the maps on the way up, 1/8, 1/4, 1/2 and full size."""

    def __init__(self, in_channels: int, width: int, up: type[Up]):
        super().__init__()
        steps = [(width * 2**level, width * 2 ** (level + 1)) for level in range(4)]
        self.first = convolve_twice(in_channels, width)
        self.down = nn.ModuleList(convolve_twice(upper, lower) for upper, lower in steps)
        self.up = nn.ModuleList(up(lower) for _, lower in reversed(steps))
        self.pool = nn.MaxPool2d(2)

    def forward(self, image: Tensor) -> list[Tensor]:
        skips = [self.first(image)]
        for down in self.down:
            skips.append(down(self.pool(skips[-1])))
        maps = [skips.pop()]
        for up in self.up:
            maps.append(up(maps[-1], skips.pop()))
        return maps[1:]


class Branch(nn.Module):
    """Segment one kind of vessel: logits (B, classes, H, W), and the features (B, width, H, W) that they come from."""

    up: type[Up] = TwoPathUp

    def __init__(self, in_channels: int, classes: int, width: int):
        super().__init__()
        self.trunk = Trunk(in_channels, width, self.up)
        self.output = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        features = self.trunk(image)[-1]
        return self.output(features), features


class Adversary(Branch):
    """Judge, pixel by pixel, whether a map of an image is a true one: logits (B, classes, H, W), high for true."""

    up = Up

    def forward(self, image: Tensor, map_: Tensor) -> Tensor:
        return super().forward(torch.cat([image, map_], dim=1))[0]


class Main(nn.Module):
    """Decide, given what the branches found: logits of three side heads, coarsest first, then of the fused maps.

    With ``concatenate`` these are maps and stand beside its features; else features, and the mean of all is taken.
    """

    def __init__(self, in_channels: int, classes: int, width: int, concatenate: bool):
        super().__init__()
        self.concatenate, self.trunk = concatenate, Trunk(in_channels, width, TwoPathUp)
        self.sides = nn.ModuleList(_side_head(width, classes, doublings) for doublings in (3, 2, 1))
        self.output = nn.Conv2d(width + 2 * classes if concatenate else width, classes, 1)

    def forward(self, image: Tensor, artery: Tensor, vein: Tensor) -> list[Tensor]:
        *coarse, features = self.trunk(image)
        logits = [side(map_) for side, map_ in zip(self.sides, coarse, strict=True)]
        fused = torch.cat([artery, features, vein], dim=1) if self.concatenate else (artery + features + vein) / 3
        return [*logits, self.output(fused)]


class BFNet(nn.Module):
    """Segment arteries and veins; at width 32 and three classes 26,412,708 parameters, the adversary not counted.

    The outputs are the main network's side heads (1/8, 1/4, 1/2), the artery branch, the vein branch, and the main
    network. Its loss does not reach the branches.

    Parameters
    ----------
    in_channels, classes
        Of images and maps: artery first, vein last; for a softmax background, artery, vein, crossing. None: as
        released, 3 (artery, crossing, vein) or 4.
    width
        Channels of the first level; each level below has twice as many.
    variant
        The main network takes, beside its features, the branches' probabilities (``sigmoid``, 2021); or the mean of all
        three networks' features (``softmax``, 2023).
    normalise
        What is done to each channel of each photograph, of mean m and standard deviation s on the scale 0..255:
        ``multiply``: (x - m) s, as released; ``divide``: (x - m) / s; ``none``.
    statistics_over
        Pixels that m and s are of: ``red``: red above 0, as released; ``eye``: brightest channel above 30 of 255.
    branch_targets
        What a softmax's branches learn: ``own``, their kind of vessel, as a sigmoid's always do; ``all``, as released.
    """

    multiple = 16  # four poolings: height and width of an image must be multiples of this
    output_weights = (1 / 2, 1 / 4, 1 / 8, 1, 1, 1)  # of the losses
    judged = (3, 4, 5)  # outputs that the adversary sees, in the order of its updates

    def __init__(
        self,
        in_channels: int,
        classes: int | None = None,
        width: int = 32,
        variant: str = "sigmoid",
        normalise: str = "multiply",
        statistics_over: str = "red",
        branch_targets: str = "own",
    ):
        super().__init__()
        if width < 2 or width % 2:
            raise ValueError(f"width {width} must be even and 2 or more: channels are summed in pairs")
        for name, value, words in (
            ("variant", variant, ("sigmoid", "softmax")),
            ("normalise", normalise, ("multiply", "divide", "none")),
            ("statistics_over", statistics_over, ("red", "eye")),
            ("branch_targets", branch_targets, ("own", "all")),
        ):
            if value not in words:
                raise ValueError(f"{name} is {value!r}; choose one of {', '.join(words)}")
        classes = classes or (4 if variant == "softmax" else 3)
        if classes != 4 if variant == "softmax" else classes < 2:
            raise ValueError(f"variant {variant} has {classes} classes; softmax must have 4, sigmoid 2 or more")
        self.variant, self.normalise, self.statistics_over = variant, normalise, statistics_over
        self.whole_images = normalise != "none"  # a patch does not tell its photograph's statistics
        self.branches = nn.ModuleList(Branch(in_channels, classes, width) for _ in range(2))  # artery, vein
        self.main = Main(in_channels, classes, width, variant == "sigmoid")
        self.critic_sizes = (in_channels + classes, classes, width)
        # The truth that output o learns is targets[o] @ truth: (6, classes, classes). No part of the weights.
        self.register_buffer("targets", _targets(classes, variant, branch_targets), persistent=False)

    def forward(self, image: Tensor) -> list[Tensor]:
        image = self.normalised(image)
        found = [branch(image) for branch in self.branches]
        seen = [torch.sigmoid(logits) if self.variant == "sigmoid" else features for logits, features in found]
        *sides, main = self.main(image, *(maps.detach() for maps in seen))
        return [*sides, *(logits for logits, _ in found), main]

    def critic(self) -> Adversary:
        """Make an untrained adversary for this network: of normalised images and maps."""
        return Adversary(*self.critic_sizes)

    def normalised(self, images: Tensor) -> Tensor:
        """Normalise photographs, (B, C, H, W) in [0, 1], each by its own statistics; nothing lit: m = s = 0."""
        if self.normalise == "none":
            return images
        x = images * 255
        lit = x[:, :1] > 0 if self.statistics_over == "red" else x.amax(1, keepdim=True) > LIT  # (B, 1, H, W)
        pixels = lit.sum((2, 3), keepdim=True).clamp(min=1)
        centred = x - (x * lit).sum((2, 3), keepdim=True) / pixels
        deviation = ((centred**2 * lit).sum((2, 3), keepdim=True) / pixels).sqrt()
        # A channel that varies by less than a grey level shows rounding alone: dividing would only enlarge that.
        return centred * deviation if self.normalise == "multiply" else centred / deviation.clamp(min=1)


def _side_head(width: int, classes: int, doublings: int) -> nn.Sequential:
    """Double the size and halve the channels so many times, down to ``width``; then make the logits."""
    channels = (4 * width, 2 * width, width)[-doublings:]
    steps = [nn.Sequential(nn.Upsample(scale_factor=2), convolve(2 * halved, halved)) for halved in channels]
    return nn.Sequential(*steps, nn.Conv2d(width, classes, 1))


def _targets(classes: int, variant: str, branch_targets: str) -> Tensor:
    targets = torch.eye(classes).repeat(6, 1, 1)
    if variant == "sigmoid":
        for output, kind in ((3, 0), (4, -1)):  # a branch has its kind of vessel in all channels
            targets[output] = torch.eye(classes)[kind]
    elif branch_targets == "own":
        for output, other in ((3, 2), (4, 1)):  # the other kind of vessel is background
            targets[output, 0, other], targets[output, other, other] = 1, 0
    return targets


Network = BFNet
