"""The field of view: estimated from a photograph where the owner publishes no mask, and measured."""

import cv2
import numpy as np
from scipy import ndimage
from skimage.filters import threshold_otsu
from skimage.measure import label
from skimage.morphology import convex_hull_image

# They suit DRIVE, CHASE_DB1 and STARE alike; none is tuned to one image.
THRESHOLD = 0.15  # a lit pixel's brightness, on the way from the median of the dark surround to that of the eye
SMOOTHING = 5  # side in pixels of the median filter that takes film grain away
SURROUND = 0.5  # of the eye's brightness: what is around it is darker, or a part of it
LONGEST = 1500  # pixels of a side: larger photographs are shrunken first, which takes less time and memory
OPENING = 0.04  # radius, as a share of the shorter side, of the disk that cuts off scratches, text and tabs


def estimate(image: np.ndarray) -> np.ndarray:
    """Estimate the field of view, bool (H, W), of a fundus photograph, uint8 (H, W, 3).

    Colour threshold and clean-up, as IterNet (Li et al., WACV 2020) makes masks for CHASE_DB1 and STARE, without saying
    how. Here: the brightest channel, median filtered; Otsu parts dark surround from eye, and the threshold lies between
    the medians of the two; holes are filled, narrow parts opened away, the largest component kept; its convex hull,
    because the field of view is a disk with straight cuts, so that vessels and shadows at the rim cannot dent it.

    All True where there is nothing to part: an image without dark surround, or without lit part as wide as the opening.
    """
    rows, columns = image.shape[:2]
    if max(rows, columns) > LONGEST:
        size = [max(1, side * LONGEST // max(rows, columns)) for side in (columns, rows)]
        small = estimate(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
        return cv2.resize(255 * small.astype(np.uint8), (columns, rows)) > 127
    brightness = image.max(axis=2)
    if brightness.min() == brightness.max():
        return np.ones(brightness.shape, bool)
    parting = threshold_otsu(brightness)
    dark, bright = (np.median(brightness[side]) for side in (brightness <= parting, brightness > parting))
    if dark > SURROUND * bright:
        return np.ones(brightness.shape, bool)
    smooth = ndimage.median_filter(brightness, SMOOTHING)
    lit = ndimage.binary_fill_holes(smooth > dark + THRESHOLD * (bright - dark))
    components = label(_open(lit, round(OPENING * min(lit.shape))))
    if not components.any():
        return np.ones(brightness.shape, bool)
    sizes = np.bincount(components.ravel())
    return convex_hull_image(components == 1 + np.argmax(sizes[1:]))


def diameter(mask: np.ndarray) -> int:
    """Measure the diameter of a field of view, bool (H, W), in pixels: the wider of its extents along rows and columns.

    A disk that is cut above and below still shows its diameter along the rows. 0 where the mask is empty.
    """
    extents = (np.flatnonzero(mask.any(axis)) for axis in (0, 1))
    return max((int(np.ptp(places)) + 1 for places in extents if places.size), default=0)


def box(mask: np.ndarray, rim: int = 0) -> tuple[slice, slice]:
    """Find the rows and columns of a field of view, bool (H, W), and as many pixels around it as ``rim`` says.

    The whole frame where the mask is empty.
    """
    extents = (np.flatnonzero(mask.any(axis)) if mask.any() else np.arange(mask.shape[1 - axis]) for axis in (1, 0))
    return tuple(slice(max(0, places[0] - rim), places[-1] + 1 + rim) for places in extents)


def _open(mask: np.ndarray, radius: int) -> np.ndarray:
    """Open by a disk, by way of distances (faster than a wide footprint); nothing is cut at the border."""
    margin = radius + 2
    wide = np.pad(np.pad(mask, margin - 1, mode="edge"), 1)
    core = ndimage.distance_transform_edt(wide) > radius
    if not core.any():
        return np.zeros_like(mask)
    return (ndimage.distance_transform_edt(~core) <= radius)[margin:-margin, margin:-margin]
