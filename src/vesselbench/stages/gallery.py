"""Stage ``gallery``: maps of the test images as pictures: errors beside the truth, and the outputs of one network."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vesselbench.config import read_params
from vesselbench.data.images import read_image
from vesselbench.data.labelled import labelled_images
from vesselbench.data.maps import read_map
from vesselbench.data.task import channel_truths, find_task
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


def main(data: str) -> None:
    runs, task = read_params("runs", f"sources.{data}.task")
    results = read_results(data, runs)
    results = first_split(results.keep(results.maps["channel"] == CHANNEL))
    shown = main_results(results)
    with whole_folder(Path("plots/gallery", data)) as folder:
        figure = no_run_figure(data, "gallery")
        if shown.labels:
            first = shown.keep(~shown.maps.duplicated("label"))  # seed and mode of each
            figure = gallery_figure(data, read_errors(data, task, first))
        save(figure, folder / "gallery.png")
        ways = outputs(results)
        if ways:
            run = results.maps.loc[results.maps["label"] == REFERENCE, "run"].iloc[0]
            example = read_outputs(data, task, results.keep(results.maps["run"] == run), ways)
            save(outputs_figure(data, example), folder / "outputs.png")
    print(f"plots/gallery/{data}")


def read_errors(data: str, task: str, results: Results) -> list[Example]:
    """Read what the gallery shows: the images that its rule picks, and what each label calls vessel there."""
    maps = {own["label"]: own for own in results.maps.to_dict("records")}
    levels = {label: own["stored"]["thresholds"]["fixed"]["level"] for label, own in maps.items()}
    examples = read_examples(data, task, pick(at_protocol(results.images, FOV)), maps)
    return [replace(own, maps={label: found >= levels[label] for label, found in own.maps.items()}) for own in examples]


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
    return example


def read_examples(
    data: str, task: str, titles: Mapping[str, str], maps: Mapping[str, Mapping[str, Any]]
) -> list[Example]:
    """Read the images of ``titles`` (id -> title), in that order, with the maps of each row of ``maps`` for them."""
    examples, split = {}, next(iter(maps.values()))["split"]
    for sample, classes, fov in labelled_images(data, split, "test", find_task(task)):
        if sample.id in titles:
            truth = channel_truths(find_task(task), classes)[CHANNEL] != 0
            found = {
                name: read_map(
                    Path("data/maps", data, own["run"], own["mode"], CHANNEL, f"{sample.id}.png"), truth.shape
                )
                for name, own in maps.items()
            }
            examples[sample.id] = Example(titles[sample.id], read_image(sample.image), truth, fov, found)
    return [examples[name] for name in titles]


if __name__ == "__main__":
    start(main)
