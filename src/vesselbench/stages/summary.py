"""Stage ``summary``: all tables of the paper on one page, claimed beside ours."""

import json
from pathlib import Path

from vesselbench.config import read_params
from vesselbench.files import whole_file
from vesselbench.reports.pages import summary
from vesselbench.stages.entry import start


def main() -> None:
    (runs,) = read_params("runs")
    paths = {run["data"]: Path("metrics/tables", f"{run['data']}.json") for run in runs.values()}
    tables = {data: json.loads(path.read_text()) for data, path in paths.items() if path.exists()}
    with whole_file(Path("metrics/summary.md")) as path:
        path.write_text(summary(tables))
    print("metrics/summary.md")


if __name__ == "__main__":
    start(main)
