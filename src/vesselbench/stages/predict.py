"""Stage ``predict``: probability maps of the test images, and of the training images, to choose a threshold on."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import torch

from vesselbench.config import build, overlay, read_params
from vesselbench.data.images import read_image, write_levels
from vesselbench.data.preprocess import preprocess
from vesselbench.data.sample import read_samples
from vesselbench.data.splits import read_split
from vesselbench.device import first_process
from vesselbench.files import whole_folder
from vesselbench.models.build import load_network
from vesselbench.prediction.batch import find_batch
from vesselbench.prediction.infer import Prediction, patched, whole
from vesselbench.progress import progress
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str, mode: str) -> None:
    layers = read_params("predict.default", f"predict.{mode}", f"predict.{dataset}.{mode}")
    how = build(Prediction, overlay(*layers), f"predict.{mode}")
    split = read_split(Path("data/splits", f"{dataset}.csv"), read_samples(Path("data/raw", dataset)))
    samples = [(subset, sample) for subset in ("test", "train") for sample in split[subset]]
    network, entry = load_network(Path("data/models", dataset, model, seed))
    multiple = network.multiple
    fabric = how.hardware.launch()
    network = fabric.setup_module(how.hardware.arrange(network)).eval()
    share = samples[fabric.global_rank :: fabric.world_size]
    title = f"predict {dataset} {model} {mode}"
    batch = how.batch

    with first_process(fabric, whole_folder(Path("data/predictions", dataset, model, seed, mode))) as folder:
        if fabric.is_global_zero:
            (folder / "prediction.json").write_text(json.dumps(asdict(how), indent=2) + "\n")
        for subset, sample in progress(share, desc=title, unit=" image", disable=not fabric.is_global_zero):
            pixels = preprocess(entry.preprocess, read_image(sample.image))
            image = torch.from_numpy(pixels).to(fabric.device).permute(2, 0, 1).float() / 255
            every_output = how.every_output and subset == "test"
            if how.mode == "whole":
                maps = whole(network, image, multiple, every_output)
            else:
                batch = batch or find_batch(network, image.new_zeros(len(image), how.patch, how.patch))
                maps = patched(network, image, how.patch, how.stride_of(subset), batch, every_output)
            write_map(folder / subset / f"{sample.id}.png", maps[-1])
            for output, earlier in enumerate(maps[:-1], start=1):
                write_map(folder / f"test_output_{output}" / f"{sample.id}.png", earlier)


def write_map(path: Path, probability: torch.Tensor) -> None:
    path.parent.mkdir(exist_ok=True)
    write_levels(path, probability.cpu().numpy())


if __name__ == "__main__":
    start(main)
