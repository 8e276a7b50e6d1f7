"""Stage ``train``: a network's weights from the training images of a data set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from vesselbench.config import PARAMS, UserError, build, chosen_layers, overlay, read_params
from vesselbench.data.manifest import dataset_names
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split
from vesselbench.data.stack import stack_samples
from vesselbench.device import first_process
from vesselbench.files import whole_folder
from vesselbench.imports import import_closure
from vesselbench.models.build import NetworkEntry, build_network, save_network
from vesselbench.stages.entry import start
from vesselbench.training.checkpoint import Checkpoint, checkpoint_folder, fingerprint
from vesselbench.training.determinism import seed_everything
from vesselbench.training.loop import train
from vesselbench.training.recipe import Recipe

BUDGETS = ("full", "reduced", "brief")


def main(dataset: str, model: str, seed: str) -> None:
    recipe = read_recipe(dataset, model)
    if not seed.isdecimal():
        raise UserError(f"{PARAMS}: run.seeds: {seed!r} is no whole number from 0; correct it")
    path = Path("data/networks", f"{model}.json")
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro network@{model}' first")
    network = json.loads(path.read_text())
    entry = NetworkEntry.from_json(path)
    entry = replace(entry, preprocess=recipe.preprocess or entry.preprocess)
    samples = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))["train"]
    about = {"recipe": asdict(recipe), "seed": int(seed), "training_ids": [sample.id for sample in samples]}
    folder = Path("data/models", dataset, model, seed)
    if not network["parameters"]:
        with whole_folder(folder) as place:
            save_network(place, build_network(entry), entry, **about | {"recipe": None})
            pd.DataFrame(columns=["step", "loss", "loss_1", "learning_rate"]).to_csv(place / "log.csv", index=False)
        print(f"{model} has nothing to learn", flush=True)
        return

    images, labels = stack_samples(samples, entry.preprocess)
    fabric = recipe.hardware.launch()
    fabric.print(
        f"training {model} on {len(samples) - recipe.validation} images of {dataset}: {recipe.steps} steps of "
        f"{recipe.batch} patches",
        flush=True,
    )
    identity = fingerprint(
        recipe=asdict(recipe),
        network=network,
        seed=seed,
        data=hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest(),
        code=[hashlib.sha256(path.read_bytes()).hexdigest() for path in import_closure("vesselbench.stages.train")],
    )
    checkpoint = Checkpoint(checkpoint_folder(dataset, model, seed), identity)
    with first_process(fabric, checkpoint.lock()):
        generator = seed_everything(int(seed))
        ids = about["training_ids"]
        trained, log = train(lambda: build_network(entry), images, labels, ids, recipe, generator, checkpoint, fabric)
        if fabric.is_global_zero:
            with whole_folder(folder) as place:
                save_network(place, trained, entry, **about)
                log.to_csv(place / "log.csv", index=False)
            checkpoint.remove()


def read_recipe(dataset: str, model: str) -> Recipe:
    """Lay the common recipe's parameters over one another, then the entry's own."""
    (budget,) = read_params("run.budget")
    if budget not in BUDGETS:
        raise UserError(f"{PARAMS}: run.budget is {budget!r}; choose one of {', '.join(BUDGETS)}")
    common, of_dataset, of_budget = read_params("train.default", f"train.{dataset}", f"train.{budget}")
    of_dataset = dict(of_dataset or {})
    of_both = {name: of_dataset.pop(name, None) for name in BUDGETS}[budget]
    (own,) = read_params(f"models.{model}.train")
    known = ("default", *dataset_names(), *BUDGETS)
    own_layers = chosen_layers(own, ("default", dataset, budget), known, f"models.{model}.train")
    return build(Recipe, overlay(common, of_dataset, of_budget, of_both, *own_layers), f"train.{dataset}")


if __name__ == "__main__":
    start(main)
