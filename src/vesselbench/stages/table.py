"""Stage ``table``: ours beside the paper's claims for one data set, with curves, figures and model cards."""

from pathlib import Path

from vesselbench.config import PARAMS, UserError, read_params
from vesselbench.files import whole_file, whole_folder
from vesselbench.metrics.protocol import HEADLINE
from vesselbench.reports.ablations import first_split, main_results, stride_points, strides_figure
from vesselbench.reports.curves import CURVES, curve_figure, images_figure, training_figure
from vesselbench.reports.pages import card, write_tables
from vesselbench.reports.runs import at_protocol, read_observer, read_results
from vesselbench.reports.style import display_name, save
from vesselbench.stages.entry import start

CHANNEL = "vessel"


def main(data: str) -> None:
    runs, published, transfers = read_params("runs", "published", "transfers")
    own = read_results(data, runs)
    channels = {name: own.keep(own.maps["channel"] == name) for name in (CHANNEL, *own.maps["channel"].unique())}
    results = channels[CHANNEL]
    shown = main_results(results)
    observers = {split: read_observer(data, split) for split in results.maps["split"].unique()}
    write_tables(Path("metrics/tables"), channels, shown, observers, read_results(data, transfers))

    observer = next(iter(observers.values()), None)  # of the first split
    star, tables, figures = observer.averages if observer else None, {}, {}
    for name, curve in CURVES.items():
        tables[name] = shown.curves(name, [curve.x, curve.y])
        figures[name] = curve_figure(curve, data, tables[name], shown.averages, star)
    tables["images"] = at_protocol(shown.images, HEADLINE["fov"])
    figures["images"] = images_figure(data, tables["images"])
    tables["training"] = shown.training()
    figures["training"] = training_figure(data, tables["training"], shown.labels)
    tables["strides"] = stride_points(first_split(results))
    figures["strides"] = strides_figure(data, tables["strides"])
    for name, figure in figures.items():
        save(figure, Path("plots", name, f"{data}.png"))
        table = tables[name].drop(columns=["model", "split", "run", "channel"], errors="ignore")
        with whole_file(Path("plots", name, f"{data}.csv")) as path:  # what is told apart is called model there
            table.rename(columns={"label": "model"}).to_csv(path, index=False, float_format="%.6f")

    with whole_folder(Path("docs/models", data)) as folder:
        for run in published:
            if run not in runs:
                raise UserError(f"{PARAMS}: published names {run!r}, which is not in runs; correct or remove it")
            if runs[run]["data"] == data:
                (folder / f"{run}.md").write_text(card(channels, run))
        if not any(folder.iterdir()):
            (folder / "README.md").write_text(f"No weights of {display_name(data)} are published.\n")
    print(f"{data}: metrics/tables/{data}.md, plots/*/{data}.png, docs/models/{data}")


if __name__ == "__main__":
    start(main)
