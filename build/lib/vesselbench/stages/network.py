"""Stage ``network``: write down what a network is, so that only a change of its own code or arguments retrains it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

from vesselbench.config import read_params
from vesselbench.files import whole_file
from vesselbench.imports import import_closure
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.stages.entry import start


def main(model: str) -> None:
    (mapping,) = read_params(f"models.{model}")
    entry = NetworkEntry.from_params(mapping, f"models.{model}")
    network = build_network(entry)
    count = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    files = import_closure(f"vesselbench.models.{entry.network}")
    code = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
    with whole_file(Path("data/networks", f"{model}.json")) as path:
        path.write_text(json.dumps({**asdict(entry), "parameters": count, "code": code}, indent=2) + "\n")
    print(f"{model}: {count:,} trainable parameters")


if __name__ == "__main__":
    start(main)
