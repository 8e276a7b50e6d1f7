"""Time, floating-point operations, and what a device is."""

from __future__ import annotations

import platform
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from vesselbench.models.build import NetworkEntry, build_network


def best_seconds(work: Callable[[], object], device: torch.device, repeats: int, warm_up: int = 1) -> float:
    """Seconds of the quickest of ``repeats`` calls, after ``warm_up`` calls that do not count.

    The quickest, since whatever else a machine does only ever adds time. A GPU has finished its work at both ends.
    """
    for _ in range(warm_up):
        work()
    times = []
    for _ in range(repeats):
        _finish(device)
        start = time.perf_counter()
        work()
        _finish(device)
        times.append(time.perf_counter() - start)
    return min(times)


def _finish(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def describe(device: torch.device) -> dict[str, Any]:
    """Name a device without naming the machine: ``device``, ``slug`` (of file names), ``threads``, ``instructions``."""
    processor, flags = platform.processor() or platform.machine(), ""
    information = Path("/proc/cpuinfo")  # Linux
    if information.exists():
        lines = dict(line.split(":", 1) for line in information.read_text().splitlines() if ":" in line)
        lines = {key.strip(): value.strip() for key, value in lines.items()}
        processor, flags = lines.get("model name", processor), lines.get("flags", "")
    on_gpu = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else processor
    # Whether a processor has a matrix unit for bf16 decides what bf16 gains, and its name may not tell.
    units = [unit for unit in ("avx512_bf16", "amx_bf16") if unit in flags.split()]
    return {
        "device": name,
        "slug": slug(name) if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
        "instructions": " ".join([torch.backends.cpu.get_cpu_capability(), *units]),
    }


def slug(name: str) -> str:
    """Turn a device's name into a file's: ``NVIDIA H200`` into ``nvidia_h200``."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@torch.inference_mode()
def matrix_gflops(size: int, dtype: torch.dtype, device: torch.device) -> float:
    """GFLOP/s of the product of two matrices (size, size): what the device can do at best, in practice."""
    left, right = torch.randn(2, size, size, device=device).to(dtype)
    calls = 10 if device.type == "cuda" else 1

    def multiply() -> None:
        for _ in range(calls):
            left @ right

    return calls * 2 * size**3 / best_seconds(multiply, device, repeats=5) / 1e9


def forward_gflop(entry: NetworkEntry, patch: int) -> float:
    """GFLOP of one pass over one image (3, patch, patch), a multiplication and an addition counted as two."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter, torch.inference_mode():
        build_network(entry).eval()(torch.empty(1, 3, patch, patch))
    return counter.get_total_flops() / 1e9
