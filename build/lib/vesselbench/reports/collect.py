"""Gather what the stages before wrote for one data set, for the runs asked for and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd

from vesselbench.config import UserError

# model -> mode -> seed -> content of scores.json
Results = dict[str, dict[str, dict[int, dict[str, Any]]]]


def read_results(folder: Path, models: Sequence[str], seeds: Sequence[int], modes: Sequence[str]) -> Results:
    """Read the scores of every run.

    Parameters
    ----------
    folder
        ``data/scores/<dataset>``. What else it holds, such as models dropped from the parameters, is not
        looked at.
    models, seeds, modes
        The runs; their order is the order of the result.

    Raises
    ------
    UserError
        A run has no scores, or was scored by another protocol than the first.
    """
    results: Results = {}
    protocols: dict[Path, dict[str, Any]] = {}
    for model, mode, seed, run, stage in _runs(folder, models, seeds, modes):
        path = run / "scores.json"
        scores = read_scores(path, stage)
        results.setdefault(model, {}).setdefault(mode, {})[seed] = scores
        protocols[path] = scores["protocol"]
        first = next(iter(protocols))
        if protocols[path] != protocols[first]:
            raise UserError(
                f"{path}: its protocol differs from that of {first}; a table takes scores of one protocol; "
                f"run 'dvc repro {stage}'"
            )
    return results


def read_scores(path: Path, stage: str) -> dict[str, Any]:
    """Read one scores.json; UserError naming the stage that makes it where it is absent."""
    return json.loads(_existing(path, stage).read_text())


def read_image_scores(folder: Path, models: Sequence[str], seed: int, mode: str) -> dict[str, pd.DataFrame]:
    """Read images.csv of each model under one seed and mode: model -> columns id, mask and scores.

    Raises
    ------
    UserError
        A run has no such file.
    """
    return {
        model: pd.read_csv(_existing(run / "images.csv", stage), dtype={"id": str})
        for model, _, _, run, stage in _runs(folder, models, [seed], [mode])
    }


def read_roc(folder: Path, models: Sequence[str], seeds: Sequence[int], modes: Sequence[str]) -> pd.DataFrame:
    """Join the ROC curves inside the field of view of every run: columns model, mode, seed, fpr, tpr.

    Raises
    ------
    UserError
        A run has no curve.
    """
    parts = []
    for model, mode, seed, run, stage in _runs(folder, models, seeds, modes):
        curve = pd.read_csv(_existing(run / "roc.csv", stage))
        parts.append(curve[curve["mask"] == "fov"].assign(model=model, mode=mode, seed=seed))
    return pd.concat(parts, ignore_index=True)[["model", "mode", "seed", "fpr", "tpr"]]


def read_training(folder: Path, models: Sequence[str], seeds: Sequence[int]) -> pd.DataFrame:
    """Join the training logs of ``data/models/<dataset>``.

    Returns
    -------
    pandas.DataFrame
        Columns model, seed, step, loss (the sum over a network's outputs, which is what is trained),
        last_output (the loss of the one used for prediction, comparable between networks), learning_rate.

    Raises
    ------
    UserError
        A run has no log.
    """
    parts = []
    for model in models:
        for seed in seeds:
            path = folder / model / str(seed) / "log.csv"
            log = pd.read_csv(_existing(path, f"train@{folder.name}-{model}-{seed}"))
            outputs = [column for column in log if column.startswith("loss_")]
            parts.append(log.assign(model=model, seed=seed, last_output=log[outputs[-1]]))
    return pd.concat(parts, ignore_index=True)[["model", "seed", "step", "loss", "last_output", "learning_rate"]]


def _runs(
    folder: Path, models: Sequence[str], seeds: Sequence[int], modes: Sequence[str]
) -> Iterator[tuple[str, str, int, Path, str]]:
    """List model, mode, seed, folder and making stage of every run, in this order of importance."""
    for model, mode, seed in product(models, modes, seeds):
        yield (
            model,
            mode,
            seed,
            folder / model / str(seed) / mode,
            f"evaluate@{folder.name}-{model}-{seed}-{mode}",
        )


def _existing(path: Path, stage: str) -> Path:
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro {stage}' first")
    return path
