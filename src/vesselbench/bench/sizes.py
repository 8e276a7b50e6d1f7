"""What is measured on: how large, how often, and the drawn eye."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from vesselbench.data.sources.phantom.eye import Phantom, draw
from vesselbench.training.loop import CHECK_EVERY


@dataclass(frozen=True)
class Sizes:
    """How large and how often.

    Attributes
    ----------
    height, width, images
        Of the images in pixels, and how many train: DRIVE's.
    patch, batch
        Side of a patch in pixels; patches a training step.
    strides
        Of patched prediction; its rate is measured at the first.
    rows
        Rows of patches predicted to find that rate; None for the whole image.
    longest
        An image that would take longer than these seconds to predict is not predicted: its time is computed.
    steps
        Training steps between two looks at the clock.
    repeats, repeats_long, repeats_naive
        Calls of which the quickest counts: of what takes seconds, of patched prediction, of the naive loop.
    matrix
        Side of the matrices.
    draws
        Bootstrap samples of an evaluation; it is of as many images as train.
    """

    height: int = 584
    width: int = 565
    images: int = 20
    patch: int = 128
    batch: int = 8
    strides: tuple[int, ...] = (3, 8, 16)
    rows: int | None = 2
    longest: float = 60.0
    steps: int = 1
    repeats: int = 3
    repeats_long: int = 2
    repeats_naive: int = 2
    matrix: int = 4096
    draws: int = 2000


ON_CPU = Sizes()
# A GPU works while the program goes on, so several steps at a time, as many as training takes between two looks.
ON_CUDA = replace(ON_CPU, batch=32, rows=None, steps=CHECK_EVERY, repeats_naive=1, matrix=8192)
QUICK = Sizes(
    height=128,
    width=121,
    images=2,
    patch=32,
    batch=4,
    strides=(8, 16, 32),
    repeats=1,
    repeats_long=1,
    matrix=128,
    draws=100,
)
QUICK_ARGUMENTS = {"width": 4, "iterations": 2}  # of the network


def draw_eye(height: int, width: int) -> Phantom:
    """Draw an eye of the phantom data set of ``height`` rows, and cut it to ``width`` columns."""
    eye = draw(height, np.random.default_rng(0))
    return Phantom(*(np.ascontiguousarray(array[:, :width]) for array in vars(eye).values()))
