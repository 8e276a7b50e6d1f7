"""Stage ``table``: ours beside the paper's claims for one data set, with curves and figures."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from vesselbench.config import PARAMS, UserError, read_params
from vesselbench.data.images import read_image
from vesselbench.data.levels import read_levels
from vesselbench.files import whole_file
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.collect import (
    Key,
    Results,
    keys_of,
    read_curves,
    read_made,
    read_observer,
    read_results,
    read_training,
    rows_of,
)
from vesselbench.reports.figures import connectivity_figure, pr_figure, roc_figure, training_figure
from vesselbench.reports.gallery import Example, gallery_figure, pick
from vesselbench.reports.notes import budget_notes, prediction_notes
from vesselbench.reports.points import calibration_figure, images_figure
from vesselbench.reports.style import save
from vesselbench.reports.tables import write_tables
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images


def main(dataset: str) -> None:
    models, more, seeds, modes = read_params("run.models", "run.more", "run.seeds", "run.modes")
    if not (models and seeds and modes):
        raise UserError(f"{PARAMS}: run.models, run.seeds and run.modes must each name at least one")
    keys = keys_of(models, seeds, modes)
    if dataset in more["datasets"]:
        keys |= keys_of(more["models"], seeds, modes, "more_")
    scores, predictions = Path("data/scores", dataset), Path("data/predictions", dataset)
    made = read_made(predictions, keys)
    # A method that looks at whole images only has one row, not the same one for each mode.
    made = {key: how for key, how in made.items() if how["mode"] == how["asked"]}
    keys = {key: keys[key] for key in made}
    results, observer = read_results(scores, keys), read_observer(scores)
    tables = {
        name: rows_of(read_curves(f"{name}.csv", scores, keys), HEADLINE["fov"])
        for name in ("roc", "pr", "connectivity", "calibration", "images", "sensitivity")
    }
    tables["training"] = read_training(predictions, keys)
    notes = (budget_notes(dataset, made), prediction_notes(made))
    write_tables(Path("metrics/tables"), dataset, results, observer, tables.pop("sensitivity"), *notes)

    figures: dict[str, Figure] = {
        "roc": roc_figure(dataset, tables["roc"], results, observer),
        "pr": pr_figure(dataset, tables["pr"], results, observer),
        "connectivity": connectivity_figure(dataset, tables["connectivity"], results),
        "calibration": calibration_figure(dataset, tables["calibration"], results),
        "images": images_figure(dataset, tables["images"]),
        "training": training_figure(dataset, tables["training"]),
    }
    for name, figure in figures.items():
        with whole_file(Path("plots", name, f"{dataset}.csv")) as path:
            tables[name].to_csv(path, index=False, float_format="%.6f")
        save(figure, Path("plots", name, f"{dataset}.png"))
    examples = gallery_examples(dataset, results, made)
    save(gallery_figure(dataset, examples), Path("plots/gallery", f"{dataset}.png"))
    print(f"{dataset}: metrics/tables/{dataset}.md, plots/*/{dataset}.png")


def gallery_examples(dataset: str, results: Results, made: Mapping[Key, Any]) -> list[Example]:
    """Read what the gallery shows: the test images that its rule picks, and each model's map in its first mode."""
    first: dict[str, Key] = {}
    for key in made:
        first.setdefault(key[0], key)
    runs = {model: results[model][mode][seed] for model, mode, seed in first.values()}
    titles = pick({model: rows_of(run.images, HEADLINE["fov"]) for model, run in runs.items()})
    examples = {}
    for sample, truth, fov in scored_images(dataset, "test"):
        if sample.id in titles:
            found = {}
            for model, mode, seed in first.values():
                folder = Path("data/predictions", dataset, model, str(seed), mode, "test")
                levels = read_levels(folder / f"{sample.id}.png")
                found[model] = levels >= runs[model].scores["thresholds"]["fixed"]["level"]
            title = titles[sample.id]
            examples[sample.id] = Example(title, read_image(sample.image), truth.astype(bool), fov, found)
    return [examples[name] for name in titles]


if __name__ == "__main__":
    start(main)
