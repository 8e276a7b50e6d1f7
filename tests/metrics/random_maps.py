"""Truths, maps and fields of view that the tests of the metrics share."""

import numpy as np

from vesselbench.metrics.histograms import histogram, pooled_auc, pooled_average_precision, stack

QUAD = np.array([[1, 1], [0, 0]], np.uint8)  # a truth of four pixels
LEVELS = np.array([[900, 100], [500, 0]], np.uint16)  # its map: from above vessel, background, vessel, background
ALL = np.ones((2, 2), bool)


def random_map(seed, levels, shape=(60, 70)):
    """Truth, map and field of view, with as many ties as ``levels`` allows."""
    generator = np.random.default_rng(seed)
    truth = generator.random(shape) < 0.2
    map_ = (generator.integers(0, levels, shape) + truth * levels // 3).clip(0, levels - 1)
    return truth, (map_ * (65535 // (levels - 1))).astype(np.uint16), generator.random(shape) < 0.7


def count(truth, prediction, fov):
    """Counts of a binary prediction."""
    return histogram(truth, np.where(prediction, 65535, 0).astype(np.uint16), fov).counts(65535)


def areas(pixels):
    """AUC and average precision of one histogram."""
    images, one = stack([pixels]), np.ones((1, 1))
    return pooled_auc(images, one)[0], pooled_average_precision(images, one)[0]
