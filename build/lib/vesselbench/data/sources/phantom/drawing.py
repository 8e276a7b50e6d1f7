"""The phantom data set: eyes drawn from a seed, so that the whole pipeline runs without any download."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from vesselbench.data.images import write_mask
from vesselbench.data.sample import Sample
from vesselbench.data.sources.phantom.eye import draw

FOLDERS = {  # of each file that a sample names
    "image": "images",
    "truth": "labels",
    "second_observer": "second_observer",
    "fov": "fov",
    "artery_vein": "artery_vein",
}


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


def draw_dataset(parameters: PhantomParameters, folder: Path) -> list[Sample]:
    """Draw all images into subfolders of ``folder`` and return their records; the caller writes samples.csv.

    Labels and fields of view are stored as 0 and 255, artery/vein maps as class indices.
    """
    for name in FOLDERS.values():
        (folder / name).mkdir(parents=True, exist_ok=True)
    samples = []
    for k in range(parameters.train + parameters.test):
        seed = np.random.SeedSequence(parameters.seed, spawn_key=(k,))
        phantom = draw(parameters.size, np.random.default_rng(seed))
        name, subset = f"p{k + 1:02d}", "train" if k < parameters.train else "test"
        paths = {kind: folder / subfolder / f"{name}.png" for kind, subfolder in FOLDERS.items()}
        Image.fromarray(phantom.image).save(paths["image"])
        Image.fromarray(phantom.artery_vein).save(paths["artery_vein"])
        for kind in ("truth", "second_observer", "fov"):
            write_mask(paths[kind], getattr(phantom, kind))
        samples.append(Sample(id=name, group=name, subset=subset, **paths))
    return samples
