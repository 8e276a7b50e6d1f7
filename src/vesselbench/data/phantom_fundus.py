"""Everything of a phantom retina but its vessels: colours, optic disc, macula, light, lesions and the camera.

Positions are in radii of the field of view, as in ``phantom_vessels``; reflectances multiply, so nothing needs clipping in between.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from vesselbench.data.phantom_vessels import Retina


def cloud(generator: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Smooth noise of mean about 0 and deviation about 1, with ``cells`` features across; the same shape at any size."""
    coarse = generator.standard_normal((cells + 3, cells + 3))
    fine = zoom(coarse, [n / cells for n in shape], order=3, grid_mode=True, mode="reflect")[: shape[0], : shape[1]]
    return fine / 0.75


def paint_background(x: np.ndarray, y: np.ndarray, retina: Retina, generator: np.random.Generator) -> np.ndarray:
    """Colour of the retina without vessels and lesions.

    Parameters
    ----------
    x, y
        Position of each pixel, (H, W), in radii of the field of view.
    retina
        Where optic disc and fovea are.
    generator
        Source of every choice.

    Returns
    -------
    numpy.ndarray
        Float (H, W, 3), RGB in grey levels.
    """
    uniform = generator.uniform
    red = uniform(145, 205)
    base = np.array([red, red * uniform(0.46, 0.6), red * uniform(0.2, 0.33)])
    # Choroid: large vessels shine through as reddish streaks where the pigment is thin, between brighter and darker clouds.
    patches = np.clip(0.5 + 0.5 * cloud(generator, x.shape, 4), 0, 1)
    streaks = np.exp(-((cloud(generator, x.shape, 11) / 0.3) ** 2)) * patches * uniform(0.3, 1.0)
    clouds = cloud(generator, x.shape, 6)
    grain = cloud(generator, x.shape, 70)
    relative = (
        1
        + np.array([0.03, 0.04, 0.05]) * clouds[..., None]
        + np.array([0.05, 0.035, 0.03]) * streaks[..., None]
        + np.array([0.01, 0.018, 0.02]) * grain[..., None]
    )
    colour = base * relative * _macula(x, y, retina, generator)
    angle = np.arctan2(y - retina.disc[1], x - retina.disc[0])
    fibres = np.interp(angle, np.linspace(-pi, pi, 160), generator.standard_normal(160))
    from_disc = np.hypot(x - retina.disc[0], y - retina.disc[1])
    colour *= (1 + 0.02 * fibres * np.exp(-((from_disc / 0.5) ** 2)))[..., None]
    colour = _disc(colour, x, y, retina, generator)
    return colour * _light(x, y, generator)


def _macula(x: np.ndarray, y: np.ndarray, retina: Retina, generator: np.random.Generator) -> np.ndarray:
    distance = np.hypot(x - retina.fovea[0], y - retina.fovea[1])
    pit = generator.uniform(0.6, 1.0) * np.exp(-((distance / 0.1) ** 2))
    pigment = generator.uniform(0.6, 1.0) * np.exp(-((distance / generator.uniform(0.22, 0.32)) ** 2))
    return np.exp(-np.array([0.12, 0.2, 0.16]) * pit[..., None] - np.array([0.1, 0.18, 0.16]) * pigment[..., None])


def _disc(
    colour: np.ndarray, x: np.ndarray, y: np.ndarray, retina: Retina, generator: np.random.Generator
) -> np.ndarray:
    uniform = generator.uniform
    radius = uniform(0.135, 0.16)
    across, down = (x - retina.disc[0]) / radius, (y - retina.disc[1]) / (1.1 * radius)
    distance = np.hypot(across, down) + 0.03 * cloud(generator, x.shape, 14)
    rim = 1 / (1 + np.exp((distance - 1) / uniform(0.03, 0.07)))
    cup = 1 / (1 + np.exp((np.hypot(across - 0.2, down) - uniform(0.4, 0.55)) / 0.09))
    temporal = 0.8 + 0.2 * np.clip(across, -1, 1)
    gain = np.array([0.42, 0.75, 0.85]) * (rim * temporal)[..., None] + np.array([0.05, 0.3, 0.4]) * (rim * cup)[..., None]
    crescent = np.exp(-(((distance - 1.1) / 0.1) ** 2)) * np.clip(across, 0, 1) * uniform(0, 0.2)
    halo = 0.12 * np.exp(-((distance / 1.9) ** 2))
    return colour * (1 + gain + halo[..., None]) * (1 - crescent[..., None])


def _light(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    uniform = generator.uniform
    tilt, side = uniform(0, 0.16), uniform(0, 2 * pi)
    centre_x, centre_y = uniform(-0.2, 0.2), uniform(-0.2, 0.2)
    fall = np.exp(-uniform(0.15, 0.4) * ((x - centre_x) ** 2 + (y - centre_y) ** 2))
    light = (1 + tilt * (x * cos(side) + y * sin(side))) * fall
    haze_side = uniform(0, 2 * pi)
    haze = np.exp((np.hypot(x + 0.25 * cos(haze_side), y + 0.25 * sin(haze_side)) - 1.2) / 0.07) * uniform(0, 0.5)
    return light[..., None] + np.array([0.15, 0.5, 0.8]) * np.clip(haze, 0, 1)[..., None]


def add_lesions(colour: np.ndarray, x: np.ndarray, y: np.ndarray, retina: Retina, generator: np.random.Generator) -> np.ndarray:
    """Bright exudates and dark microaneurysms and haemorrhages, none of them vessel.

    Parameters and result as in ``paint_background``; about two images in three have lesions.
    """
    uniform = generator.uniform
    severity = max(0.0, uniform(-0.5, 1.0))
    absorption = np.array([0.35, 1.0, 0.6])
    dark, bright = np.zeros(x.shape), np.zeros(x.shape)
    rough = np.exp(0.25 * cloud(generator, x.shape, 40))
    for size, count, depth in ((0.011, 30, 0.3), (0.03, 9, 0.4)):  # microaneurysms; blot and flame haemorrhages
        for _ in range(round(severity * count)):
            a, r, turn = uniform(0, 2 * pi), 0.95 * uniform() ** 0.5, uniform(0, pi)
            dx, dy = x - r * cos(a), y - r * sin(a)
            long, short = size * uniform(0.7, 2.0 if size < 0.02 else 2.5), size * uniform(0.6, 1.0)
            along, across = dx * cos(turn) + dy * sin(turn), dy * cos(turn) - dx * sin(turn)
            blob = np.exp(-((((along / long) ** 2 + (across / short) ** 2) * rough) ** 1.5))
            dark = np.maximum(dark, depth * uniform(0.5, 1.0) * blob)
    for _ in range(round(severity * 3)):  # clusters of hard exudates
        a, r = uniform(0, 2 * pi), uniform(0.25, 0.7)
        for _ in range(round(uniform(6, 22))):
            cx, cy = r * cos(a) + 0.07 * generator.normal(), r * sin(a) + 0.07 * generator.normal()
            blob = np.exp(-((np.hypot(x - cx, y - cy) * rough / uniform(0.006, 0.018)) ** 2))
            bright = np.maximum(bright, uniform(0.3, 0.9) * blob)
    return colour * np.exp(-absorption * dark[..., None]) * (1 + np.array([0.3, 0.7, 0.5]) * bright[..., None])


def photograph(colour: np.ndarray, window: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """What the camera makes of the light: blur, field stop, shot and read noise, 8 bits.

    Parameters
    ----------
    colour
        Float (H, W, 3) in grey levels.
    window
        Float (H, W), share of each pixel that lies in the field of view.
    generator
        Source of the noise.

    Returns
    -------
    numpy.ndarray
        uint8 (H, W, 3); outside the field of view near black with a little noise.
    """
    blurred = gaussian_filter(colour, (0.45, 0.45, 0))
    level = 7 + window[..., None] * (blurred - 7)
    noise = gaussian_filter(generator.standard_normal(level.shape), (0.45, 0.45, 0)) * 1.6
    shared = generator.standard_normal(level.shape[:2])[..., None]
    noisy = level + (0.5 + 0.2 * np.sqrt(np.maximum(level, 0))) * (0.8 * noise + 0.4 * shared)
    return np.clip(np.rint(noisy), 0, 255).astype(np.uint8)
