"""One phantom eye: a fundus photograph drawn at random, and the labels that are known because it was drawn.

Places are complex numbers x + iy in radii of the field of view, as in ``vessels``; so are lengths. ``place`` is the
position of each pixel, (H, W). Colours are float (H, W, 3), RGB in grey levels; tints are relative to them.
"""

from dataclasses import dataclass
from math import exp, pi

import numpy as np
from scipy.ndimage import gaussian_filter, zoom

from vesselbench.datasets.phantom.stamping import View, coarser, stamp, transmittance
from vesselbench.datasets.phantom.vessels import Retina, grow_tree

ANNOTATED = 0.0054  # an observer marks vessels down to this radius ...
SHARP_SIGHT = 0.42  # ... and this many pixels
NOTICED = 0.0084  # the second observer notices half of the vessels that start with this radius


@dataclass(frozen=True)
class Phantom:
    """One drawn eye, left or right, (H, W) each; more than half of all have lesions."""

    image: np.ndarray  # uint8 (H, W, 3), RGB
    truth: np.ndarray  # uint8, 0 or 1, as an observer would mark it: without vessels too thin to see; 0 outside fov
    second_observer: np.ndarray  # uint8, 0 or 1: misses more thin vessels, and draws borders elsewhere; 0 outside fov
    artery_vein: np.ndarray  # uint8: 1 artery, 2 vein, 3 both where truth is 1; else 0
    fov: np.ndarray  # bool: a disc


def draw(size: int, generator: np.random.Generator) -> Phantom:
    """Draw one eye of ``size`` x ``size`` pixels: vessels in pixels of half that side, then averaged.

    The same state of ``generator`` gives the same eye; the order of its calls is part of what it draws.
    """
    uniform = generator.uniform
    right_eye = uniform() < 0.5
    shift = complex(uniform(-0.01, 0.01), uniform(-0.01, 0.01))
    view = View(size, (0.5 + 0.5j) * (size - 1) + size * shift, size * uniform(0.462, 0.472))
    disc = complex(uniform(-0.82, -0.62), uniform(-0.1, 0.08))
    retina = Retina(disc, fovea=complex(uniform(-0.06, 0.12), uniform(-0.03, 0.1)))
    width, arcade, apart = uniform(0.019, 0.0225), uniform(0.55, 0.68), uniform(0.03, 0.08)
    veins = grow_tree(retina, width, arcade, generator)
    narrower, beside = uniform(0.74, 0.84), apart * generator.choice((-1, 1))
    arteries = grow_tree(retina, width * narrower, arcade + beside, generator)
    row, column = np.mgrid[:size, :size]
    place = (column + 1j * row - view.centre) / view.radius
    inside = (1 - abs(place)) * view.radius  # pixels to the rim
    fov = inside >= 0.5
    artery, vein = (_mark(tree, view) >= 0.5 for tree in (arteries, veins))
    artery_vein = np.where(fov, artery + 2 * vein, 0).astype(np.uint8)
    second_observer = _mark_again(veins + arteries, view, fov, generator)
    tissue = add_lesions(paint_background(place, retina, generator), place, generator)
    light = tissue * transmittance(arteries, veins, view)
    image = photograph(light, np.clip(inside + 0.5, 0, 1), generator)

    drawn = (image, (artery_vein > 0).astype(np.uint8), second_observer, artery_vein, fov)
    # A left eye's disc is on the left; a right eye is its mirror image.
    return Phantom(*(np.fliplr(array).copy() if right_eye else array for array in drawn))


def _mark_again(lines: list[np.ndarray], view: View, fov: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Mark as the second observer: without thin vessels, all wider or narrower, with a wavering hand."""
    uniform = generator.uniform
    noticed = [line for line in lines if uniform() < 1 / (1 + exp((NOTICED - line[0, 2]) / 0.0007))]
    marked = _mark(noticed, view, wider=uniform(-0.25, 0.25))
    wavering = 0.2 * cloud(generator, fov.shape, 30) * (marked > 0.05)
    return (fov & (marked + wavering >= 0.5)).astype(np.uint8)


def _mark(lines: list[np.ndarray], view: View, wider: float = 0.0) -> np.ndarray:
    """Return the share of each pixel that an observer marks as vessel, (H, W); ``wider`` in pixels on either side."""
    visible, least = max(ANNOTATED, SHARP_SIGHT / view.radius), 0.55 / view.radius  # a mark is about a pixel wide
    lines = [seen for line in lines if len(seen := line[line[:, 2] >= visible]) > 4]
    wider /= view.radius
    border = stamp(lines, view.finer(), lambda distance, radius: np.maximum(radius, least) + wider - distance, -1.0)
    return coarser(np.clip(2 * view.radius * border + 0.5, 0, 1))


def photograph(colour: np.ndarray, window: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Turn light, float (H, W, 3), into a camera's uint8 (H, W, 3): with blur, field stop, shot and read noise.

    ``window``, float (H, W), is the share of each pixel that lies in the field of view; outside it is near black.
    """
    blurred = gaussian_filter(colour, (0.45, 0.45, 0))
    level = 7 + window[..., None] * (blurred - 7)
    in_colour = 1.6 * gaussian_filter(generator.standard_normal(level.shape), (0.45, 0.45, 0))
    in_grey = generator.standard_normal(level.shape[:2])[..., None]
    noise = (0.5 + 0.36 * np.sqrt(np.maximum(level, 0))) * (0.8 * in_colour + 0.5 * in_grey)
    return np.clip(np.rint(level + noise), 0, 255).astype(np.uint8)


def cloud(generator: np.random.Generator, shape: tuple[int, int], cells: int) -> np.ndarray:
    """Draw smooth noise (H, W), mean 0 and deviation about 1, ``cells`` bumps across; alike at all sizes."""
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
    """Paint a healthy retina without vessels: its colour at every place."""
    uniform, shape = generator.uniform, place.shape
    base = uniform(145, 205) * np.array([1, uniform(0.46, 0.6), uniform(0.2, 0.33)])
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
    """Add dark microaneurysms and haemorrhages and bright exudates to the colour, in more than half of the eyes."""
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
