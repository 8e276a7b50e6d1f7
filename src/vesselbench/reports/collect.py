"""Gather what the stages before wrote for one data set, for the runs asked for and no others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.config import UserError
from vesselbench.metrics.protocol import Protocol

ALIKE = ("images", "draws", "protocol")  # parts of scores.json that runs of one table share


@dataclass(frozen=True)
class Run:
    """The results of one set of maps, as the evaluate stage left them.

    Attributes
    ----------
    scores
        Content of scores.json.
    draws
        ``"<protocol>/<score>"`` -> bootstrap draws, float64 (draws,).
    images
        Content of images.csv.
    """

    scores: dict[str, Any]
    draws: Mapping[str, np.ndarray]
    images: pd.DataFrame


Results = dict[str, dict[str, dict[int, Run]]]  # model -> mode -> seed -> run
Key = tuple[str, str, int]  # model, mode, seed: names a run
Keys = Mapping[Key, str]  # run -> what stands before the names of the stages that make it, such as "more_"


def keys_of(models: Sequence[str], seeds: Sequence[int], modes: Sequence[str], group: str = "") -> dict[Key, str]:
    """Name the runs of all models in all modes with all seeds, by model, then by mode; ``group``: of their stages."""
    return dict.fromkeys(product(models, modes, seeds), group)


def read_results(folder: Path, keys: Keys) -> Results:
    """Read the results of every run.

    Parameters
    ----------
    folder
        ``data/scores/<dataset>``. What else it holds, such as models dropped from the parameters, is not looked at.
    keys
        The runs; their order is the order of the result.

    Raises
    ------
    UserError
        A run has no scores, or was scored otherwise (other images, draws or definitions) than the first.
    """
    results: Results = {}
    first: tuple[Path, dict[str, Any]] | None = None
    for (model, mode, seed), place, maker in _places(folder, keys, "evaluate"):
        run = read_run(place, maker)
        results.setdefault(model, {}).setdefault(mode, {})[seed] = run
        how = {name: run.scores[name] for name in ALIKE}
        first = first or (place, how)
        if how != first[1]:
            raise UserError(
                f"{place / 'scores.json'}: images, draws or protocol differ from those of {first[0] / 'scores.json'}; "
                f"a table takes scores made alike; run 'dvc repro {maker}'"
            )
    return results


def read_run(folder: Path, stage: str) -> Run:
    """Read one run; UserError naming the stage that makes it where it is absent."""
    scores = json.loads(_existing(folder / "scores.json", stage).read_text())
    with np.load(_existing(folder / "draws.npz", stage)) as arrays:
        draws = dict(arrays)
    return Run(scores, draws, pd.read_csv(_existing(folder / "images.csv", stage), dtype={"id": str}))


def read_observer(folder: Path) -> Run | None:
    """Read the second observer's run of ``data/scores/<dataset>``; None where not all test images have one."""
    place, stage = folder / "second_observer", f"observer@{folder.name}"
    if "absent" in json.loads(_existing(place / "scores.json", stage).read_text()):
        return None
    return read_run(place, stage)


def read_curves(name: str, folder: Path, keys: Keys) -> pd.DataFrame:
    """Join one table of every run, such as ``roc.csv``: its columns after model, mode and seed.

    Raises
    ------
    UserError
        A run has no such file.
    """
    parts = []
    for key, place, maker in _places(folder, keys, "evaluate"):
        table = pd.read_csv(_existing(place / name, maker), dtype={"id": str})
        for at, (column, value) in enumerate(zip(("model", "mode", "seed"), key, strict=True)):
            table.insert(at, column, value)
        parts.append(table)
    filled = [part for part in parts if len(part)] or parts[:1]
    return pd.concat(filled, ignore_index=True)


def rows_of(table: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Keep the rows of a protocol's mask, truth and threshold, as far as the table tells them apart, without these."""
    words = [column for column in ("mask", "truth", "threshold") if column in table]
    for column in words:
        table = table[table[column] == getattr(protocol, column)]
    return table.drop(columns=words)


def read_made(folder: Path, keys: Keys) -> dict[Key, dict[str, Any]]:
    """Read how the maps of each run were made, from ``data/predictions/<dataset>``: content of prediction.json."""
    made = {}
    for key, place, maker in _places(folder, keys, "predict"):
        made[key] = json.loads(_existing(place / "prediction.json", maker).read_text())
    return made


def read_training(folder: Path, keys: Keys) -> pd.DataFrame:
    """Join the training logs that lie beside the maps in ``data/predictions/<dataset>``, one a model and seed.

    Returns
    -------
    pandas.DataFrame
        Columns model, seed, step, loss (the sum over a network's outputs, which is what is trained),
        last_output (the loss of the one used for prediction, comparable between networks), learning_rate. A model that
        was not trained has no rows.

    Raises
    ------
    UserError
        A run has no log.
    """
    parts = {}
    for (model, _, seed), place, maker in _places(folder, keys, "predict"):
        log = pd.read_csv(_existing(place / "training.csv", maker))
        outputs = [column for column in log if column.startswith("loss_")]
        parts[model, seed] = log.assign(model=model, seed=seed, last_output=log[outputs[-1]])
    filled = [part for part in parts.values() if len(part)] or list(parts.values())[:1]
    return pd.concat(filled, ignore_index=True)[["model", "seed", "step", "loss", "last_output", "learning_rate"]]


def _places(folder: Path, keys: Keys, word: str) -> Iterator[tuple[Key, Path, str]]:
    """Give each run with its folder, and the stage that fills it."""
    for (model, mode, seed), group in keys.items():
        maker = f"{group}{word}@{folder.name}-{model}-{seed}-{mode}"
        yield (model, mode, seed), folder / model / str(seed) / mode, maker


def _existing(path: Path, stage: str) -> Path:
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro {stage}' first")
    return path
