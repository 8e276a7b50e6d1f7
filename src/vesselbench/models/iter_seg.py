"""Iter-Seg: a method that learns nothing; it thresholds an enhanced image again and again, each time what is left.

Roychowdhury, Koozekanani, Parhi, "Iterative Vessel Segmentation of Fundus Images", IEEE TBME 62(7), 2015. The steps are
theirs; the constants are ours, chosen on training images (of DRIVE first), because the paper's own were not at hand.
"""

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from vesselbench.data.preprocess import eye

# Sizes are pixels of an eye WIDTH pixels wide, as on DRIVE; they grow with the width of the field of view, which is
# found by its dark surround. Thresholds are standard deviations above a mean.
WIDTH = 540
LOW_PASS, RIM, DIM, BRIGHTEST, BLUR = 5, 3, 0.3, 0.02, 0.6  # see enhance
ACROSS = 9  # length of the top-hat's lines
ALONG = (5, 15)  # lengths of the means' across them
ORIENTATIONS = 12  # of these lines
START = 1.5  # threshold of the first estimate
SEED = 3.5  # threshold on the residual, of new vessels
GROW = 2.65  # threshold of what these and the old grow into
ROUNDS = 8  # at most
FLAT = 0.2  # a round that adds no more than this share of the vessel pixels is the last
COMPONENT = 60  # least area of a new vessel, and of what is left in the end
OUTSIDE = -10.0  # the logit outside the field of view
GAP, SPAN = 0.01, 4.0  # logits lie between these within the result, and between their negatives elsewhere


class IterSeg(nn.Module):
    """Segment colour photographs by repeated thresholds, as a network without weights.

    The logit is above 0 exactly where ``segment`` says vessel, and orders the pixels on either side by their score, so
    that the ROC curve passes through the method's own result.
    """

    multiple = 1
    whole_images = True  # a patch shows no field of view, and its mean and deviation are not the eye's

    def __init__(self, in_channels: int, classes: int):
        super().__init__()
        if in_channels != 3 or classes != 1:
            raise ValueError(f"{in_channels} channels, {classes} classes: Iter-Seg takes a colour image (3), gives 1")

    def forward(self, image: Tensor) -> list[Tensor]:
        photographs = (image.detach().float() * 255).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()
        logits = np.stack([compute_logits(np.ascontiguousarray(photograph)) for photograph in photographs])
        return [torch.from_numpy(logits)[:, None].to(image.device)]


def compute_logits(image: np.ndarray) -> np.ndarray:
    """Compute the logits, float32 (H, W), of a photograph, uint8 (H, W, 3)."""
    score, inside, scale = enhance(image)
    share = 1 / (1 + np.exp(-score / 2))  # 0 to 1, in the order of the scores
    # The gap is wide enough for the two sides to stay apart in a 16-bit map of probabilities.
    result = np.where(segment(score, inside, scale), GAP + SPAN * share, -GAP - SPAN * (1 - share))
    return np.where(inside, result, OUTSIDE).astype(np.float32)


def enhance(image: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Make the vessel-enhanced image.

    It takes the darkness of the green channel relative to its Gaussian mean (deviation LOW_PASS, over the field of
    view alone) and cuts bright spots off at -BRIGHTEST. A white top-hat by a line keeps what is thinner than the
    line; the mean along a second line across it smooths a vessel along its course; the greatest over all
    orientations stays. The results for each length of the second line are averaged and blurred (deviation BLUR).
    The second line is ours: by the top-hat alone, noise decides about thin vessels. The field of view leaves out
    what is darker than DIM of the eye's median, and a rim of width RIM.

    Returns
    -------
    score, inside, scale
        float32 (H, W), deviations from the mean within the field of view, 0 outside; bool (H, W), the field of
        view; and pixels for each pixel of DRIVE.
    """
    lit, bright = eye(image), cv2.medianBlur(image.max(axis=2), 5)
    lit &= bright >= DIM * np.median(bright[lit])
    scale = (1 + max(map(np.ptp, np.nonzero(lit)))) / WIDTH
    rim = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * max(1, round(RIM * scale)) + 1,) * 2)
    inside = cv2.erode(np.pad(lit.astype(np.uint8), 1), rim)[1:-1, 1:-1] > 0
    if not inside.any():
        return np.zeros(inside.shape, np.float32), inside, scale
    green, weight = image[..., 1].astype(np.float32) / 255, inside.astype(np.float32)
    low, share = (cv2.GaussianBlur(x, (0, 0), LOW_PASS * scale) for x in (green * weight, weight))
    low /= np.maximum(share, 1e-4)
    dark = np.maximum(np.where(inside, (low - green) / (low + 0.02), 0), -BRIGHTEST)
    best = np.full((len(ALONG), *dark.shape), -np.inf, np.float32)
    for turn in range(ORIENTATIONS):
        angle = np.pi * turn / ORIENTATIONS
        hat = cv2.morphologyEx(dark, cv2.MORPH_TOPHAT, segment_of(ACROSS * scale, angle))
        for greatest, length in zip(best, ALONG, strict=True):
            line = segment_of(length * scale, angle + np.pi / 2).astype(np.float32)
            np.maximum(greatest, cv2.filter2D(hat, -1, line / line.sum()), out=greatest)
    score = np.mean([standardise(greatest, inside) for greatest in best], axis=0)
    score = standardise(cv2.GaussianBlur(score, (0, 0), BLUR * scale), inside)
    return np.where(inside, score, 0), inside, scale


def segment(score: np.ndarray, inside: np.ndarray, scale: float) -> np.ndarray:
    """Find the vessels, bool (H, W), in what ``enhance`` returned."""
    least = COMPONENT * scale**2
    vessels = inside & (score > START)
    for _ in range(ROUNDS):
        if not (residual := inside & ~vessels).any():
            break
        mean, deviation = score[residual].mean(), score[residual].std()
        new = large(residual & (score > mean + SEED * deviation), least)
        known = vessels | new
        grown = reached(known | (inside & (score > mean + GROW * deviation)), known)
        added = np.count_nonzero(grown & ~vessels)
        vessels = grown
        if added <= FLAT * np.count_nonzero(vessels):
            break
    return large(vessels, least)


def standardise(values: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Subtract the mean within the field of view and divide by the standard deviation there, if there is any."""
    return (values - values[inside].mean()) / max(values[inside].std(), 1e-6)


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
