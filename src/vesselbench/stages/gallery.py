"""Stage ``gallery``: maps of the test images as pictures: errors beside the truth, and the outputs of one network."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from vesselbench.config import read_params
from vesselbench.data.images import read_image
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import read_map, scored_levels
from vesselbench.data.task import find_task
from vesselbench.files import whole_folder
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.ablations import REFERENCE, first_split, main_results, outputs
from vesselbench.reports.curves import no_run_figure
from vesselbench.reports.gallery import Example, gallery_figure, outputs_figure, pick
from vesselbench.reports.runs import Results, at_protocol, read_results, scores_of
from vesselbench.reports.style import format_score, save
from vesselbench.stages.entry import start

CHANNEL, KINDS = "vessel", ("artery", "vein")
FOV = HEADLINE["fov"]


def main(data: str) -> None:
    runs, task = read_params("runs", f"sources.{data}.task")
    every = read_results(data, runs)
    results = first_split(every.channel(CHANNEL))
    kinds = find_task(task).field != "truth"
    shown = first_maps(every, CHANNEL)
    ranked = [first_maps(every, name) for name in KINDS] if kinds else [shown]
    with whole_folder(Path("plots/gallery", data)) as folder:
        figure = no_run_figure(data, "gallery")
        if shown.labels:
            titles = pick(pd.concat(at_protocol(own.images, FOV) for own in ranked))
            figure = gallery_figure(data, read_errors(data, task, titles, shown))
        save(figure, folder / "gallery.png")
        ways = {} if kinds else outputs(results)
        if ways:
            run = results.maps.loc[results.maps["label"] == REFERENCE, "run"].iloc[0]
            example = read_outputs(data, task, results.keep(results.maps["run"] == run), ways)
            save(outputs_figure(data, example), folder / "outputs.png")
    print(f"plots/gallery/{data}")


def first_maps(results: Results, channel: str) -> Results:
    """Keep of the main results of a channel the first seed and mode of each label."""
    own = main_results(results.channel(channel))
    return own.keep(~own.maps.duplicated("label"))


def read_errors(data: str, task: str, titles: Mapping[str, str], results: Results) -> list[Example]:
    """Read what the gallery shows: the images of ``titles`` (id -> title), and what each label calls vessel there."""
    maps = {own["label"]: own for own in results.maps.to_dict("records")}
    levels = {label: own["stored"]["thresholds"]["fixed"]["level"] for label, own in maps.items()}
    examples = []
    for own in read_examples(data, task, titles, maps):
        examples.append(replace(own, maps={name: called(found, levels[name]) for name, found in own.maps.items()}))
    return examples


def called(found: Mapping[str, np.ndarray], level: int) -> np.ndarray:
    """Tell what maps call vessel from ``level`` on: bool (H, W), or where they tell kinds apart classes, uint8."""
    if [*found] == [CHANNEL]:
        return found[CHANNEL] >= level
    artery, vein = (found[kind] >= level for kind in KINDS)
    return artery + np.uint8(2) * vein  # 3: a crossing


def read_outputs(data: str, task: str, results: Results, ways: Mapping[int, str]) -> Example:
    """Read the image with the median F1 of the last output, and the maps of all outputs of one run for it."""
    answer = list(ways.values())[-1]
    images = at_protocol(results.images, FOV)
    ranked = images[images["mode"] == answer].sort_values(["f1", "id"])
    median = ranked.iloc[(len(ranked) - 1) // 2]
    maps, auc = {own["mode"]: own for own in results.maps.to_dict("records")}, {}
    for mode in ways.values():
        auc[mode] = scores_of(results.averages, REFERENCE, mode, FOV)["value"]["auc"]
    named = {f"Output {number}, AUC {format_score(auc[mode])}": maps[mode] for number, mode in ways.items()}
    (example,) = read_examples(data, task, {median["id"]: f"{median['id']} (F1 {median['f1']:.3f})"}, named)
    return replace(example, maps={name: found[CHANNEL] for name, found in example.maps.items()})


def read_examples(
    data: str, task: str, titles: Mapping[str, str], maps: Mapping[str, Mapping[str, Any]]
) -> list[Example]:
    """Read the images of ``titles`` (id -> title), in that order; for each row of ``maps`` the levels of all scored."""
    examples, split = {}, next(iter(maps.values()))["split"]
    for sample, classes, fov in labelled_images(data, split, "test", find_task(task)):
        if sample.id in titles:
            found = {}
            for name, own in maps.items():
                folder, learned = Path("data/maps", data, own["run"], own["mode"]), find_task(own["about"]["task"])
                files = {channel: folder / channel / f"{sample.id}.png" for channel in learned.channels}
                levels = {channel: read_map(path, classes.shape) for channel, path in files.items()}
                found[name] = scored_levels(learned, levels)
            truth = classes != 0 if find_task(task).field == "truth" else classes
            examples[sample.id] = Example(titles[sample.id], read_image(sample.image), truth, fov, found)
    return [examples[name] for name in titles]


if __name__ == "__main__":
    start(main)
