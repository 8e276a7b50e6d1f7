"""All of a phantom retina but its vessels: colour, optic disc, macula, light and lesions.

``place`` is the complex position x + iy of each pixel, (H, W), as in ``anatomy``. Colours are float
(H, W, 3), RGB in grey levels; tints are relative to them.
"""

from __future__ import annotations

from math import pi

import numpy as np
from scipy.ndimage import zoom

from vesselbench.data.sources.phantom.anatomy import Retina


def cloud(generator: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Smooth noise (H, W), mean 0 and deviation about 1, ``cells`` bumps across; alike at all sizes."""
    coarse = generator.standard_normal((cells + 3, cells + 3))
    fine = zoom(coarse, [pixels / cells for pixels in shape], order=3, grid_mode=True, mode="reflect")
    return fine[: shape[0], : shape[1]] / 0.75


def _tint(strength: np.ndarray, red: float, green: float, blue: float) -> np.ndarray:
    return strength[..., None] * np.array([red, green, blue])


def _fall(distance: np.ndarray, reach: float) -> np.ndarray:
    return np.exp(-((distance / reach) ** 2))


def _edge(distance: np.ndarray, softness: float) -> np.ndarray:
    return 1 / (1 + np.exp(distance / softness))


def paint_background(place: np.ndarray, retina: Retina, generator: np.random.Generator) -> np.ndarray:
    """Colour of a healthy retina without vessels.

    Parameters
    ----------
    place
        Position of each pixel.
    retina
        Where optic disc and fovea are.
    generator
        Source of every choice.
    """
    uniform, shape = generator.uniform, place.shape
    red = uniform(145, 205)
    base = red * np.array([1, uniform(0.46, 0.6), uniform(0.2, 0.33)])
    # Where the pigment is thin, large choroidal vessels shine through: reddish streaks, no vessel to find.
    thin_pigment = np.clip(0.5 + 0.5 * cloud(generator, shape, 4), 0, 1) * uniform(0.3, 1.0)
    texture = _tint(_fall(cloud(generator, shape, 11), 0.3) * thin_pigment, 0.05, 0.035, 0.03)
    texture += _tint(cloud(generator, shape, 6), 0.03, 0.04, 0.05)
    texture += _tint(cloud(generator, shape, 70), 0.015, 0.03, 0.03)
    from_disc = place - retina.disc
    fibres = np.interp(np.angle(from_disc), np.linspace(-pi, pi, 160), generator.standard_normal(160))
    texture += _tint(fibres * _fall(abs(from_disc), 0.5), 0.02, 0.02, 0.02)
    from_fovea = abs(place - retina.fovea)
    pit = uniform(0.6, 1.0) * _fall(from_fovea, 0.1)
    pigment = uniform(0.6, 1.0) * _fall(from_fovea, uniform(0.22, 0.32))
    macula = np.exp(-_tint(pit, 0.12, 0.2, 0.16) - _tint(pigment, 0.1, 0.18, 0.16))
    return base * (1 + texture) * macula * _optic_disc(from_disc, generator) * _light(place, generator)


def _optic_disc(from_disc: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Relative brightness: the disc with its cup, brightest temporally, a halo, a crescent of pigment."""
    uniform = generator.uniform
    radius = uniform(0.135, 0.16)
    across, down = from_disc.real / radius, from_disc.imag / (1.1 * radius)
    distance = np.hypot(across, down) + 0.03 * cloud(generator, from_disc.shape, 14)
    rim = _edge(distance - 1, uniform(0.03, 0.07))
    cup = rim * _edge(np.hypot(across - 0.2, down) - uniform(0.4, 0.55), 0.09)
    temporal = np.clip(across, -1, 1)
    bright = _tint(rim * (0.8 + 0.2 * temporal), 0.42, 0.75, 0.85) + _tint(cup, 0.05, 0.3, 0.4)
    crescent = uniform(0, 0.2) * _fall(distance - 1.1, 0.1) * np.clip(temporal, 0, 1)
    return (1 + bright + _tint(_fall(distance, 1.9), 0.12, 0.12, 0.12)) * (1 - crescent[..., None])


def _light(place: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Relative illumination: falling off from a centre, tilted, with a bluish haze at one side."""
    uniform = generator.uniform
    centre, tilt = complex(uniform(-0.2, 0.2), uniform(-0.2, 0.2)), uniform(0, 0.16)
    slope, haze_side = np.exp(1j * uniform(0, 2 * pi)), np.exp(1j * uniform(0, 2 * pi))
    light = np.exp(-uniform(0.15, 0.4) * abs(place - centre) ** 2) * (1 + tilt * (place * slope).real)
    haze = uniform(0, 0.5) * np.exp((abs(place + 0.25 * haze_side) - 1.2) / 0.07)
    return light[..., None] + _tint(np.clip(haze, 0, 1), 0.15, 0.5, 0.8)


def add_lesions(colour: np.ndarray, place: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Add dark microaneurysms and haemorrhages and bright exudates, in rather more than half of the images.

    Parameters
    ----------
    colour
        What to add them to; returned changed.
    place
        Position of each pixel.
    generator
        Source of every choice.
    """
    uniform = generator.uniform
    severity = max(0.0, uniform(-0.8, 1.0))
    rough = np.exp(0.25 * cloud(generator, place.shape, 40))
    dark, bright = np.zeros(place.shape), np.zeros(place.shape)
    # Half an axis, number, absorption, longest relative axis: microaneurysms; haemorrhages, blots to flames.
    for size, number, absorption, longest in ((0.011, 30, 0.3, 2.0), (0.03, 9, 0.4, 2.5)):
        for _ in range(round(severity * number)):
            centre = 0.95 * uniform() ** 0.5 * np.exp(1j * uniform(0, 2 * pi))
            turn = np.exp(1j * uniform(0, pi))
            offset = (place - centre) * turn / size
            squared = (offset.real / uniform(0.7, longest)) ** 2 + (offset.imag / uniform(0.6, 1.0)) ** 2
            dark = np.maximum(dark, absorption * uniform(0.5, 1.0) * np.exp(-((squared * rough) ** 1.5)))
    for _ in range(round(severity * 3)):  # hard exudates come in clusters
        cluster = uniform(0.25, 0.7) * np.exp(1j * uniform(0, 2 * pi))
        for _ in range(round(uniform(6, 22))):
            centre = cluster + 0.07 * complex(generator.normal(), generator.normal())
            spot = _fall(abs(place - centre) * rough, uniform(0.006, 0.018))
            bright = np.maximum(bright, uniform(0.3, 0.9) * spot)
    return colour * np.exp(-_tint(dark, 0.35, 1.0, 0.6)) * (1 + _tint(bright, 0.3, 0.7, 0.5))
