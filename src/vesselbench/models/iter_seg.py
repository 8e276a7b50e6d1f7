"""Iter-Seg: vessels by thresholds on an enhanced image, again and again on what is left; nothing is learned.

Roychowdhury, Koozekanani, Parhi, "Iterative Vessel Segmentation of Fundus Images", IEEE TBME 62(7), 2015. The steps are
theirs; the constants are ours, chosen on training images (of DRIVE first), because the paper's own were not at hand.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vesselbench.data.preprocess import eye

WIDTH = 540  # pixels: the field of view's width on DRIVE, in which all sizes are given
LOW_PASS, RIM, DIM, BRIGHTEST, BLUR = 5, 3, 0.3, 0.02, 0.6  # see enhance
OUTSIDE = -10.0  # the logit outside the field of view
GAP, SPAN = 0.01, 4.0  # logits lie between these within the result, and between their negatives elsewhere


class IterSeg(nn.Module):
    """Iterative vessel segmentation, as a network without weights.

    All sizes are pixels of an eye 540 pixels wide, as on DRIVE, and grow with the width of the field of view.
    Thresholds are standard deviations above a mean. The field of view is found by its dark surround.

    The logit is above 0 exactly where ``segment`` says vessel, and orders the pixels on either side by their score. So
    the ROC curve passes through the method's own result: raising the threshold from there keeps, of the result, what
    scores above it; lowering it adds what scores above it, in regions of whatever size.

    Parameters
    ----------
    in_channels, classes
        3, a photograph in red, green, blue; and 1.
    across, along, orientations
        Length of the top-hat's lines, lengths of the means' across them, and the number of their directions.
    start, seed, grow
        Thresholds: of the first estimate; on the residual, of new vessels; and of what these and the old grow into.
    flat, rounds
        Stop when a round adds no more than this share of the vessel pixels, or after this many rounds.
    component
        Least area of a new vessel, and of what is left in the end.

    Raises
    ------
    ValueError
        Not 3 channels or 1 class, a size or number below 1, or ``grow`` above ``seed``.
    """

    multiple = 1
    whole_images = True  # a patch shows no field of view, and its mean and deviation are not the eye's

    def __init__(
        self,
        in_channels: int,
        classes: int,
        across: int = 9,
        along: Sequence[int] = (5, 15),
        orientations: int = 12,
        start: float = 1.5,
        seed: float = 3.5,
        grow: float = 2.65,
        flat: float = 0.2,
        rounds: int = 8,
        component: int = 60,
    ):
        super().__init__()
        if in_channels != 3 or classes != 1:
            raise ValueError(f"{in_channels} channels, {classes} classes: Iter-Seg takes a colour image (3), gives 1")
        if min(across, *along, orientations, component) < 1 or rounds < 0 or grow > seed:
            sizes = f"across {across}, along {along}, orientations {orientations}, component {component}"
            raise ValueError(f"{sizes} must be 1 or more, rounds {rounds} 0 or more, grow {grow} at most seed {seed}")
        self.across, self.along, self.orientations = across, along, orientations
        self.start, self.seed, self.grow = start, seed, grow
        self.flat, self.rounds, self.component = flat, rounds, component

    def forward(self, image: Tensor) -> list[Tensor]:
        photographs = (image.detach().float() * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        logits = np.stack([self.logits(np.ascontiguousarray(photograph)) for photograph in photographs])
        return [torch.from_numpy(logits)[:, None].to(image.device)]

    def logits(self, image: np.ndarray) -> np.ndarray:
        """Logits, float32 (H, W), of a photograph, uint8 (H, W, 3)."""
        score, inside, scale = self.enhance(image)
        share = 1 / (1 + np.exp(-score / 2))  # 0 to 1, in the order of the scores
        # The gap is wide enough for the two sides to stay apart in a 16-bit map of probabilities.
        result = np.where(self.segment(score, inside, scale), GAP + SPAN * share, -GAP - SPAN * (1 - share))
        return np.where(inside, result, OUTSIDE).astype(np.float32)

    def enhance(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """Make the vessel-enhanced image.

        The darkness of the green channel relative to its low-pass version (a Gaussian mean of deviation LOW_PASS
        over the field of view, so that the black surround takes no part), bright spots cut off at -BRIGHTEST; a
        white top-hat by a line, then the mean along a line across it, which smooths a vessel along its course; the
        greatest over all orientations. That for each length of the second line, the mean of all, and a Gaussian of
        deviation BLUR. The second line is ours: by the top-hat alone, noise decides about thin vessels. Of the
        eye, what is darker than DIM of its median and a rim of width RIM are left out, as is all around it.

        Returns
        -------
        score, inside, scale
            float32 (H, W), deviations from the mean within the field of view, 0 outside; bool (H, W), the field of
            view without its rim; and pixels for each pixel of DRIVE.
        """
        lit, bright = eye(image), cv2.medianBlur(image.max(axis=2), 5)
        lit &= bright >= DIM * np.median(bright[lit])
        scale = (1 + max(map(np.ptp, np.nonzero(lit)))) / WIDTH
        inside = cv2.erode(np.pad(lit.astype(np.uint8), 1), disk(RIM * scale))[1:-1, 1:-1] > 0
        if not inside.any():
            return np.zeros(inside.shape, np.float32), inside, scale
        green, weight = image[..., 1].astype(np.float32) / 255, inside.astype(np.float32)
        low, share = (cv2.GaussianBlur(x, (0, 0), LOW_PASS * scale) for x in (green * weight, weight))
        low /= np.maximum(share, 1e-4)
        dark = np.maximum(np.where(inside, (low - green) / (low + 0.02), 0), -BRIGHTEST)
        best = np.full((len(self.along), *dark.shape), -np.inf, np.float32)
        for turn in range(self.orientations):
            angle = np.pi * turn / self.orientations
            hat = cv2.morphologyEx(dark, cv2.MORPH_TOPHAT, segment_of(self.across * scale, angle))
            for greatest, length in zip(best, self.along, strict=True):
                line = segment_of(length * scale, angle + np.pi / 2).astype(np.float32)
                np.maximum(greatest, cv2.filter2D(hat, -1, line / line.sum()), out=greatest)
        score = np.mean([standardise(greatest, inside) for greatest in best], axis=0)
        score = standardise(cv2.GaussianBlur(score, (0, 0), BLUR * scale), inside)
        return np.where(inside, score, 0), inside, scale

    def segment(self, score: np.ndarray, inside: np.ndarray, scale: float) -> np.ndarray:
        """Find the vessels, bool (H, W), in what ``enhance`` returned."""
        least = self.component * scale**2
        vessels = inside & (score > self.start)
        for _ in range(self.rounds):
            if not (residual := inside & ~vessels).any():
                break
            mean, deviation = score[residual].mean(), score[residual].std()
            new = large(residual & (score > mean + self.seed * deviation), least)
            known = vessels | new
            grown = reached(known | (inside & (score > mean + self.grow * deviation)), known)
            added = np.count_nonzero(grown & ~vessels)
            vessels = grown
            if added <= self.flat * np.count_nonzero(vessels):
                break
        return large(vessels, least)


def standardise(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Take the mean within the field of view away and divide by the standard deviation there, if there is any."""
    return (values - values[inside].mean()) / max(values[inside].std(), 1e-6)


def disk(radius: float) -> np.ndarray:
    """Make a disk of at least one pixel's radius, for morphology."""
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(radius)) + 1,) * 2)


def segment_of(length: float, angle: float) -> np.ndarray:
    """Draw a line through the middle of a square, one pixel wide, ``length`` long to the next odd number."""
    half = round((length - 1) / 2)
    x, y = round(half * np.cos(angle)), round(half * np.sin(angle))
    return cv2.line(np.zeros((2 * half + 1,) * 2, np.uint8), (half - x, half - y), (half + x, half + y), 1)


def large(mask: np.ndarray, least: float) -> np.ndarray:
    """Keep the 8-connected components of at least ``least`` pixels."""
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    keep = statistics[:, cv2.CC_STAT_AREA] >= least
    keep[0] = False  # the background
    return keep[labels]


def reached(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Keep the 8-connected components of ``mask`` that hold one of the seeds, which are part of it."""
    labels = cv2.connectedComponents(mask.astype(np.uint8))[1]
    return np.isin(labels, np.unique(labels[seeds]))


Network = IterSeg
