"""Stage ``observer``: the second observer's labels, scored as if they were a model's maps."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from vesselbench.config import build, read_params
from vesselbench.data.images import read_label
from vesselbench.files import whole_folder
from vesselbench.metrics.consistency import check_record
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.levels import LEVELS, SIXTEEN_BIT
from vesselbench.metrics.record import score_image
from vesselbench.stages.entry import start
from vesselbench.stages.scored import scored_images


def main(dataset: str) -> None:
    (mapping,) = read_params("evaluate")
    evaluation = build(Evaluation, mapping, "evaluate")
    thresholds = {"fixed": int(SIXTEEN_BIT.level(evaluation.threshold))}
    records, absent = [], []
    for sample, truth, fov in scored_images(dataset, "test"):
        if not sample.second_observer:
            absent.append(sample.id)
            continue
        levels = read_label(sample.second_observer, truth.shape).astype(np.uint16) * np.uint16(LEVELS - 1)
        records.append(score_image(sample.id, truth, levels, fov, thresholds))
        check_record(records[-1], truth, fov)
    with whole_folder(Path("data/scores", dataset, "second_observer")) as folder:
        if absent:
            (folder / "scores.json").write_text(json.dumps({"absent": absent}) + "\n")
        else:
            evaluate(records, thresholds, evaluation).write(folder)


if __name__ == "__main__":
    start(main)
