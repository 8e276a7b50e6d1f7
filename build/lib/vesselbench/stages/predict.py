"""Stage ``predict``: probability maps of the test images."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch
from lightning_fabric import Fabric

from vesselbench.config import build, overlay, read_params
from vesselbench.data.images import read_image, write_levels
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split
from vesselbench.device import choose_accelerator
from vesselbench.files import whole_folder
from vesselbench.models.build import load_network
from vesselbench.prediction.infer import Prediction, patched, whole
from vesselbench.progress import progress
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str, mode: str) -> None:
    layers = read_params("predict.default", f"predict.{mode}", f"predict.{dataset}.{mode}")
    how = build(Prediction, overlay(*layers), f"predict.{mode}")
    samples = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))["test"]
    network, entry = load_network(Path("data/models", dataset, model, seed))
    multiple = network.multiple
    fabric = Fabric(accelerator=choose_accelerator(how.accelerator), devices=1, precision=how.precision)
    network = fabric.setup_module(network.to(memory_format=torch.channels_last)).eval()

    with whole_folder(Path("data/predictions", dataset, model, seed, mode)) as folder:
        (folder / "test").mkdir()
        (folder / "prediction.json").write_text(json.dumps(asdict(how), indent=2) + "\n")
        for sample in progress(samples, desc=f"predict {dataset} {model} {mode}", unit=" image"):
            pixels = preprocess(entry.preprocess, read_image(sample.image))
            image = torch.from_numpy(pixels).to(fabric.device).permute(2, 0, 1).float() / 255
            if how.mode == "whole":
                probability = whole(network, image, multiple)
            else:
                probability = patched(network, image, how.patch, how.stride, how.batch)
            write_levels(folder / "test" / f"{sample.id}.png", probability.cpu().numpy())


if __name__ == "__main__":
    start(main)
