"""Stage ``ablations``: IterNet with parts taken away or changed, its outputs and strides, beside the paper's claims."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vesselbench.config import PARAMS, UserError, read_params
from vesselbench.data.images import read_image
from vesselbench.data.levels import read_levels
from vesselbench.files import whole_file
from vesselbench.reports.ablation_figures import (
    OutputMaps,
    median_image,
    output_title,
    outputs_figure,
    strides_figure,
)
from vesselbench.reports.ablation_tables import write_ablations
from vesselbench.reports.ablations import Study, stride_points
from vesselbench.reports.collect import ALIKE, keys_of, read_made, read_results, read_training
from vesselbench.reports.layout import short
from vesselbench.reports.style import save
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images

ROOT = Path("data/ablations")
BENCH = Path("metrics/bench/cpu.json")


def main(dataset: str) -> None:
    ablations, variants, seeds, modes = read_params("run.ablations", "run.variants", "run.seeds", "run.modes")
    if not (variants["modes"] and seeds and len(variants["models"]) == 1):
        raise UserError(
            f"{PARAMS}: run.variants.modes and run.seeds must each name at least one, run.variants.models just one, "
            "which the others are held against"
        )
    if not BENCH.exists():
        raise UserError(f"{BENCH}: no such file; run 'make bench'")
    bench = json.loads(BENCH.read_text())
    study = read_study(dataset, ablations["models"], variants, seeds, modes)
    if not study.outputs():
        raise UserError(f"{PARAMS}: run.variants.modes names no earlier output; add one, such as output1")
    write_ablations(Path("metrics/tables"), study, modes, bench)

    points = stride_points(study, bench)
    with whole_file(Path("plots/strides", f"{dataset}.csv")) as path:
        points.to_csv(path, index=False, float_format="%.6f")
    save(strides_figure(dataset, points, bench), Path("plots/strides", f"{dataset}.png"))
    save(outputs_figure(dataset, output_maps(study, seeds[0])), Path("plots/outputs", f"{dataset}.png"))
    print(f"{dataset}: metrics/tables/ablations_{dataset}.md, plots/strides/{dataset}.png, plots/outputs/{dataset}.png")


def read_study(
    dataset: str, models: Sequence[str], variants: Mapping[str, Any], seeds: Sequence[int], modes: Sequence[str]
) -> Study:
    """Read the runs of one data set: the one network predicted in several ways, and those changed in one thing."""
    scores, predictions = ROOT / "scores" / dataset, ROOT / "predictions" / dataset
    results, made, losses = {}, {}, {}
    of_one = keys_of(variants["models"], seeds, variants["modes"], "variant_")
    for keys in (of_one, keys_of(models, seeds, modes, "ablation_")):
        results |= read_results(scores, keys)
        made |= read_made(predictions, keys)
        ends = read_training(predictions, keys).groupby(["model", "seed"])["last_output"].last()
        losses |= ends.groupby("model").mean().to_dict()
    (reference,) = variants["models"]
    every = [run for ways in results.values() for own in ways.values() for run in own.values()]
    if any(run.scores[name] != every[0].scores[name] for run in every for name in ALIKE):
        raise UserError(
            f"{scores}: images, draws or protocol differ between {reference} and the networks held against it; they "
            "must be scored alike; run 'dvc repro ablation_evaluate variant_evaluate'"
        )
    return Study(dataset, reference, results, made, losses, {model: read_network(model) for model in results})


def read_network(model: str) -> dict[str, Any]:
    """Read what stage ``network`` wrote of a model."""
    path = Path("data/networks", f"{model}.json")
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro network@{model}' first")
    return json.loads(path.read_text())


def output_maps(study: Study, seed: int) -> OutputMaps:
    """Read what the figure of outputs shows."""
    name, f1 = median_image(study)
    sample, truth, fov = next(each for each in scored_images(study.dataset, "test") if each[0].id == name)
    folder = ROOT / "predictions" / study.dataset / study.reference / str(seed)
    maps = {
        output_title(study, output): read_levels(folder / mode / "test" / f"{name}.png")
        for output, mode in study.outputs().items()
    }
    return OutputMaps(
        f"image {name} (F1 {short(f1, digits=3)})", read_image(sample.image), truth.astype(bool), fov, maps
    )


if __name__ == "__main__":
    start(main)
