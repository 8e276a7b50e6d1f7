"""The scores of one set of maps, pooled and image by image, and the four files that hold them."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.metrics.curves import Histogram, roc, thin
from vesselbench.metrics.record import (
    MASKS,
    NEED_PROBABILITIES,
    SCORES,
    Evaluation,
    ImageRecord,
    pixel_scores,
)


def image_table(records: Sequence[ImageRecord], evaluation: Evaluation) -> pd.DataFrame:
    """Score every image by itself: columns id, mask and ``SCORES``, two rows an image."""
    binary = _binary(records)
    rows = [
        {"id": record.id, "mask": mask, "connectivity": record.connectivity_area}
        | pixel_scores(record.histograms[mask], evaluation.level, binary)
        for record in records
        for mask in MASKS
    ]
    return pd.DataFrame(rows, columns=["id", "mask", *SCORES])


def summarise(records: Sequence[ImageRecord], evaluation: Evaluation) -> dict[str, Any]:
    """Gather the content of scores.json.

    ``pooled`` takes the pixels of all images as if they were one; connectivity, which has no pixels to
    pool, is the mean over images there too. ``mean`` is the mean of the images' own scores. Each holds
    mask, then score. ``protocol`` says in words how all that was done.

    A score that is undefined (or, in ``mean``, is so for any image) is None. AUC and AUC-PR of binary maps
    are None too, and ``protocol`` gives the reason under ``withheld``.

    Raises
    ------
    ValueError
        There is no record.
    """
    if not records:
        raise ValueError("there is no image to score")
    binary = _binary(records)
    connected = {"connectivity": float(np.mean([record.connectivity_area for record in records]))}
    pixels = {mask: _pool(records, mask) for mask in MASKS}
    pooled = {mask: connected | pixel_scores(pixels[mask], evaluation.level, binary) for mask in MASKS}
    table = image_table(records, evaluation)
    mean = {mask: table.loc[table["mask"] == mask, list(SCORES)].mean(skipna=False).to_dict() for mask in MASKS}
    protocol: dict[str, Any] = {
        "images": len(records),
        "threshold": f"p >= {evaluation.threshold:g} (16-bit level >= {evaluation.level})",
        "truth": "first observer, native size",
        "connectivity": "mean over images, whole frame; 8-connected segments, 256 thresholds, "
        f"Zhang skeleton, alpha {evaluation.connectivity_tolerance:g}",
    }
    if binary:
        reason = "the maps hold 0 and 1 only: one operating point, no curve"
        protocol["withheld"] = dict.fromkeys(NEED_PROBABILITIES, reason)
    return {"pooled": _plain(pooled), "mean": _plain(mean), "protocol": protocol}


def write_scores(folder: Path, records: Sequence[ImageRecord], evaluation: Evaluation) -> None:
    """Write scores.json, images.csv, roc.csv (mask, fpr, tpr) and connectivity.csv (theta, mean C).

    Parameters
    ----------
    folder
        Where; it exists.
    records
        One an image. Binary maps leave roc.csv without rows.
    evaluation
        How to score them.
    """
    summary = summarise(records, evaluation)
    (folder / "scores.json").write_text(json.dumps(summary, indent=2) + "\n")
    _write(image_table(records, evaluation), folder / "images.csv")
    curve = pd.DataFrame(columns=["mask", "fpr", "tpr"])
    if not _binary(records):
        thinned = {mask: thin(*roc(_pool(records, mask)), evaluation.curve_points) for mask in MASKS}
        parts = [pd.DataFrame({"mask": m, "fpr": fpr, "tpr": tpr}) for m, (fpr, tpr) in thinned.items()]
        curve = pd.concat(parts)
    _write(curve, folder / "roc.csv")
    mean = np.mean([record.connectivity for record in records], axis=0)
    _write(pd.DataFrame({"theta": records[0].theta, "connectivity": mean}), folder / "connectivity.csv")


def _write(table: pd.DataFrame, path: Path) -> None:
    table.to_csv(path, index=False, float_format="%.6f")


def _pool(records: Sequence[ImageRecord], mask: str) -> Histogram:
    return reduce(add, (record.histograms[mask] for record in records))


def _binary(records: Sequence[ImageRecord]) -> bool:
    return all(record.binary for record in records)


def _plain(scores: dict[str, dict[str, float]]) -> dict[str, dict[str, float | None]]:
    """Replace NaN, which JSON does not know, by None."""
    return {
        mask: {name: None if math.isnan(value) else value for name, value in values.items()}
        for mask, values in scores.items()
    }
