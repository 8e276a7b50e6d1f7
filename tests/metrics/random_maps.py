"""Truths, maps and fields of view that the tests of the metrics share."""

import numpy as np

QUAD = np.array([[1, 1], [0, 0]], np.uint8)  # a truth of four pixels
ALL = np.ones((2, 2), bool)


def random_map(seed, levels, shape=(60, 70)):
    """Truth, map and field of view, with as many ties as ``levels`` allows."""
    generator = np.random.default_rng(seed)
    truth = generator.random(shape) < 0.2
    map_ = (generator.integers(0, levels, shape) + truth * levels // 3).clip(0, levels - 1)
    return truth, (map_ * (65535 // (levels - 1))).astype(np.uint16), generator.random(shape) < 0.7
