"""Print the stages that dvc.lock holds, one a line."""

from pathlib import Path

from ruamel.yaml import YAML

print(*YAML(typ="safe").load(Path("dvc.lock"))["stages"], sep="\n")
