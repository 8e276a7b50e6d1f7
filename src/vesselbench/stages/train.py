"""Stage ``train``: a network's weights from the training images of a data set."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from vesselbench.config import PARAMS, UserError, build, overlay, read_params
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


def main(dataset: str, model: str, seed: str) -> None:
    (budget,) = read_params("run.budget")
    layers = read_params("train.default", f"train.{dataset}", f"train.{budget}")
    recipe = build(Recipe, overlay(*layers), f"train.{dataset}")
    if not seed.isdecimal():
        raise UserError(f"{PARAMS}: run.seeds: {seed!r} is no whole number from 0; correct it")
    path = Path("data/networks", f"{model}.json")
    if not path.exists():
        raise UserError(f"{path}: no such file; run 'dvc repro network@{model}' first")
    entry = NetworkEntry.from_json(path)
    entry = replace(entry, preprocess=recipe.preprocess or entry.preprocess)
    samples = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))["train"]
    images, labels = stack_samples(samples, entry.preprocess)
    fabric = recipe.hardware.launch()
    fabric.print(
        f"training {model} on {len(samples)} images of {dataset}: {recipe.steps} steps of {recipe.batch} patches",
        flush=True,
    )

    identity = fingerprint(
        recipe=asdict(recipe),
        network=json.loads(path.read_text()),
        seed=seed,
        data=hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest(),
        code=[hashlib.sha256(path.read_bytes()).hexdigest() for path in import_closure("vesselbench.stages.train")],
    )
    checkpoint = Checkpoint(checkpoint_folder(dataset, model, seed), identity)
    with first_process(fabric, checkpoint.lock()):
        generator = seed_everything(int(seed))
        ids = [sample.id for sample in samples]
        trained, log = train(lambda: build_network(entry), images, labels, ids, recipe, generator, checkpoint, fabric)
        if fabric.is_global_zero:
            with whole_folder(Path("data/models", dataset, model, seed)) as folder:
                save_network(folder, trained, entry, recipe=asdict(recipe), seed=int(seed), training_ids=ids)
                log.to_csv(folder / "log.csv", index=False)
            checkpoint.remove()


if __name__ == "__main__":
    start(main)
