"""What is done to a photograph before a network sees it, by name, alike in training and prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from vesselbench.config import PARAMS, UserError

LIT = 30  # of 255: the brightest channel of a pixel inside the field of view is above this


def rgb(image: np.ndarray) -> np.ndarray:
    """Leave the colours as they are (IterNet, released code)."""
    return image


def flat(image: np.ndarray) -> np.ndarray:
    """Take the background away: 128 + 4 x (pixel - mean of its surroundings), rounded and clipped to 0..255.

    The surroundings are a Gaussian mean of standard deviation 4 % of the image's width. Ours, not the paper's: without
    brightness and hue to explain first, a network without batch normalisation comes to the vessels within some hundred
    steps. For small budgets.
    """
    return _clip(128 - 4 * _darker(image))


def dark(image: np.ndarray) -> np.ndarray:
    """Keep only what is darker than its surroundings: 8 x (mean of the surroundings - pixel), rounded and clipped.

    As ``flat``, but vessels stand out on nothing, which is learned faster still. What is brighter is lost, and with it
    part of what tells thin vessels from noise: on DRIVE networks end lower. For budgets of minutes.
    """
    return _clip(8 * _darker(image))


def _darker(image: np.ndarray) -> np.ndarray:
    """Mean of the lit surroundings minus pixel, float32 (H, W, 3); 0 where nothing is lit.

    The black outside the field of view takes no part in the mean: it would drown the vessels near the rim.
    """
    pixels = image.astype(np.float32)
    lit = (image.max(axis=2, keepdims=True) > LIT).astype(np.float32)
    sigma = (0.04 * image.shape[1], 0.04 * image.shape[1], 0)
    share = gaussian_filter(lit, sigma, mode="nearest")
    return lit * (gaussian_filter(pixels * lit, sigma, mode="nearest") / np.maximum(share, 1e-6) - pixels)


def _clip(values: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


# Name -> (function from uint8 (H, W, 3) to uint8 (H, W, channels), channels).
_KNOWN: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "rgb": (rgb, 3),
    "flat": (flat, 3),
    "dark": (dark, 3),
}


def _find(name: str) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    if name not in _KNOWN:
        raise UserError(f"{PARAMS}: models: preprocess {name!r} is unknown; choose one of {', '.join(_KNOWN)}")
    return _KNOWN[name]


def channels_of(name: str) -> int:
    """Channels that the preprocessing ``name`` gives a network; UserError where the name is unknown."""
    return _find(name)[1]


def preprocess(name: str, image: np.ndarray) -> np.ndarray:
    """Apply the preprocessing ``name`` to a photograph.

    Parameters
    ----------
    name
        ``"rgb"``: unchanged; ``"flat"``: without its background; ``"dark"``: what is darker than that.
    image
        uint8 (H, W, 3), RGB.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, ``channels_of(name)``).
    """
    return _find(name)[0](image)
