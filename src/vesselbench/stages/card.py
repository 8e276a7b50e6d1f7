"""Stage ``card``: the model card of one trained network, from its own files, its scores and its data sheet."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pandas as pd

from vesselbench.config import UserError
from vesselbench.data.manifest import find_source
from vesselbench.files import whole_file
from vesselbench.reports.cards import Trained, card
from vesselbench.reports.collect import read_run
from vesselbench.reports.docstrings import data_sheet, method_of
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str, mode: str) -> None:
    stage = f"card@{dataset}-{model}-{seed}-{mode}"
    weights, split = Path("data/weights", dataset, model, seed), Path("data/splits", f"{dataset}.csv")
    about = json.loads(content(weights / "model.json", stage))
    if not about["recipe"]:
        raise UserError(f"{weights}: {model} learned nothing, so there are no weights to tell of; leave it out")
    network = json.loads(content(Path("data/networks", f"{model}.json"), stage))
    made = json.loads(content(Path("data/predictions", dataset, model, seed, mode, "prediction.json"), stage))
    scored = Path("data/scores", dataset, model, seed, mode)
    run = read_run(scored, stage)
    subsets = pd.read_csv(StringIO(content(split, stage)), dtype=str).groupby("subset")["id"].apply(sorted)
    for path, ids, subset in ((weights, about["training_ids"], "train"), (scored, run.scores["images"], "test")):
        if ids != subsets[subset]:
            raise UserError(
                f"{path}: made with other {subset} images than {split} lists; run 'dvc repro {stage}' to make it anew"
            )
    described = method_of(about["network"]), data_sheet(dataset), find_source(dataset).page
    trained = Trained(dataset, model, int(seed), mode, about, network, made, run, *described)
    path = Path("docs/models", f"{trained.name}.md")
    with whole_file(path) as part:
        part.write_text(card(trained))
    print(path)


def content(path: Path, stage: str) -> str:
    """Read a file; UserError naming the stage that makes it, by way of others, where it is absent."""
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro {stage}' first")
    return path.read_text()


if __name__ == "__main__":
    start(main)
