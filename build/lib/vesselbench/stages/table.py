"""Stage ``table``: the paper's table of one data set with ours beside it, the curves and the figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.config import PARAMS, UserError, build, read_params
from vesselbench.data.images import read_image, read_label, read_levels, read_mask
from vesselbench.data.sample import Sample, read_samples
from vesselbench.data.splits import read_split
from vesselbench.files import whole_file
from vesselbench.metrics.record import Evaluation, score_image
from vesselbench.metrics.scores import summarise
from vesselbench.reports.collect import read_image_scores, read_results, read_roc, read_training
from vesselbench.reports.figures import roc_figure, training_figure
from vesselbench.reports.gallery import Example, gallery_figure, pick
from vesselbench.reports.notes import budget_note, prediction_note
from vesselbench.reports.style import save
from vesselbench.reports.tables import write_tables
from vesselbench.stages.entry import start


def main(dataset: str) -> None:
    models, seeds, modes, mapping = read_params("run.models", "run.seeds", "run.modes", "evaluate")
    if not (models and seeds and modes):
        raise UserError(f"{PARAMS}: run.models, run.seeds and run.modes must each name at least one")
    evaluation = build(Evaluation, mapping, "evaluate")
    tests = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))["test"]
    scores, trained = Path("data/scores", dataset), Path("data/models", dataset)
    results = read_results(scores, models, seeds, modes)
    observer = second_observer(dataset, tests, evaluation)
    notes = how_it_was_made(dataset, models, seeds, modes)
    write_tables(Path("metrics/tables"), dataset, results, observer, notes)

    curves, log = read_roc(scores, models, seeds, modes), read_training(trained, models, seeds)
    for name, table, figure in (
        ("roc", curves, roc_figure(dataset, curves, results, observer)),
        ("training", log, training_figure(dataset, log)),
    ):
        with whole_file(Path("plots", name, f"{dataset}.csv")) as path:
            table.to_csv(path, index=False, float_format="%.6f")
        save(figure, Path("plots", name, f"{dataset}.png"))
    tables = read_image_scores(scores, models, seeds[0], modes[0])
    examples = gallery_examples(dataset, tests, tables, seeds[0], modes[0], evaluation)
    save(gallery_figure(dataset, examples), Path("plots/gallery", f"{dataset}.png"))
    print(f"{dataset}: metrics/tables/{dataset}.md, plots/*/{dataset}.png")


def second_observer(dataset: str, tests: Sequence[Sample], evaluation: Evaluation) -> dict[str, Any] | None:
    """Score the second observer's labels as if they were a model's maps; None unless all test images have them."""
    if not all(sample.second_observer for sample in tests):
        return None
    records = []
    for sample in tests:
        truth = read_label(sample.truth)
        levels = read_label(sample.second_observer, truth.shape).astype(np.uint16) * 65535
        fov = read_mask(Path("data/fov", dataset, f"{sample.id}.png"), truth.shape)
        records.append(score_image(sample.id, truth, levels, fov, evaluation.connectivity_tolerance))
    return summarise(records, evaluation)


def how_it_was_made(dataset: str, models: Sequence[str], seeds: Sequence[int], modes: Sequence[str]) -> list[str]:
    """Say how the networks were trained and the maps predicted, once where it is the same for all."""
    notes = []
    for model in models:
        recipe = json.loads(Path("data/models", dataset, model, str(seeds[0]), "model.json").read_text())["recipe"]
        notes.append(budget_note(dataset, recipe["steps"], recipe["batch"], recipe["patch"]))
        for mode in modes:
            path = Path("data/predictions", dataset, model, str(seeds[0]), mode, "prediction.json")
            notes.append(prediction_note(mode, **json.loads(path.read_text())))
    return list(dict.fromkeys(notes))


def gallery_examples(
    dataset: str, tests: Sequence[Sample], tables: dict[str, pd.DataFrame], seed: int, mode: str, evaluation: Evaluation
) -> list[Example]:
    """Read what the gallery shows: the test images that its rule picks, and every model's map of them."""
    samples = {sample.id: sample for sample in tests}
    examples = []
    for name, title in pick(tables).items():
        maps = {
            model: read_levels(Path("data/predictions", dataset, model, str(seed), mode, "test", f"{name}.png"))
            for model in tables
        }
        found = {model: levels >= evaluation.level for model, levels in maps.items()}
        fov = read_mask(Path("data/fov", dataset, f"{name}.png"))
        truth = read_label(samples[name].truth).astype(bool)
        examples.append(Example(title, read_image(samples[name].image), truth, fov, found))
    return examples


if __name__ == "__main__":
    start(main)
