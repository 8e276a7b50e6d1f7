"""Stage ``summary``: all tables of the paper on one page and in one figure, claimed beside ours."""

from pathlib import Path

from vesselbench.config import read_params
from vesselbench.files import read_json, whole_file
from vesselbench.reports.overview import overview_figure
from vesselbench.reports.pages import claims_of, summary
from vesselbench.reports.style import save
from vesselbench.stages.entry import start


def main() -> None:
    (runs,) = read_params("runs")
    paths = {run["data"]: Path("metrics/tables", f"{run['data']}.json") for run in runs.values()}
    there = {data: path for data, path in paths.items() if path.exists()}
    tables = {data: read_json(path, f"run 'dvc repro table@{data}' first") for data, path in there.items()}
    with whole_file(Path("metrics/summary.md")) as path:
        path.write_text(summary(tables))
    save(overview_figure(claims_of(tables)), Path("plots/summary.png"))
    print("metrics/summary.md, plots/summary.png")


if __name__ == "__main__":
    start(main)
