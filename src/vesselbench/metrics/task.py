"""Score all that a task tells apart: vessels; or arteries, veins, vessels and how kinds are told."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from vesselbench.data.maps import Levels, Threshold, scored_levels
from vesselbench.data.task import Task, scored_truths
from vesselbench.metrics.evaluation import Evaluated, Evaluation, evaluate
from vesselbench.metrics.image import look_at_truth, score_map
from vesselbench.metrics.kinds import evaluate_kinds, score_kinds

Images = Iterable[tuple[Any, np.ndarray, np.ndarray]]  # what has an id; label, uint8 (H, W); field of view, bool (H, W)


@dataclass(frozen=True)
class Maps:
    """One set of maps, such as those of a mode, and the thresholds for each part that is scored, by its name."""

    levels: Iterable[Levels]  # of the images, in their order
    thresholds: Mapping[str, Mapping[str, int]]  # as in ``score_image``
    chosen: Mapping[str, Threshold] = field(default_factory=dict)  # where that for training comes from


def evaluate_maps(
    images: Images, sets: Mapping[str, Maps], task: Task, evaluation: Evaluation
) -> dict[str, dict[str, Evaluated]]:
    """Score sets of maps of the same images: set -> ``vessel``; or ``artery``, ``vein``, ``vessel`` and ``kinds``.

    Each truth is looked at once, whatever the number of sets.
    """
    records, kinds = defaultdict(list), defaultdict(list)
    for (own, classes, fov), *levels in zip(images, *(maps.levels for maps in sets.values()), strict=True):
        truths = scored_truths(task, classes)
        truths = {name: look_at_truth(truth, fov, where) for name, (truth, where) in truths.items()}
        for (key, maps), channels in zip(sets.items(), levels, strict=True):
            for name, found in scored_levels(task, channels).items():
                records[key, name].append(score_map(own.id, truths[name], found, maps.thresholds[name]))
            if task.field == "artery_vein":
                level = maps.thresholds["vessel"]["fixed"]
                kinds[key].append(score_kinds(own.id, classes, channels, task, fov, level))
    scored = {key: {} for key in sets}
    for (key, name), own in records.items():
        scored[key][name] = evaluate(own, sets[key].thresholds[name], evaluation, sets[key].chosen.get(name))
    for key, own in kinds.items():
        scored[key]["kinds"] = evaluate_kinds(own, sets[key].thresholds["vessel"]["fixed"], evaluation)
    return scored
