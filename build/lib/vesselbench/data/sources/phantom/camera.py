"""The camera that photographs a phantom retina."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter


def photograph(colour: np.ndarray, window: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What a camera makes of the light: blur, field stop, shot and read noise, 8 bits.

    Parameters
    ----------
    colour
        The light.
    window
        Float (H, W): share of each pixel that lies in the field of view; outside it is near black.
    generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3).
    """
    blurred = gaussian_filter(colour, (0.45, 0.45, 0))
    level = 7 + window[..., None] * (blurred - 7)
    in_colour = 1.6 * gaussian_filter(generator.standard_normal(level.shape), (0.45, 0.45, 0))
    in_grey = generator.standard_normal(level.shape[:2])[..., None]
    noise = (0.5 + 0.36 * np.sqrt(np.maximum(level, 0))) * (0.8 * in_colour + 0.5 * in_grey)
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)
