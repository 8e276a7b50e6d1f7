"""Stage ``predict``: probability maps of the test images, and of the training images, to choose a threshold on."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import torch

from vesselbench.config import build, chosen_layers, overlay, read_params
from vesselbench.data.images import read_image
from vesselbench.data.levels import write_levels
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split
from vesselbench.device import first_process
from vesselbench.files import whole_folder
from vesselbench.models.build import load_network
from vesselbench.prediction.batch import find_batch
from vesselbench.prediction.infer import MODES, Prediction, patched, whole
from vesselbench.progress import progress
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str, mode: str, root: str) -> None:
    how = read_prediction(dataset, model, mode)
    split = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))
    samples = [(subset, sample) for subset in ("test", "train") for sample in split[subset]]
    weights = Path("data/models", dataset, model, seed)
    network, entry = load_network(weights)
    asked = how.mode
    if getattr(network, "whole_images", False):
        how = replace(how, mode="whole")
    multiple = network.multiple
    fabric = how.hardware.launch()
    network = fabric.setup_module(how.hardware.arrange(network)).eval()
    share = samples[fabric.global_rank :: fabric.world_size]
    title = f"predict {dataset} {model} {mode}"
    batch = how.batch

    run = Path(dataset, model, seed, mode)
    with (
        first_process(fabric, whole_folder(Path(root, "training_maps", run))) as training,
        first_process(fabric, whole_folder(Path(root, "predictions", run))) as folder,
    ):
        places = {"test": folder / "test", "train": training}
        if fabric.is_global_zero:  # what a table says of the maps travels with them
            about = asdict(how) | {"asked": asked, "recipe": json.loads((weights / "model.json").read_text())["recipe"]}
            (folder / "prediction.json").write_text(json.dumps(about, indent=2) + "\n")
            shutil.copyfile(weights / "log.csv", folder / "training.csv")
        for subset, sample in progress(share, desc=title, unit=" image", disable=not fabric.is_global_zero):
            pixels = preprocess(entry.preprocess, read_image(sample.image))
            image = torch.from_numpy(pixels).to(fabric.device).permute(2, 0, 1).float() / 255
            if how.mode == "whole":
                probability = whole(network, image, multiple, how.output)
            else:
                batch = batch or find_batch(network, image.new_zeros(len(image), how.patch, how.patch))
                probability = patched(network, image, how.patch, how.stride_of(subset), batch, how.output)
            path = places[subset] / f"{sample.id}.png"
            path.parent.mkdir(exist_ok=True)
            write_levels(path, probability.cpu().numpy(), how.bits)


def read_prediction(dataset: str, model: str, mode: str) -> Prediction:
    """Lay the parameters of a mode over one another: the common ones, the budget's, the entry's own, the data set's."""
    (budget,) = read_params("run.budget")
    common = read_params("predict.default", f"predict.{mode}", f"predict.{budget}.{mode}")
    (own,) = read_params(f"models.{model}.predict")
    (for_dataset,) = read_params(f"predict.{dataset}.{mode}")
    own_layers = chosen_layers(own, (overlay(*common).get("mode"),), MODES, f"models.{model}.predict")
    return build(Prediction, overlay(*common, *own_layers, for_dataset), f"predict.{mode}")


if __name__ == "__main__":
    start(main)
