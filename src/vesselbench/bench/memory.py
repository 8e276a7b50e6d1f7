"""Peak memory of patched prediction on the CPU, in a process of its own, which runs this file with its task in JSON."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from vesselbench.bench.sizes import Sizes
from vesselbench.device import Hardware
from vesselbench.models.build import NetworkEntry, build_network
from vesselbench.prediction.infer import patched

STATUS = Path("/proc/self/status")  # Linux


def measure_memory(entry: NetworkEntry, hardware: Hardware, sizes: Sizes, batch: int) -> dict[str, Any] | None:
    """Measure the peak of resident memory while patches are predicted, less what libraries and weights take.

    Whatever is loaded at the first pass counts. How many rows of patches follow one another does not matter, so no more
    than ``sizes.rows`` are predicted.

    Returns
    -------
    dict or None
        ``bytes`` and ``rows``. None where the system does not tell (it is asked as on Linux).
    """
    if not STATUS.exists():
        return None
    rows = sizes.rows or 1
    task = {"entry": asdict(entry), "hardware": asdict(hardware), "batch": batch}
    task |= {"patch": sizes.patch, "stride": sizes.strides[0], "height": sizes.height, "width": sizes.width}
    print(f"memory: {rows} rows of patches in a process of its own", flush=True)
    command = [sys.executable, "-m", "vesselbench.bench.memory", json.dumps(task | {"rows": rows})]
    answer = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {"bytes": int(answer.split()[-1]), "rows": rows}


def _resident(kind: str) -> int:
    """Bytes: VmRSS, now; VmHWM, at most so far. (getrusage's ru_maxrss would hold the parent's peak too.)"""
    return 1024 * int(re.search(rf"^{kind}:\s*(\d+) kB$", STATUS.read_text(), re.MULTILINE)[1])


def main(task: dict[str, Any]) -> None:
    hardware, patch, stride = Hardware(**task["hardware"]), task["patch"], task["stride"]
    network = hardware.launch().setup_module(hardware.arrange(build_network(NetworkEntry(**task["entry"])))).eval()
    before = _resident("VmRSS")
    image = torch.rand(3, task["height"], task["width"])
    patched(network, image[:, : patch + (task["rows"] - 1) * stride], patch, stride, task["batch"])
    print(_resident("VmHWM") - before)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
