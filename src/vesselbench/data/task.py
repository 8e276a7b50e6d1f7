"""What is to be told apart: the classes of a label, and the channels of a network's output that stand for them."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vesselbench.config import PARAMS, UserError


@dataclass(frozen=True)
class Task:
    """One segmentation task; of each channel one map is written, and scored by itself."""

    field: str  # of ``Sample``, which holds the label, a class map
    classes: tuple[str, ...]  # names, by their number in the class map
    channels: Mapping[str, tuple[int, ...]]  # channel of the output -> the classes that are 1 there


TASKS = {"vessel": Task("truth", ("background", "vessel"), {"vessel": (1,)})}


def find_task(name: str) -> Task:
    """Find a task by the name that a source gives it in params.yaml; UserError where there is no such task."""
    if name not in TASKS:
        raise UserError(f"{PARAMS}: sources: task {name!r} is unknown; choose one of {', '.join(TASKS)}")
    return TASKS[name]


def channel_truths(task: Task, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Turn a class map, uint8 (H, W), into the truth of each channel: uint8 (H, W), 0 or 1."""
    return {name: np.isin(classes, numbers).astype(np.uint8) for name, numbers in task.channels.items()}
