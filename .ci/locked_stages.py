"""Print stages that dvc.lock holds: ``trained``, the runs on real data, or the ``rest``, which anyone can make."""

import sys
from pathlib import Path

from ruamel.yaml import YAML

stages = YAML(typ="safe").load(Path("dvc.lock"))["stages"]
trained = [
    name
    for name in stages
    if name.split("@")[0].split("_")[-1] in ("train", "predict", "threshold", "weights") and "phantom" not in name
]
chosen = {"trained": trained, "rest": [name for name in stages if name not in trained]}
print(*chosen[sys.argv[1]], sep="\n")
