"""Stage ``summary``: all tables of the paper on one page, claimed beside ours."""

from pathlib import Path

from vesselbench.config import read_params
from vesselbench.files import read_json, whole_file
from vesselbench.reports.pages import summary
from vesselbench.stages.entry import start


def main() -> None:
    (runs,) = read_params("runs")
    paths = {run["data"]: Path("metrics/tables", f"{run['data']}.json") for run in runs.values()}
    there = {data: path for data, path in paths.items() if path.exists()}
    tables = {data: read_json(path, f"run 'dvc repro table@{data}' first") for data, path in there.items()}
    with whole_file(Path("metrics/summary.md")) as path:
        path.write_text(summary(tables))
    print("metrics/summary.md")


if __name__ == "__main__":
    start(main)
