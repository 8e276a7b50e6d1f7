"""How the blood in a phantom's vessels colours the light."""

from __future__ import annotations

import numpy as np

from vesselbench.data.sources.phantom.stamping import View, coarser, stamp

ABSORPTION = np.array([10.8, 24.2, 18.7])  # of a vein's blood in red, green and blue, per radius of the field of view


def transmittance(arteries: list[np.ndarray], veins: list[np.ndarray], view: View) -> np.ndarray:
    """Share of the light that comes back through the blood, (H, W, 3).

    Beer and Lambert's law over the chord of a round vessel, then the reflex along the middle of wide ones.
    Arteries absorb less and shine more.
    """
    through = np.ones((2 * view.size, 2 * view.size, 3))
    for lines, absorbing, shining in ((veins, 1.0, 0.1), (arteries, 0.82, 0.3)):
        through *= np.exp(-absorbing * ABSORPTION * stamp(lines, view.finer(), _chord, 0.0)[..., None])
        through *= 1 + shining * stamp(lines, view.finer(), _reflex, 0.0)[..., None]
    return coarser(through)


def _chord(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))


def _reflex(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.exp(-((distance / (0.4 * radius)) ** 2)) * np.clip((radius - 0.006) / 0.008, 0, 1)
