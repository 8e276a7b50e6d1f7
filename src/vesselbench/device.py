"""Where networks run, and how: devices, number format, memory layout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import nn

from vesselbench.config import UserError

ACCELERATORS = ("auto", "cpu", "cuda")
PRECISIONS = ("32-true", "bf16-mixed")
COMPILE = ("", "default", "reduce-overhead", "max-autotune")
T = TypeVar("T")


@dataclass(frozen=True)
class Hardware:
    """Parameters ``hardware`` of training and of prediction.

    Attributes
    ----------
    accelerator
        ``cpu``, ``cuda``, or ``auto``: CUDA where there is a device, else the CPU. Apple's GPUs are never chosen:
        nobody has checked them yet.
    devices, nodes
        Devices (on the CPU: processes) of each machine, and machines, that share the work of one run.
    precision
        ``32-true`` or ``bf16-mixed``, as in Lightning Fabric.
    channels_last
        Layout of the maps in memory.
    compile
        Mode of ``torch.compile``; empty for none.
    threads
        Of the CPU; 0 for all there are. Sums over another number of threads round otherwise.
    """

    accelerator: str
    devices: int
    nodes: int
    precision: str
    channels_last: bool
    compile: str
    threads: int

    def __post_init__(self) -> None:
        choices = (("accelerator", ACCELERATORS), ("precision", PRECISIONS), ("compile", COMPILE))
        for name, known in choices:
            if getattr(self, name) not in known:
                raise ValueError(f"{name} is {getattr(self, name)!r}; choose one of {', '.join(map(repr, known))}")
        if min(self.devices, self.nodes) < 1 or self.threads < 0:
            raise ValueError(
                f"devices {self.devices}, nodes {self.nodes}, threads {self.threads}: "
                "the first two must be at least 1, threads at least 0"
            )

    def launch(self) -> Fabric:
        """Join or start the processes of the run: one for each device.

        With several devices Fabric starts this program again for each but the first; on several nodes a person or a
        scheduler starts it once a node.

        Raises
        ------
        UserError
            More CUDA devices are asked for than PyTorch finds.
        """
        found = torch.cuda.device_count()
        accelerator = self.accelerator
        if accelerator == "auto":
            accelerator = "cuda" if found else "cpu"
        if accelerator == "cuda" and self.devices > found:
            raise UserError(
                f"params.yaml: hardware.accelerator is {self.accelerator!r} and hardware.devices {self.devices}, "
                f"but PyTorch finds {found} CUDA devices; take fewer, or accelerator cpu"
            )
        if self.threads:
            torch.set_num_threads(self.threads)
        fabric = Fabric(accelerator=accelerator, devices=self.devices, num_nodes=self.nodes, precision=self.precision)
        fabric.launch()
        return fabric

    def arrange(self, network: nn.Module) -> nn.Module:
        """Lay a network out in memory, and compile it, as the parameters say; Fabric's ``setup`` takes the result."""
        if self.channels_last:
            network = network.to(memory_format=torch.channels_last)
        return torch.compile(network, mode=self.compile) if self.compile else network


def agreed(fabric: Fabric, *wishes: bool) -> list[bool]:
    """Let all processes of a run do what any of them wishes: a signal may reach one alone, and clocks differ."""
    if fabric.world_size == 1:
        return list(wishes)
    votes = torch.tensor(wishes, dtype=torch.float32, device=fabric.device)
    return fabric.all_reduce(votes, reduce_op="sum").bool().tolist()


def refusal(fabric: Fabric, message: str) -> BaseException:
    """Make the error of a mistake that every process of a run meets: the first says it, the others only stop."""
    return UserError(message) if fabric.is_global_zero else SystemExit(1)


@contextmanager
def first_process(fabric: Fabric, manager: AbstractContextManager[T]) -> Iterator[T]:
    """Enter a context manager in the first process of a run only, and yield its value in all of them.

    What it guards is left when all processes have come to the end of the block.

    Raises
    ------
    UserError
        Where the manager raises one; all processes stop.
    """
    value, message = None, ""
    with ExitStack() as stack:
        if fabric.is_global_zero:
            try:
                value = stack.enter_context(manager)
            except UserError as error:
                message = str(error)
        value, message = fabric.broadcast((value, message))
        if message:
            raise refusal(fabric, message)
        yield value
        fabric.barrier()
