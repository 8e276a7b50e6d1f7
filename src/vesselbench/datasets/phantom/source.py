"""phantom: synthetic fundus photographs, drawn by this project from a seed, for demonstrations and tests.

Photographs: by default 12 to train and 6 to test, 256 x 256, RGB PNG (numbers, size, seed are parameters). Ids p01, ...
Labels: known by construction: vessels (the truth), a "second observer" who misses thin vessels, arteries and veins.
FoV: the circle that was drawn.
Licence: that of this project.
Traps: made to look like a fundus photograph, not to be one. A result says that the pipeline works, nothing on eyes.
"""

from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image
from pydantic import Field, model_validator

from vesselbench.data.images import write_mask
from vesselbench.data.sample import Sample
from vesselbench.datasets.phantom.eye import draw
from vesselbench.datasets.source import Source, SourceParameters

FOLDERS = {"image": "images", "truth": "labels"}  # the others are called as what they hold


class PhantomParameters(SourceParameters):
    """How many phantoms to draw, how large, and from which seed: the first to train on, the next ones to test on.

    Image k depends on the seed, the size and k, not on the numbers of images.
    """

    size: int = Field(256, ge=128, le=1024)  # height and width in pixels
    train: int = Field(12, ge=1)
    test: int = Field(6, ge=1)
    seed: int = Field(7, ge=0)

    @model_validator(mode="after")
    def _fit_ids(self) -> Self:
        if self.train + self.test > 99:
            raise ValueError(f"train + test is {self.train + self.test}; ids end at p99; make them 99 at most")
        return self


def draw_dataset(parameters: PhantomParameters, folder: Path) -> list[Sample]:
    """Draw all images into subfolders of ``folder`` and return their records; the caller writes samples.csv.

    Labels and fields of view are stored as 0 and 255, artery/vein maps as class indices.
    """
    samples = []
    for k in range(parameters.train + parameters.test):
        seed = np.random.SeedSequence(parameters.seed, spawn_key=(k,))
        phantom = draw(parameters.size, np.random.default_rng(seed))
        name, subset = f"p{k + 1:02d}", "train" if k < parameters.train else "test"
        paths = {kind: folder / FOLDERS.get(kind, kind) / f"{name}.png" for kind in vars(phantom)}
        for kind, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            if kind in ("image", "artery_vein"):
                Image.fromarray(getattr(phantom, kind)).save(path)
            else:
                write_mask(path, getattr(phantom, kind))
        samples.append(Sample(id=name, group=name, subset=subset, **paths))
    return samples


SOURCE = Source(title="phantom", parameters=PhantomParameters, draw=draw_dataset)
