"""Stage ``evaluate``: the maps of one run under every protocol, mode by mode, of everything that is scored."""

import shutil
from pathlib import Path

from vesselbench.config import UserError, parse, read_params
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import level_of, read_levels, read_thresholds
from vesselbench.data.task import find_task
from vesselbench.files import read_json, whole_folder
from vesselbench.metrics.evaluation import Evaluation
from vesselbench.metrics.kinds import evaluate_maps
from vesselbench.stages.entry import start


def main(run: str, data: str, split: str) -> None:
    mapping, task_name = read_params("evaluate", f"sources.{data}.task")
    evaluation, task = parse(Evaluation, mapping, "evaluate"), find_task(task_name)
    maps = Path("data/maps", data, run)
    about = read_json(maps / "run.json", f"run 'dvc repro predict@{run}' first", ["modes", "about"])
    learned, fixed = find_task(about["about"]["task"]), int(level_of(evaluation.threshold))
    if learned.field != task.field:
        fault = f"maps of task {about['about']['task']}, but sources.{data}.task is {task_name}"
        raise UserError(f"{maps}: {fault}; run 'dvc repro train@{run}', or correct the task")
    images = [*labelled_images(data, split, "test", task)]
    with whole_folder(Path("data/scores", data, run)) as folder:
        for mode in about["modes"]:
            chosen = read_thresholds(maps / mode / "threshold.json")
            levels = (read_levels(maps / mode, learned, own.id, classes.shape) for own, classes, _ in images)
            thresholds = {name: {"fixed": fixed, "training": own.level} for name, own in chosen.items()}
            for name, own in evaluate_maps(images, levels, learned, thresholds, evaluation, chosen).items():
                own.write(folder / mode / name)
        for name in ("run.json", "training.csv"):
            shutil.copyfile(maps / name, folder / name)


if __name__ == "__main__":
    start(main)
