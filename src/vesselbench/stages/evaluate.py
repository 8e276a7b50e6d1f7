"""Stage ``evaluate``: the maps of one run under every protocol, mode by mode, of everything that is scored."""

import shutil
from collections import defaultdict
from pathlib import Path

from vesselbench.config import UserError, parse, read_params
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import level_of, read_map, read_thresholds, scored_levels
from vesselbench.data.task import find_task, scored_truths
from vesselbench.files import read_json, whole_folder
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.image import score_image
from vesselbench.metrics.kinds import evaluate_kinds, score_kinds
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
            thresholds = {name: {"fixed": fixed, "training": own.level} for name, own in chosen.items()}
            records, kinds = defaultdict(list), []
            for sample, classes, fov in images:
                files = {channel: maps / mode / channel / f"{sample.id}.png" for channel in learned.channels}
                levels = {channel: read_map(path, classes.shape) for channel, path in files.items()}
                found = scored_levels(learned, levels)
                for name, (truth, counts) in scored_truths(task, classes).items():
                    records[name].append(score_image(sample.id, truth, found[name], fov, thresholds[name], counts))
                if task.field == "artery_vein":
                    kinds.append(score_kinds(sample.id, classes, levels, learned, fov, fixed))
            for name, own in records.items():
                evaluate(own, thresholds[name], evaluation, chosen[name]).write(folder / mode / name)
            if kinds:
                evaluate_kinds(kinds, fixed, evaluation).write(folder / mode / "kinds")
        for name in ("run.json", "training.csv"):
            shutil.copyfile(maps / name, folder / name)


if __name__ == "__main__":
    start(main)
