"""Fail if a JSON file of scores differs from its committed version: agreement.py FILE TOLERANCE.

The tolerance holds for scores of pixels. Scores of pieces move further where another processor rounds otherwise, since
one pixel joins or parts two vessels: they have tolerances of their own, for counts a share of the count.
"""

import json
import subprocess
import sys
from pathlib import Path

PIECES = {"connectivity": 0.1, "cldice": 0.05, "betti_0": 0.5, "betti_1": 0.5}


def flatten(node, prefix=""):
    """List the numbers of nested mappings by dotted name; lists are left out, as by ``dvc metrics``."""
    if isinstance(node, list):
        return {}
    if isinstance(node, dict):
        return {name: value for key, child in node.items() for name, value in flatten(child, f"{prefix}{key}.").items()}
    return {prefix.rstrip("."): node}


path, tolerance = sys.argv[1], float(sys.argv[2])
committed = subprocess.run(["git", "show", f"HEAD:{path}"], capture_output=True, check=True, text=True).stdout
old, new = flatten(json.loads(committed)), flatten(json.loads(Path(path).read_text()))
if old.keys() != new.keys() or not new:
    sys.exit(f"{path}: entries differ from the committed ones: {sorted(old.keys() ^ new.keys())}")
allowed = {name: PIECES.get(name.split(".")[-1], tolerance) * max(1, abs(old[name])) for name in new}
off = {name: (old[name], new[name]) for name in new if not abs(old[name] - new[name]) <= allowed[name]}
for name, (before, after) in off.items():
    print(f"{path}: {name}: committed {before}, now {after}")
print(f"{path}: {len(new) - len(off)} of {len(new)} numbers agree with the committed ones")
sys.exit(bool(off))
