"""Stage ``observer``: the second observer's labels of a split's test images, scored as if they were a model's maps."""

import json
from pathlib import Path

import numpy as np

from vesselbench.config import parse, read_params
from vesselbench.data.images import read_label
from vesselbench.data.labelled import labelled_images, split_of
from vesselbench.data.maps import LEVELS, level_of
from vesselbench.data.task import find_task
from vesselbench.files import whole_folder
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.image import score_image
from vesselbench.stages.entry import start


def main(split: str, data: str) -> None:
    (mapping,) = read_params("evaluate")
    evaluation = parse(Evaluation, mapping, "evaluate")
    thresholds = {"fixed": int(level_of(evaluation.threshold))}
    absent = [sample.id for sample in split_of(data, split)["test"] if not sample.second_observer]
    with whole_folder(Path("data/scores", data, "second_observer", split)) as folder:
        if absent:
            (folder / "scores.json").write_text(json.dumps({"absent": absent}) + "\n")
            return
        records = []
        for sample, truth, fov in labelled_images(data, split, "test", find_task("vessel")):
            levels = read_label(sample.second_observer, truth.shape).astype(np.uint16) * np.uint16(LEVELS - 1)
            records.append(score_image(sample.id, truth, levels, fov, thresholds))
        evaluate(records, thresholds, evaluation).write(folder)


if __name__ == "__main__":
    start(main)
