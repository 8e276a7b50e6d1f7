"""Folds put together: every image tested once, by a network that has not seen it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from vesselbench.config import UserError
from vesselbench.metrics.statistics import image_weights, interval
from vesselbench.reports.layout import COLUMNS, align, bounds, score_name, short
from vesselbench.reports.style import display_name

RUN = ["model", "mode", "seed"]


def fold_lines(folds: Mapping[str, pd.DataFrame], draws: int = 2000) -> list[str]:
    """Lay out the mean over the images of all folds, its 95 % interval, and the spread over folds.

    Parameters
    ----------
    folds
        Name -> the scores of its test images, ``plots/images/<dataset>.csv``: columns model, mode, seed, id and scores.
        At least two, of the same runs.
    draws
        Bootstrap samples of all images.

    Returns
    -------
    list of str
        A Markdown table with a row a run and score of the paper. The spread is the sample standard deviation of the
        folds' means: of images and of networks together. An undefined score leaves its row undefined.

    Raises
    ------
    UserError
        There are fewer than two folds, their runs differ, or an image is in two of them.
    """
    if len(folds) < 2:
        raise UserError(f"{', '.join(folds)}: one fold has no spread; give the files of two or more")
    runs = {name: table[RUN].drop_duplicates().to_numpy().tolist() for name, table in folds.items()}
    first = next(iter(folds))
    owner: dict[str, str] = {}
    for name, table in folds.items():
        if runs[name] != runs[first]:
            raise UserError(f"{name}: models, modes or seeds differ from those of {first}; run all folds alike")
        for image in table["id"].unique():
            if image in owner:
                raise UserError(f"image {image} is tested in {owner[image]} and in {name}; folds share no test image")
            owner[image] = name
    weights = image_weights(len(owner), draws, seed=0)
    rows = [["Method", "Mode", "Seed", "Score", "Mean", "95 % interval", "Spread over folds"]]
    for model, mode, seed in runs[first]:
        own = [table[(table[RUN] == [model, mode, seed]).all(axis=1)] for table in folds.values()]
        for score in COLUMNS:
            means = weights @ np.concatenate([table[score].to_numpy(float) for table in own]) / len(owner)
            spread = np.std([table[score].mean(skipna=False) for table in own], ddof=1)
            name = [display_name(model), mode, str(seed), score_name(score)]
            figures = ["-" if np.isnan(value) else short(value) for value in (means[0], spread)]
            rows.append([*name, figures[0], bounds(*interval(means[1:])), figures[1]])
    return align(rows)
