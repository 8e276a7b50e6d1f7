"""Where networks run, and in which number format."""

import ctypes

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments import LightningEnvironment
from torch import nn

from vesselbench.config import UserError

PRECISIONS = ("32-true", "bf16-mixed")
COMPILE_MODES = ("", "default", "reduce-overhead", "max-autotune")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3  # options of glibc's mallopt


def start_fabric(precision: str, threads: int) -> Fabric:
    """Start Lightning Fabric on the CUDA device, if there is one, else on the CPU.

    Apple's GPUs are never chosen: nobody has checked them yet.

    Parameters
    ----------
    precision
        One of ``PRECISIONS``, as Fabric names them.
    threads
        Of the CPU; sums over another number of threads round otherwise. 0: all there are.
    """
    if threads:
        torch.set_num_threads(threads)
    keep_memory()
    accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    alone = LightningEnvironment()  # one process, also where SLURM has many
    fabric = Fabric(accelerator=accelerator, devices=1, precision=precision, plugins=[alone])
    fabric.launch()
    return fabric


def keep_memory() -> None:
    """Let glibc keep what a step frees for the next one; else the kernel takes it back and hands out zeroed pages.

    A twelfth of a training step on the CPU went there (docs/performance.md). Elsewhere than on glibc nothing is done.
    """
    if mallopt := getattr(ctypes.CDLL(None), "mallopt", None):
        mallopt(TRIM_THRESHOLD, 2**31 - 1)  # bytes free at the end of the heap above which it shrinks
        mallopt(MMAP_THRESHOLD, 2**25)  # the largest that it takes: what is smaller comes from the heap


def prepare_network(network: nn.Module, compile_mode: str = "") -> nn.Module:
    """Lay a network out channels last, which is quicker, and compile it if asked; Fabric's ``setup`` takes the result.

    Raises
    ------
    UserError
        The mode is none of ``COMPILE_MODES``.
    """
    if compile_mode not in COMPILE_MODES:
        raise UserError(f"compile is {compile_mode!r}; choose one of {', '.join(map(repr, COMPILE_MODES))}")
    network = network.to(memory_format=torch.channels_last)
    return torch.compile(network, mode=compile_mode) if compile_mode else network
