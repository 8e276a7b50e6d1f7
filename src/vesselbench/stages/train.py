"""Stage ``train``: a network's weights from the training images of a split."""

import hashlib
from pathlib import Path
from statistics import median

import pandas as pd

from vesselbench.config import PARAMS, UserError, parse, read_params
from vesselbench.data.fov import diameter
from vesselbench.data.images import read_mask
from vesselbench.data.labelled import split_of
from vesselbench.data.preprocess import channels_of
from vesselbench.data.task import find_task
from vesselbench.device import start_fabric
from vesselbench.files import checkpoint_folder, read_json, whole_folder
from vesselbench.imports import digest, import_closure
from vesselbench.models.build import build_network, count_parameters, save_network
from vesselbench.stages.entry import start
from vesselbench.training.adversarial import Adversarial
from vesselbench.training.checkpoint import Checkpoint
from vesselbench.training.loop import seed_everything, train
from vesselbench.training.method import Supervised
from vesselbench.training.patches import stack_samples
from vesselbench.training.recipe import Recipe

NOTHING_LEARNED = ["step", "loss", "loss_1", "learning_rate"]  # columns of an empty log


def main(run: str, data: str, split: str, model: str, seed: str, recipe_name: str) -> None:
    mapping, task_name = read_params(f"train.{recipe_name}", f"sources.{data}.task")
    recipe = parse(Recipe, mapping, f"train.{recipe_name}")
    task_name = recipe.targets or task_name
    task = find_task(task_name)
    if not seed.isdecimal():
        raise UserError(f"{PARAMS}: runs.{run}.seed is {seed!r}; it must be a whole number from 0; correct it")
    path, fix = Path("data/networks", f"{model}.json"), f"run 'dvc repro network@{model}' first"
    entry = read_json(path, fix, ["network", "arguments"])
    samples = split_of(data, split)["train"]
    ids = [sample.id for sample in samples]
    masks = [read_mask(Path("data/fov", data, f"{name}.png")) for name in ids]

    fabric = start_fabric(recipe.precision, recipe.threads)
    generator = seed_everything(int(seed))
    channels = channels_of(recipe.input)
    network = build_network(entry["network"], entry["arguments"], channels, len(task.channels), recipe.scale)
    about = {
        "run": run,
        "model": model,
        "network": entry["network"],
        "arguments": entry["arguments"],
        "parameters": count_parameters(network),
        "task": task_name,
        "recipe_name": recipe_name,
        "recipe": recipe.model_dump(mode="json", exclude_unset=True),
        "seed": int(seed),
        "split": split,
        "training_ids": ids,
        "diameter": median(map(diameter, masks)),
    }
    if bool(recipe.steps) != bool(about["parameters"]):
        raise UserError(
            f"{PARAMS}: train.{recipe_name}.steps is {recipe.steps}, but {model} has {about['parameters']:,} "
            f"parameters to learn; a recipe of 0 steps is for those that have none; give runs.{run} another recipe"
        )
    folder = Path("data/models", data, run)
    if not recipe.steps:
        with whole_folder(folder) as place:
            save_network(place, network, about)
            pd.DataFrame(columns=NOTHING_LEARNED).to_csv(place / "log.csv", index=False)
        print(f"{run}: nothing to learn", flush=True)
        return

    images, labels = stack_samples(samples, masks, task, recipe.input, recipe.fit)
    count = len(ids) - len(recipe.held_out(ids))
    print(f"{run}: {recipe.steps} steps of {recipe.batch} patches, {count} images of {data}", flush=True)
    checkpoint = Checkpoint(
        checkpoint_folder(run),
        about=about,
        network=entry,
        data=hashlib.sha256(images.numpy().tobytes() + labels.numpy().tobytes()).hexdigest(),
        code=digest(import_closure("vesselbench.stages.train")),
    )
    with checkpoint.lock():
        method = (Adversarial if recipe.adversary else Supervised)(network, recipe, fabric, task)
        on_device = images.to(fabric.device), labels.to(fabric.device)
        log = train(method, *on_device, ids, recipe, generator, checkpoint)
        with whole_folder(folder) as place:
            save_network(place, method.network.module, about)
            log.to_csv(place / "log.csv", index=False)
        checkpoint.remove()


if __name__ == "__main__":
    start(main)
