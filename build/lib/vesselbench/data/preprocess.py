"""What is done to a photograph before a network sees it, by name, alike in training and prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter

from vesselbench.config import PARAMS, UserError


def rgb(image: np.ndarray) -> np.ndarray:
    """Leave the colours as they are (IterNet, released code)."""
    return image


def dark(image: np.ndarray) -> np.ndarray:
    """Say how much darker each pixel is than its surroundings: eight times the difference, 0 where it is brighter.

    The surroundings are a Gaussian mean of standard deviation 4 % of the image's width. Ours, not the paper's: vessels
    stand out on nothing, so that a network without batch normalisation comes to them within some hundred steps, where
    it first spends as many on brightness and hue otherwise. For small budgets.
    """
    pixels = image.astype(np.float32)
    spread = 0.04 * image.shape[1]
    mean = gaussian_filter(pixels, sigma=(spread, spread, 0), mode="nearest")
    return np.clip(np.rint(8 * (mean - pixels)), 0, 255).astype(np.uint8)


# Name -> (function from uint8 (H, W, 3) to uint8 (H, W, channels), channels).
_KNOWN: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {"rgb": (rgb, 3), "dark": (dark, 3)}


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
        ``"rgb"``: unchanged; ``"dark"``: how much darker than its surroundings.
    image
        uint8 (H, W, 3), RGB.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, ``channels_of(name)``).
    """
    return _find(name)[0](image)
