"""Stage ``gallery``: maps of the test images as pictures: errors beside the truth, and the outputs of one network."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vesselbench.config import read_params
from vesselbench.data.images import read_image
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import read_levels, scored_levels
from vesselbench.data.task import find_task
from vesselbench.files import whole_folder
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.ablations import REFERENCE, first_split, main_results, outputs
from vesselbench.reports.curves import no_run_figure
from vesselbench.reports.gallery import Example, gallery_figure, outputs_figure, pick
from vesselbench.reports.runs import Results, at_protocol, read_results, scores_of
from vesselbench.reports.style import format_score, save
from vesselbench.stages.entry import start

CHANNEL = "vessel"
FOV = HEADLINE["fov"]
Row = Mapping[str, Any]  # of ``Results.maps``


def main(data: str) -> None:
    runs, task = read_params("runs", f"sources.{data}.task")
    every, kinds = read_results(data, runs), find_task(task).field != "truth"
    shown = main_results(every.keep(every.maps["channel"].isin(["artery", "vein"] if kinds else [CHANNEL])))
    shown = shown.keep(~shown.maps.duplicated(["label", "channel"]))  # the first seed and mode of each label
    with whole_folder(Path("plots/gallery", data)) as folder:
        figure = no_run_figure(data, "gallery")
        if shown.labels:
            maps = {own["label"]: own for own in shown.maps.to_dict("records")}
            examples = read_examples(data, task, pick(at_protocol(shown.images, FOV)), maps, called)
            figure = gallery_figure(data, examples)
        save(figure, folder / "gallery.png")
        results = first_split(every)
        ways = {} if kinds else outputs(results)
        if ways:
            run = results.maps.loc[results.maps["label"] == REFERENCE, "run"].iloc[0]
            example = read_outputs(data, task, results.keep(results.maps["run"] == run), ways)
            save(outputs_figure(data, example), folder / "outputs.png")
    print(f"plots/gallery/{data}")


def called(found: Mapping[str, np.ndarray], own: Row) -> np.ndarray:
    """Tell what levels call vessel at the fixed threshold: bool (H, W), or of kinds classes, uint8 (H, W)."""
    level = own["stored"]["thresholds"]["fixed"]["level"]
    if "artery" not in found:
        return found[CHANNEL] >= level
    return (found["artery"] >= level) + np.uint8(2) * (found["vein"] >= level)  # 3: a crossing


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
    titles = {median["id"]: f"{median['id']} (F1 {median['f1']:.3f})"}
    return read_examples(data, task, titles, named, lambda found, _: found[CHANNEL])[0]


def read_examples(
    data: str, task: str, titles: Mapping[str, str], maps: Mapping[str, Row], show: Callable[..., np.ndarray]
) -> list[Example]:
    """Read the images of ``titles`` (id -> title), in that order, and of each row of ``maps`` what to ``show``."""
    examples, split = {}, next(iter(maps.values()))["split"]
    for sample, classes, fov in labelled_images(data, split, "test", find_task(task)):
        if sample.id in titles:
            found = {}
            for name, own in maps.items():
                folder, learned = Path("data/maps", data, own["run"], own["mode"]), find_task(own["about"]["task"])
                levels = read_levels(folder, learned, sample.id, classes.shape)
                found[name] = show(scored_levels(learned, levels), own)
            truth = classes != 0 if find_task(task).field == "truth" else classes
            examples[sample.id] = Example(titles[sample.id], read_image(sample.image), truth, fov, found)
    return [examples[name] for name in titles]


if __name__ == "__main__":
    start(main)
