"""Stage ``summary``: all tables of the paper on one page, claimed beside ours."""

from __future__ import annotations

import json
from pathlib import Path

from vesselbench.config import UserError, read_params
from vesselbench.files import whole_file
from vesselbench.reports.summary import summary
from vesselbench.stages.entry import start


def main() -> None:
    (datasets,) = read_params("run.datasets")
    tables = {}
    for dataset in datasets:
        path = Path("metrics/tables", f"{dataset}.json")
        if path.exists():
            tables[dataset] = json.loads(path.read_text())
            if "claims" not in tables[dataset]:
                raise UserError(f"{path}: has no claims; it was made by older code; run 'dvc repro table@{dataset}'")
    with whole_file(Path("metrics/summary.md")) as path:
        path.write_text(summary(tables))
    print("metrics/summary.md")


if __name__ == "__main__":
    start(main)
