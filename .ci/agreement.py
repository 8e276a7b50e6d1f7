"""Fail if a JSON file of numbers differs from its committed version: agreement.py FILE TOLERANCE.

The tolerance is absolute for numbers up to 1, and a share of those above, which are counts.
"""

import json
import subprocess
import sys
from pathlib import Path


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
off = {
    name: (old[name], new[name]) for name in new if not abs(old[name] - new[name]) <= tolerance * max(1, abs(old[name]))
}
for name, (before, after) in off.items():
    print(f"{path}: {name}: committed {before}, now {after}")
print(f"{path}: {len(new) - len(off)} of {len(new)} numbers within {tolerance} of the committed ones")
sys.exit(bool(off))
