"""Stage ``table``: ours beside the paper's claims for one data set, with curves and figures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from matplotlib.figure import Figure

from vesselbench.config import PARAMS, UserError, read_params
from vesselbench.data.images import read_image, read_levels
from vesselbench.files import whole_file
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.collect import Results, read_curves, read_observer, read_results, read_training, rows_of
from vesselbench.reports.figures import connectivity_figure, pr_figure, roc_figure, training_figure
from vesselbench.reports.gallery import Example, gallery_figure, pick
from vesselbench.reports.notes import budget_note, prediction_note
from vesselbench.reports.points import calibration_figure, images_figure
from vesselbench.reports.style import save
from vesselbench.reports.tables import write_tables
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images


def main(dataset: str) -> None:
    models, seeds, modes = read_params("run.models", "run.seeds", "run.modes")
    if not (models and seeds and modes):
        raise UserError(f"{PARAMS}: run.models, run.seeds and run.modes must each name at least one")
    scores = Path("data/scores", dataset)
    results, observer = read_results(scores, models, seeds, modes), read_observer(scores)
    tables = {
        name: rows_of(read_curves(f"{name}.csv", scores, models, seeds, modes), HEADLINE["fov"])
        for name in ("roc", "pr", "connectivity", "calibration", "images", "sensitivity")
    }
    tables["training"] = read_training(Path("data/models", dataset), models, seeds)
    budget, predicted = how_it_was_made(dataset, models, seeds, modes)
    write_tables(Path("metrics/tables"), dataset, results, observer, tables.pop("sensitivity"), budget, predicted)

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
    examples = gallery_examples(dataset, results, modes[0], seeds[0])
    save(gallery_figure(dataset, examples), Path("plots/gallery", f"{dataset}.png"))
    print(f"{dataset}: metrics/tables/{dataset}.md, plots/*/{dataset}.png")


def how_it_was_made(
    dataset: str, models: Sequence[str], seeds: Sequence[int], modes: Sequence[str]
) -> tuple[list[str], list[str]]:
    """Say how the networks were trained and how the maps were predicted, once where it is the same for all."""
    trained, predicted = [], []
    for model in models:
        recipe = json.loads(Path("data/models", dataset, model, str(seeds[0]), "model.json").read_text())["recipe"]
        trained.append(budget_note(dataset, recipe["steps"], recipe["batch"], recipe["patch"]))
        for mode in modes:
            path = Path("data/predictions", dataset, model, str(seeds[0]), mode, "prediction.json")
            predicted.append(prediction_note(mode, **json.loads(path.read_text())))
    return list(dict.fromkeys(trained)), list(dict.fromkeys(predicted))


def gallery_examples(dataset: str, results: Results, mode: str, seed: int) -> list[Example]:
    """Read what the gallery shows: the test images that its rule picks, and every model's map of them."""
    runs = {model: modes[mode][seed] for model, modes in results.items()}
    titles = pick({model: rows_of(run.images, HEADLINE["fov"]) for model, run in runs.items()})
    examples = {}
    for sample, truth, fov in scored_images(dataset, "test"):
        if sample.id in titles:
            folders = {model: Path("data/predictions", dataset, model, str(seed), mode, "test") for model in runs}
            found = {
                model: read_levels(folder / f"{sample.id}.png") >= runs[model].scores["thresholds"]["fixed"]["level"]
                for model, folder in folders.items()
            }
            title = titles[sample.id]
            examples[sample.id] = Example(title, read_image(sample.image), truth.astype(bool), fov, found)
    return [examples[name] for name in titles]


if __name__ == "__main__":
    start(main)
