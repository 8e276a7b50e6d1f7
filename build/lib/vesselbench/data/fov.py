"""The field of view, estimated from a photograph where the owner publishes no mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.morphology import convex_hull_image


@dataclass(frozen=True)
class FieldOfView:
    """Where masks come from. The values suit DRIVE, CHASE_DB1 and STARE alike; none is tuned to one image.

    Attributes
    ----------
    source
        ``official``: the owner's mask where there is one, else estimated; ``estimated``: always estimated.
    threshold
        How far a lit pixel's brightness lies on the way from the dark surround's median to the eye's, 0 to 1.
    smoothing
        Side in pixels of the median filter that takes film grain away.
    opening
        Radius, as a share of the image's shorter side, of the disk that cuts off what is narrow: scratches,
        text, the tab that marks the upright side on STARE's slides.
    """

    source: str = "official"
    threshold: float = 0.15
    smoothing: int = 5
    opening: float = 0.04

    def __post_init__(self) -> None:
        if self.source not in ("official", "estimated"):
            raise ValueError(f"source is {self.source!r}; it must be official or estimated")
        if not 0 < self.threshold < 1:
            raise ValueError(f"threshold is {self.threshold}; it must lie between 0 and 1")
        if self.smoothing < 1:
            raise ValueError(f"smoothing is {self.smoothing}; it must be at least 1 pixel")
        if not 0 <= self.opening < 0.5:
            raise ValueError(f"opening is {self.opening}; it must be at least 0 and below 0.5")


def estimate(image: np.ndarray, parameters: FieldOfView | None = None) -> np.ndarray:
    """Estimate the field of view of a fundus photograph.

    Colour threshold and clean-up, as IterNet (Li et al., WACV 2020) makes masks for CHASE_DB1 and STARE,
    without saying how. Here: the brightest channel, median filtered; Otsu parts dark surround from eye, and
    the threshold lies between the medians of the two; holes are filled, narrow parts opened away, the
    largest component kept; its convex hull, because the field of view is a disk with straight cuts, so that
    vessels and shadows at the rim cannot dent it.

    Parameters
    ----------
    image
        uint8 (H, W, 3).
    parameters
        Defaults where None; ``source`` plays no part.

    Returns
    -------
    numpy.ndarray
        bool (H, W). All True where there is nothing to part: an image of one brightness, or one without lit
        part as wide as the opening.
    """
    parameters = parameters or FieldOfView()
    brightness = image.max(axis=2)
    if brightness.min() == brightness.max():
        return np.ones(brightness.shape, bool)
    parting = threshold_otsu(brightness)
    dark, bright = (np.median(brightness[side]) for side in (brightness <= parting, brightness > parting))
    smooth = ndimage.median_filter(brightness, parameters.smoothing)
    lit = ndimage.binary_fill_holes(smooth > dark + parameters.threshold * (bright - dark))
    components = label(_open(lit, round(parameters.opening * min(lit.shape))))
    if not components.any():
        return np.ones(brightness.shape, bool)
    sizes = np.bincount(components.ravel())
    return convex_hull_image(components == 1 + np.argmax(sizes[1:]))


def _open(mask: np.ndarray, radius: int) -> np.ndarray:
    """Open by a disk, by way of distances (faster than a wide footprint); nothing is cut at the border."""
    margin = radius + 2
    wide = np.pad(np.pad(mask, margin - 1, mode="edge"), 1)
    core = ndimage.distance_transform_edt(wide) > radius
    if not core.any():
        return np.zeros_like(mask)
    return (ndimage.distance_transform_edt(~core) <= radius)[margin:-margin, margin:-margin]
