"""Stage ``predict``: maps of the test images in every mode of a recipe, with a threshold chosen on training images."""

import hashlib
import json
import shutil
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from vesselbench.config import PARAMS, UserError, parse, read_params
from vesselbench.data.fit import fit_image, unfit_maps
from vesselbench.data.fov import diameter
from vesselbench.data.images import read_image, read_mask
from vesselbench.data.labelled import labelled_images, split_of
from vesselbench.data.maps import scored_levels, to_levels, write_map, write_thresholds
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import Sample
from vesselbench.data.task import find_task, scored_truths
from vesselbench.device import prepare_network, start_fabric
from vesselbench.files import checkpoint_folder, progress, whole_file, whole_folder
from vesselbench.imports import digest, import_closure
from vesselbench.models.build import load_network
from vesselbench.prediction.predict import Mode, predict_image
from vesselbench.prediction.threshold import ThresholdChooser
from vesselbench.stages.entry import start


def main(run: str, data: str, split: str, recipe_name: str, weights: str) -> None:
    (modes,) = read_params(f"predict.{recipe_name}")
    if not (isinstance(modes, dict) and modes):
        raise UserError(f"{PARAMS}: predict.{recipe_name} is {modes!r}; it must name at least one mode; add one")
    modes = {name: parse(Mode, own, f"predict.{recipe_name}.{name}") for name, own in modes.items()}
    network, about = load_network(Path(weights))
    if getattr(network, "whole_images", False) and any(mode.how != "whole" for mode in modes.values()):
        raise UserError(
            f"{PARAMS}: predict.{recipe_name} has a patched mode, but {about['model']} looks at whole images only; "
            "give it a recipe of its own"
        )
    recipe, task = about["recipe"], find_task(about["task"])
    fit, multiple, foreign = recipe["fit"], network.multiple, Path(weights).parent.name != data
    fabric = start_fabric(recipe["precision"], recipe["threads"])
    network = fabric.setup_module(prepare_network(network, recipe["compile"])).eval()

    kept = checkpoint_folder(run) / "maps"  # where a run that is stopped goes on
    trained = [Path(weights, name) for name in ("model.json", "weights.safetensors")]
    code = digest([*import_closure("vesselbench.stages.predict"), *trained])

    def predict(sample: Sample, fov: np.ndarray, mode: Mode, subset: str) -> dict[str, np.ndarray]:
        """Predict a photograph, or read what was predicted before a stop: channel -> levels, uint16 (H, W)."""
        inputs = (sample.image.read_bytes(), fov.tobytes(), f"{code} {mode} {subset}".encode())
        path = kept / f"{hashlib.sha256(b''.join(inputs)).hexdigest()[:16]}.npz"
        if path.exists():
            return dict(np.load(path))
        photograph, wide = read_image(sample.image), "none"
        if foreign:  # shown with its eye as wide as those learned from
            wide = ("resize", *(round(side * about["diameter"] / diameter(fov)) for side in fov.shape))
        shown, seen = fit_image(wide, photograph, fov), fit_image(wide, fov.astype(np.uint8), fov, is_label=True) > 0
        image = torch.from_numpy(fit_image(fit, preprocess(recipe["input"], shown), seen)).to(fabric.device)
        maps = predict_image(network, image.permute(2, 0, 1), mode, multiple, subset, fit, seen)
        maps = unfit_maps(wide, maps, fov).cpu().numpy()
        levels = {channel: to_levels(map_) for channel, map_ in zip(task.channels, maps, strict=True)}
        with whole_file(path) as part:
            np.savez(part, **levels)
        return levels

    training, test = [*labelled_images(data, split, "train", task)], split_of(data, split)["test"]
    with whole_folder(Path("data/maps", data, run)) as folder:
        for name, mode in modes.items():
            choosers = defaultdict(ThresholdChooser)
            title = f"{run} {name}"
            for sample, classes, fov in progress(training, desc=f"{title}, threshold", unit=" image"):
                found = scored_levels(task, predict(sample, fov, mode, "train"))
                for scored, (truth, counts) in scored_truths(task, classes).items():
                    choosers[scored].add(sample.id, truth, found[scored], fov & counts)
            for channel in task.channels:
                (folder / name / channel).mkdir(parents=True)
            for sample in progress(test, desc=f"{title}, test", unit=" image"):
                fov = read_mask(Path("data/fov", data, f"{sample.id}.png"))
                for channel, levels in predict(sample, fov, mode, "test").items():
                    write_map(folder / name / channel / f"{sample.id}.png", levels)
            try:
                chosen = {scored: chooser.choose() for scored, chooser in choosers.items()}
            except ValueError as error:
                raise UserError(f"{run}, mode {name}: {error}; look at the labels") from error
            write_thresholds(folder / name / "threshold.json", chosen)
        # What the tables say of a run travels with its maps, and then with its scores.
        about = {
            "label": run.removeprefix(f"{data}-").rsplit("-", 1)[0],
            "seed": about["seed"],
            "model": about["model"],
            "recipe": recipe_name,
            "split": split,
            "about": about,
            "modes": {name: mode.model_dump(mode="json") for name, mode in modes.items()},
        }
        (folder / "run.json").write_text(json.dumps(about, indent=2) + "\n")
        shutil.copyfile(Path(weights, "log.csv"), folder / "training.csv")
    shutil.rmtree(kept, ignore_errors=True)


if __name__ == "__main__":
    start(main)
