"""Where networks run."""

from __future__ import annotations

import torch

from vesselbench.config import UserError

ACCELERATORS = ("auto", "cpu", "cuda")


def choose_accelerator(name: str) -> str:
    """Turn the parameter ``accelerator`` into one that Lightning Fabric takes.

    Parameters
    ----------
    name
        ``cpu``, ``cuda``, or ``auto``: CUDA where there is a device, else the CPU. Apple's GPUs are never chosen:
        nobody has checked them yet.

    Raises
    ------
    UserError
        The name is unknown, or CUDA is asked for where there is none.
    """
    if name not in ACCELERATORS:
        raise UserError(f"params.yaml: accelerator is {name!r}; choose one of {', '.join(ACCELERATORS)}")
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("params.yaml: accelerator is 'cuda', but PyTorch finds no CUDA device; take auto or cpu")
    return ("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name
