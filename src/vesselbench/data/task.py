"""What is to be told apart: the classes of a label, the channels of a network's output, and what is scored."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from vesselbench.config import PARAMS, UserError

KINDS = ("background", "artery", "vein", "crossing", "uncertain")  # crossing: artery and vein lie over one another


@dataclass(frozen=True)
class Task:
    """One segmentation task; of each channel of a network's output one map is written."""

    field: str  # of ``Sample``, which holds the label, a class map
    classes: tuple[str, ...]  # names, by their number in the class map
    channels: Mapping[str, tuple[int, ...]]  # channel of the output -> the classes that are 1 there
    unknown: tuple[int, ...] = ()  # classes whose pixels take no part in training
    exclusive: bool = False  # whether a pixel belongs to one channel only: softmax in place of sigmoids


# An uncertain pixel is vessel of unknown kind. The released ones are BF-Net's own readings of the colours, see
# ``docs/artery_vein.md``: red, green and blue as three independent bits; and crossing and uncertain as one class.
TASKS = {
    "vessel": Task("truth", ("background", "vessel"), {"vessel": (1,)}),
    "artery_vein": Task("artery_vein", KINDS, {"artery": (1, 3), "vein": (2, 3)}, unknown=(4,)),
    "artery_vein_softmax": Task(
        "artery_vein",
        KINDS,
        {"background": (0,), "artery": (1,), "vein": (2,), "crossing": (3,)},
        unknown=(4,),
        exclusive=True,
    ),
    "artery_vein_released": Task("artery_vein", KINDS, {"artery": (1, 4), "crossing": (3, 4), "vein": (2, 4)}),
    "artery_vein_softmax_released": Task(
        "artery_vein",
        KINDS,
        {"background": (0,), "artery": (1,), "vein": (2,), "crossing": (3, 4)},
        exclusive=True,
    ),
}

# Of a label's field: what is scored -> the classes that belong to it, and those whose pixels do not count.
SCORED = {
    "truth": {"vessel": ((1,), ())},
    "artery_vein": {"artery": ((1, 3), (4,)), "vein": ((2, 3), (4,)), "vessel": ((1, 2, 3, 4), ())},
}


def find_task(name: str) -> Task:
    """Find a task by the name that a source or a recipe gives it; UserError where there is no such task."""
    if name not in TASKS:
        raise UserError(f"{PARAMS}: sources: task {name!r} is unknown; choose one of {', '.join(TASKS)}")
    return TASKS[name]


def channel_truths(task: Task, classes: np.ndarray) -> dict[str, np.ndarray]:
    """Turn a class map, uint8 (H, W), into the truth of each channel: uint8 (H, W), 0 or 1."""
    return {name: np.isin(classes, numbers).astype(np.uint8) for name, numbers in task.channels.items()}


def scored_truths(task: Task, classes: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Turn a class map, uint8 (H, W), into what is scored: name -> truth, uint8 (H, W), and where it counts, bool."""
    truths = {}
    for name, (positive, left_out) in SCORED[task.field].items():
        truths[name] = np.isin(classes, positive).astype(np.uint8), ~np.isin(classes, left_out)
    return truths
