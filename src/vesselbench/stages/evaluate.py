"""Stage ``evaluate``: the maps of one run under every protocol, mode by mode and channel by channel."""

import shutil
from pathlib import Path

from vesselbench.config import parse, read_params
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import level_of, read_map, read_thresholds
from vesselbench.data.task import channel_truths, find_task
from vesselbench.files import read_json, whole_folder
from vesselbench.metrics.evaluation import Evaluation, evaluate
from vesselbench.metrics.image import score_image
from vesselbench.stages.entry import start


def main(run: str, data: str, split: str) -> None:
    mapping, task_name = read_params("evaluate", f"sources.{data}.task")
    evaluation, task = parse(Evaluation, mapping, "evaluate"), find_task(task_name)
    maps = Path("data/maps", data, run)
    modes = read_json(maps / "run.json", f"run 'dvc repro predict@{run}' first", ["modes"])["modes"]
    images = [*labelled_images(data, split, "test", task)]
    with whole_folder(Path("data/scores", data, run)) as folder:
        for mode in modes:
            chosen = read_thresholds(maps / mode / "threshold.json")
            for channel in task.channels:
                thresholds = {"fixed": int(level_of(evaluation.threshold)), "training": chosen[channel].level}
                records = []
                for sample, classes, fov in images:
                    truth = channel_truths(task, classes)[channel]
                    levels = read_map(maps / mode / channel / f"{sample.id}.png", truth.shape)
                    records.append(score_image(sample.id, truth, levels, fov, thresholds))
                place = folder / mode / channel
                place.mkdir(parents=True)
                evaluate(records, thresholds, evaluation, chosen[channel]).write(place)
        for name in ("run.json", "training.csv"):
            shutil.copyfile(maps / name, folder / name)


if __name__ == "__main__":
    start(main)
