"""Stage ``network``: write down what a network is, so that only a change of its own code or arguments retrains it."""

import json
from pathlib import Path

from vesselbench.config import read_params
from vesselbench.files import whole_file
from vesselbench.imports import digest, import_closure
from vesselbench.models.build import build_network, count_parameters, split_entry
from vesselbench.stages.entry import start


def main(model: str) -> None:
    (entry,) = read_params(f"models.{model}")
    network, arguments = split_entry(entry, f"models.{model}")
    count = count_parameters(build_network(network, arguments))
    code = {path.name: digest([path]) for path in import_closure(f"vesselbench.models.{network}")}
    about = {"network": network, "arguments": arguments, "parameters": count, "code": code}
    with whole_file(Path("data/networks", f"{model}.json")) as path:
        path.write_text(json.dumps(about, indent=2) + "\n")
    print(f"{model}: {count:,} trainable parameters on colour images")


if __name__ == "__main__":
    start(main)
