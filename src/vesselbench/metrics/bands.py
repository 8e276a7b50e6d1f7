"""Curves for drawing, with 95 % bands from the bootstrap over images."""

from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pandas as pd

from vesselbench.data.maps import LEVELS
from vesselbench.metrics.bootstrap import TAILS
from vesselbench.metrics.connectivity import OURS, connectivity
from vesselbench.metrics.histograms import Histogram, Stack, stack, thinned
from vesselbench.metrics.image import ImageRecord
from vesselbench.metrics.protocol import MASKS
from vesselbench.metrics.scores import binary

POINTS = 250  # most points of a ROC or precision-recall curve
BINS = 20
SPREAD = 1e-9  # between points of one x; far below the share of a pixel


def drawn_tables(records: Sequence[ImageRecord], weights: np.ndarray, points: int = POINTS) -> dict[str, pd.DataFrame]:
    """Make all tables for drawing, at native size: file name -> table.

    roc.csv, pr.csv and calibration.csv have a column mask more, and no rows where the maps are binary;
    sensitivity.csv gives the connectivity of each image at each size under the readings of ``AT_SIZE``. ``weights``
    here and below are (samples, images), the first row all ones.
    """
    parts: dict[str, list[pd.DataFrame]] = {"roc.csv": [], "pr.csv": [], "calibration.csv": []}
    for mask in MASKS:
        histograms = [record.histograms[mask, "native"] for record in records]
        images = thinned(stack(histograms), points)
        parts["roc.csv"].append(roc_band(images, weights).assign(mask=mask))
        parts["pr.csv"].append(precision_recall_band(images, weights).assign(mask=mask))
        parts["calibration.csv"].append(calibration(histograms, weights).assign(mask=mask))
    tables = {}
    for name, masks in parts.items():
        filled = [table for table in masks if len(table) and not binary(records)] or [masks[0].iloc[:0]]
        tables[name] = pd.concat(filled)[["mask", *(column for column in masks[0] if column != "mask")]]
    curves = np.array([record.curves["native", OURS] for record in records])
    tables["connectivity.csv"] = connectivity_band(curves, weights)
    every = [(record.id, *key, connectivity(curve)) for record in records for key, curve in record.curves.items()]
    rows = [{"id": id, "size": size} | asdict(reading) | {"connectivity": area} for id, size, reading, area in every]
    return tables | {"sensitivity.csv": pd.DataFrame(rows)}


def roc_band(images: Stack, weights: np.ndarray) -> pd.DataFrame:
    """Give the pooled ROC curve: columns fpr, tpr, and low, high of tpr at that fpr; a row a level of ``images``."""
    with np.errstate(invalid="ignore"):
        tpr = weights @ images.tp / (weights @ images.tp[:, -1])[:, None]
        fpr = weights @ images.fp / (weights @ images.fp[:, -1])[:, None]
    return _table("fpr", fpr, "tpr", tpr)


def precision_recall_band(images: Stack, weights: np.ndarray) -> pd.DataFrame:
    """Give the pooled precision-recall curve: columns recall, precision, and low, high of precision at that recall.

    From the highest level at which a vessel pixel is found. A sample that finds nothing there has the precision of the
    first level where it does.
    """
    some = images.tp.sum(axis=0) > 0
    tp, found = (weights @ counts[:, some] for counts in (images.tp, images.tp + images.fp))
    if not tp.size:
        return pd.DataFrame(columns=["recall", "precision", "low", "high"])
    first = np.maximum(np.arange(tp.shape[1]), (found > 0).argmax(axis=1)[:, None])
    tp, found = (np.take_along_axis(counts, first, axis=1) for counts in (tp, found))
    with np.errstate(invalid="ignore"):
        return _table("recall", tp / tp[:, -1:], "precision", tp / found)


def _table(across: str, x: np.ndarray, up: str, y: np.ndarray) -> pd.DataFrame:
    """Give the first sample's curve, and the quantiles of the other samples' heights at its x.

    Points of one x, where a curve runs straight up or down, are told apart by their level. Samples without the class
    that an axis is a share of are left out; where the first is such a one, there is no curve.
    """
    columns = [across, up, "low", "high"]
    if not x.shape[1] or np.isnan(x[0]).any() or np.isnan(y[0]).any():
        return pd.DataFrame(columns=columns)
    apart = x + np.linspace(0, SPREAD, x.shape[1])
    whole = ~(np.isnan(x) | np.isnan(y)).any(axis=1)
    whole[0] = False
    heights = [np.interp(apart[0], *curve) for curve in zip(apart[whole], y[whole], strict=True)]
    low, high = np.quantile(heights, TAILS, axis=0)
    return pd.DataFrame(dict(zip(columns, (x[0], y[0], low, high), strict=True)))


def connectivity_band(curves: np.ndarray, weights: np.ndarray) -> pd.DataFrame:
    """Give the mean over images of ``curves``, C(theta), (images, 256): columns theta, connectivity, low, high."""
    means = weights @ curves / len(curves)
    low, high = np.quantile(means[1:], TAILS, axis=0)
    return pd.DataFrame({"theta": OURS.thetas, "connectivity": means[0], "low": low, "high": high})


def calibration(histograms: Sequence[Histogram], weights: np.ndarray) -> pd.DataFrame:
    """Compare predicted probabilities with the share of vessel among pixels that got them: reliability diagram.

    One row for each of 20 bins of equal width that holds a pixel: bin_low, bin_high, pixels, probability (mean of those
    predicted), vessel (share that is positive in truth), low, high (of that share, over samples with a pixel there).
    """
    probability = np.arange(LEVELS) / (LEVELS - 1)
    bins = np.minimum((probability * BINS).astype(int), BINS - 1)

    def binned(values: np.ndarray) -> np.ndarray:
        return np.bincount(bins, weights=values, minlength=BINS)

    vessel = np.stack([binned(pixels.positives) for pixels in histograms])
    every = vessel + [binned(pixels.negatives) for pixels in histograms]
    total = sum(pixels.positives + pixels.negatives for pixels in histograms)
    held = np.flatnonzero(every.sum(axis=0))
    counted = every.sum(axis=0)[held]
    with np.errstate(invalid="ignore"):
        shares = (weights @ vessel)[:, held] / (weights @ every)[:, held]
    low, high = np.nanquantile(shares[1:], TAILS, axis=0)
    table = {"bin_low": held / BINS, "bin_high": (held + 1) / BINS, "pixels": counted.astype(np.int64)}
    table |= {"probability": binned(probability * total)[held] / counted, "vessel": shares[0], "low": low, "high": high}
    return pd.DataFrame(table)
