"""Randomness: one seed, and everything that must be kept to go on after a stop as if there had been none."""

from __future__ import annotations

import os
from typing import Any

import torch
from torch import distributed


def seed_everything(seed: int) -> torch.Generator:
    """Seed weights and dropout, ask for deterministic kernels, and return the generator of the patch draws."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read by CUDA before its first matrix product
    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a help in finding mistakes, at a price
    torch.backends.cudnn.benchmark = False
    return torch.Generator().manual_seed(seed)


def generator_states(generator: torch.Generator) -> list[dict[str, Any]]:
    """Collect, from every process of the run, the states of all generators that training draws from."""
    states = {"patches": generator.get_state(), "cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        states["cuda"] = torch.cuda.get_rng_state()
    if not distributed.is_initialized():
        return [states]
    everyone: list[Any] = [None] * distributed.get_world_size()
    distributed.all_gather_object(everyone, states)
    return everyone


def restore_generators(states: dict[str, Any], generator: torch.Generator) -> None:
    """Put back what ``generator_states`` collected from this process."""
    generator.set_state(states["patches"])
    torch.set_rng_state(states["cpu"])
    if "cuda" in states and torch.cuda.is_available():  # a run begun on a GPU may go on without one
        torch.cuda.set_rng_state(states["cuda"])
