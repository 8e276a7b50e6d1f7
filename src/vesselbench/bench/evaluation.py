"""Evaluation: seconds of each of its parts for one probability map."""

from __future__ import annotations

import numpy as np
import torch
from scipy.ndimage import gaussian_filter

from vesselbench.bench.measure import best_seconds
from vesselbench.metrics import counts
from vesselbench.metrics.connectivity import connectivity_curve
from vesselbench.metrics.curves import LEVELS, auc, average_precision, histogram
from vesselbench.metrics.record import score_image


def map_around(truth: np.ndarray) -> np.ndarray:
    """Make a map uint16 (H, W) that looks predicted: vessels a little blurred, on smooth clouds."""
    clouds = gaussian_filter(np.random.default_rng(0).standard_normal(truth.shape), 4)
    smooth = 0.9 * gaussian_filter(truth.astype(float), 1.0) + 0.1 * np.abs(clouds) / np.abs(clouds).max()
    return np.rint(smooth * (LEVELS - 1)).astype(np.uint16)


def measure_evaluation(truth: np.ndarray, fov: np.ndarray, repeats: int) -> dict[str, float]:
    """Measure the scoring of one map, and its parts: seconds.

    Parameters
    ----------
    truth, fov
        (H, W), 0 and 1; bool (H, W).
    repeats
        The quickest of so many counts.
    """
    levels = map_around(truth)
    masks = (fov, np.ones_like(fov))
    sorted_pixels = [histogram(truth, levels, mask) for mask in masks]
    parts = {
        "histograms": lambda: [histogram(truth, levels, mask) for mask in masks],
        "auc": lambda: [(auc(pixels), average_precision(pixels)) for pixels in sorted_pixels],
        "counts": lambda: [counts.f1(pixels.counts(LEVELS // 2)) for pixels in sorted_pixels],
        "connectivity": lambda: connectivity_curve(truth, levels),
        "image": lambda: score_image("", truth, levels, fov),
    }
    print("evaluation: one map", flush=True)
    return {name: best_seconds(work, torch.device("cpu"), repeats) for name, work in parts.items()}
