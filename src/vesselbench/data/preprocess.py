"""What is done to a photograph before a network sees it, by name, alike in training and prediction."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vesselbench.config import PARAMS, UserError


def rgb(image: np.ndarray) -> np.ndarray:
    """Leave the colours as they are (IterNet, released code)."""
    return image


# Name -> (function from uint8 (H, W, 3) to uint8 (H, W, channels), channels).
_KNOWN: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {"rgb": (rgb, 3)}


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
        ``"rgb"``: unchanged.
    image
        uint8 (H, W, 3), RGB.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, ``channels_of(name)``).
    """
    return _find(name)[0](image)
