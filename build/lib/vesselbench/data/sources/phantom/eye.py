"""One phantom eye: a fundus photograph drawn at random, and the labels that are known because it was drawn.

image            RGB, 8 bits, one eye each, left and right ones, more than half of them with lesions
truth            vessel or not, as an observer would mark it: vessels too thin to see are left out
second observer  misses more of the thin vessels and draws borders elsewhere by a fraction of a pixel
artery/vein      0 background, 1 artery, 2 vein, 3 where both lie over each other
field of view    a disc, unevenly lit inside, near black outside
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vesselbench.data.sources.phantom.anatomy import Retina
from vesselbench.data.sources.phantom.blood import transmittance
from vesselbench.data.sources.phantom.camera import photograph
from vesselbench.data.sources.phantom.fundus import add_lesions, paint_background
from vesselbench.data.sources.phantom.observers import mark_again, mark_arteries_and_veins
from vesselbench.data.sources.phantom.stamping import View
from vesselbench.data.sources.phantom.vessels import grow_tree


@dataclass(frozen=True)
class Phantom:
    """One drawn eye, (H, W) each.

    Attributes
    ----------
    image
        uint8 (H, W, 3), RGB.
    truth, second_observer
        uint8, 0 or 1.
    artery_vein
        uint8, 0 background, 1 artery, 2 vein, 3 both; other than 0 exactly where ``truth`` is 1.
    fov
        bool; the labels are 0 outside.
    """

    image: np.ndarray
    truth: np.ndarray
    second_observer: np.ndarray
    artery_vein: np.ndarray
    fov: np.ndarray


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

    artery_vein = mark_arteries_and_veins(arteries, veins, view, fov)
    second_observer = mark_again(veins + arteries, view, fov, generator)

    tissue = add_lesions(paint_background(place, retina, generator), place, generator)
    light = tissue * transmittance(arteries, veins, view)
    image = photograph(light, np.clip(inside + 0.5, 0, 1), generator)

    drawn = (image, (artery_vein > 0).astype(np.uint8), second_observer, artery_vein, fov)
    # A left eye's disc is on the left; a right eye is its mirror image.
    return Phantom(*(np.fliplr(array).copy() if right_eye else array for array in drawn))
