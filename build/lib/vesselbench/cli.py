"""The command ``vesselbench``, for people; the pipeline's stages are run by DVC."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from vesselbench.config import UserError
from vesselbench.data.archives import archive_folder
from vesselbench.data.check import check
from vesselbench.data.images import read_image, read_label
from vesselbench.data.manifest import dataset_names
from vesselbench.data.sample import read_samples


def main() -> None:
    """Parse the command line and act; exits with status 1 and one line for a mistake that a person can mend."""
    parser = argparse.ArgumentParser(prog="vesselbench", description="Reproducible retinal vessel segmentation.")
    groups = parser.add_subparsers(required=True, metavar="COMMAND")
    data = groups.add_parser("data", help="look at the data sets").add_subparsers(required=True, metavar="COMMAND")
    command = data.add_parser("check", help="what is there, what is missing, what differs, and where to get it")
    command.add_argument(
        "datasets", nargs="*", metavar="DATASET", help=f"{', '.join(dataset_names())}; all if left out"
    )
    command.set_defaults(act=check_data)
    command = data.add_parser("sheet", help="draw a data set's photographs and labels on one sheet")
    command.add_argument("dataset", metavar="DATASET")
    command.add_argument("--out", type=Path, default=Path("sheet.png"), help="PNG to write (default: sheet.png)")
    command.add_argument("--images", type=int, default=6, help="how many photographs (default: 6)")
    command.set_defaults(act=draw_sheet)
    words = parser.parse_args()
    try:
        words.act(words)
    except UserError as error:
        sys.exit(f"error: {error}")


def check_data(words: argparse.Namespace) -> None:
    """Print the state of data sets; exits with status 1 unless all is well."""
    well = True
    for dataset in words.datasets or dataset_names():
        lines, ok = check(dataset, archive_folder(), Path("data/raw", dataset))
        print(*lines, sep="\n")
        well &= ok
    sys.exit(not well)


def draw_sheet(words: argparse.Namespace) -> None:
    """Draw the contact sheet of a downloaded data set."""
    from vesselbench.reports.pictures import sheet  # matplotlib takes a second to import
    from vesselbench.reports.style import save

    samples = read_samples(Path("data/raw", words.dataset))[: words.images]
    images = [read_image(sample.image) for sample in samples]
    truths = [read_label(sample.truth) for sample in samples]
    save(sheet(images, truths, [sample.id for sample in samples]), words.out)
    print(words.out)
