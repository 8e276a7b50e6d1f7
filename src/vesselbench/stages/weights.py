"""Stage ``weights``: a trained network at half its size, to be passed on."""

from __future__ import annotations

import json
from pathlib import Path

from vesselbench.files import whole_folder
from vesselbench.models.build import load_network, save_network
from vesselbench.stages.entry import start


def main(dataset: str, model: str, seed: str) -> None:
    trained = Path("data/models", dataset, model, seed)
    network, entry = load_network(trained)
    about = json.loads((trained / "model.json").read_text())
    for parameter in network.parameters():
        half = parameter.data.half()
        if parameter.dim() > 1 and half.isfinite().all():  # kernels; biases are few, and some beyond its range
            parameter.data = half
    with whole_folder(Path("data/weights", dataset, model, seed)) as folder:
        save_network(folder, network, entry, **{name: about[name] for name in ("recipe", "seed", "training_ids")})


if __name__ == "__main__":
    start(main)
