"""Phantom: fundus photographs drawn from a seed, so that the whole pipeline runs without any download.

image            RGB, 8 bits, one eye each, left and right ones, more than half of them with lesions
truth            vessel or not, as an observer would mark it: vessels too thin to see are left out
second observer  misses more of the thin vessels and draws borders elsewhere by a fraction of a pixel
artery/vein      0 background, 1 artery, 2 vein, 3 where both lie over each other
field of view    a disc, unevenly lit inside, near black outside
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.data.images import write_mask
from vesselbench.data.sample import Sample
from vesselbench.data.sources.phantom.fundus import add_lesions, cloud, paint_background, photograph
from vesselbench.data.sources.phantom.vessels import Retina, View, grow_tree, stamp

# Lengths are in radii of the field of view.
ANNOTATED = 0.0054  # an observer marks vessels down to this radius ...
SHARP_SIGHT = 0.42  # ... and this many pixels
ABSORPTION = np.array([7.5, 17.0, 13.0])  # of a vein's blood in red, green and blue


@dataclass(frozen=True)
class PhantomParameters:
    """How many phantoms to draw, how large, and from which seed.

    Attributes
    ----------
    size
        Height and width in pixels, 128 to 1024.
    train, test
        Numbers of images: p01, p02, ... to train on, the next ones to test on.
    seed
        Image k depends on the seed, the size and k, not on the numbers of images.
    """

    size: int = 256
    train: int = 12
    test: int = 6
    seed: int = 7

    def __post_init__(self) -> None:
        if not 128 <= self.size <= 1024:
            raise ValueError(f"size is {self.size}; it must be 128 to 1024 pixels; 256 is quick")
        for name in ("train", "test"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; each subset needs an image; make it 1 or more")
        if self.train + self.test > 99:
            raise ValueError(f"train + test is {self.train + self.test}; ids end at p99; make them 99 at most")
        if self.seed < 0:
            raise ValueError(f"seed is {self.seed}; it must not be negative; make it 0 or more")


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
    """Draw one eye of ``size`` x ``size`` pixels: vessels in pixels of half that side, then averaged."""
    uniform = generator.uniform
    right_eye = uniform() < 0.5
    shift = complex(uniform(-0.01, 0.01), uniform(-0.01, 0.01))
    view = View(size, (0.5 + 0.5j) * (size - 1) + size * shift, size * uniform(0.462, 0.472))
    disc = complex(uniform(-0.82, -0.62), uniform(-0.1, 0.08))
    retina = Retina(disc, fovea=complex(uniform(-0.06, 0.12), uniform(-0.03, 0.1)))
    width, arcade, apart = uniform(0.019, 0.0225), uniform(0.55, 0.68), uniform(0.03, 0.08)
    veins = grow_tree(retina, width, arcade, generator)
    arteries = grow_tree(retina, width * uniform(0.74, 0.84), arcade + apart * generator.choice((-1, 1)), generator)

    row, column = np.mgrid[:size, :size]
    place = (column + 1j * row - view.centre) / view.radius
    inside = (1 - abs(place)) * view.radius  # pixels to the rim
    fov = inside >= 0.5

    artery, vein = (_mark(tree, view) >= 0.5 for tree in (arteries, veins))
    artery_vein = np.where(fov, artery + 2 * vein, 0).astype(np.uint8)
    noticed = [line for line in veins + arteries if uniform() < 1 / (1 + exp((0.0084 - line[0, 2]) / 0.0007))]
    marked = _mark(noticed, view, wider=uniform(-0.25, 0.25))
    wavering = 0.2 * cloud(generator, fov.shape, 30) * (marked > 0.05)
    second_observer = fov & (marked + wavering >= 0.5)

    tissue = add_lesions(paint_background(place, retina, generator), place, generator)
    image = photograph(tissue * _transmittance(arteries, veins, view), np.clip(inside + 0.5, 0, 1), generator)
    drawn = (image, (artery_vein > 0).astype(np.uint8), second_observer.astype(np.uint8), artery_vein, fov)
    return Phantom(*(np.fliplr(array).copy() if right_eye else array for array in drawn))


def _mark(lines: list[np.ndarray], view: View, wider: float = 0.0) -> np.ndarray:
    """Share of each pixel that an observer marks as vessel, (H, W); ``wider`` in pixels on either side."""
    visible = max(ANNOTATED, SHARP_SIGHT / view.radius)
    lines = [line[line[:, 2] >= visible] for line in lines]

    def depth(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
        # A mark is about a pixel wide at least.
        return np.maximum(radius, 0.55 / view.radius) + wider / view.radius - distance

    border = stamp([line for line in lines if len(line) > 4], view.finer(), depth, -1.0)
    return _average(np.clip(2 * view.radius * border + 0.5, 0, 1))


def _chord(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return 2 * np.sqrt(np.maximum(radius**2 - distance**2, 0))


def _reflex(distance: np.ndarray, radius: np.ndarray) -> np.ndarray:
    return np.exp(-((distance / (0.4 * radius)) ** 2)) * np.clip((radius - 0.006) / 0.008, 0, 1)


def _transmittance(arteries: list[np.ndarray], veins: list[np.ndarray], view: View) -> np.ndarray:
    """Share of the light that comes back through the blood, (H, W, 3).

    Beer and Lambert's law over the chord of a round vessel, then the reflex along the middle of wide ones.
    Arteries absorb less and shine more.
    """
    through = np.ones((2 * view.size, 2 * view.size, 3))
    for lines, absorbing, shining in ((veins, 1.0, 0.1), (arteries, 0.82, 0.3)):
        through *= np.exp(-absorbing * ABSORPTION * stamp(lines, view.finer(), _chord, 0.0)[..., None])
        through *= 1 + shining * stamp(lines, view.finer(), _reflex, 0.0)[..., None]
    return _average(through)


def _average(fine: np.ndarray) -> np.ndarray:
    return (fine[::2, ::2] + fine[1::2, ::2] + fine[::2, 1::2] + fine[1::2, 1::2]) / 4


def draw_dataset(parameters: PhantomParameters, folder: Path) -> list[Sample]:
    """Draw all images into subfolders of ``folder`` and return their records; the caller writes samples.csv.

    Labels and fields of view are stored as 0 and 255, artery/vein maps as class indices.
    """
    for name in ("images", "labels", "second_observer", "fov", "artery_vein"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    samples = []
    for k in range(parameters.train + parameters.test):
        seed = np.random.SeedSequence(parameters.seed, spawn_key=(k,))
        phantom = draw(parameters.size, np.random.default_rng(seed))
        name, subset = f"p{k + 1:02d}", "train" if k < parameters.train else "test"
        sample = Sample(
            id=name,
            group=name,
            subset=subset,
            image=folder / "images" / f"{name}.png",
            truth=folder / "labels" / f"{name}.png",
            second_observer=folder / "second_observer" / f"{name}.png",
            fov=folder / "fov" / f"{name}.png",
            artery_vein=folder / "artery_vein" / f"{name}.png",
        )
        Image.fromarray(phantom.image).save(sample.image)
        Image.fromarray(phantom.artery_vein).save(sample.artery_vein)
        write_mask(sample.truth, phantom.truth)
        write_mask(sample.second_observer, phantom.second_observer)
        write_mask(sample.fov, phantom.fov)
        samples.append(sample)
    return samples
