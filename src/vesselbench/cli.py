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
    add_score(groups)
    add_segment(groups)
    command = groups.add_parser("folds", help="put the folds of a cross-validation together: mean, interval, spread")
    command.add_argument(
        "files", nargs="+", type=Path, metavar="FILE.csv", help="plots/images/<data set>.csv of each fold, kept apart"
    )
    command.set_defaults(act=join_folds)
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


def join_folds(words: argparse.Namespace) -> None:
    """Print the scores of all folds together."""
    import pandas as pd

    from vesselbench.reports.folds import fold_lines

    missing = [path for path in words.files if not path.is_file()]
    if missing:
        raise UserError(f"{missing[0]}: no such file; copy plots/images/<data set>.csv there after each fold has run")
    folds = {str(path): pd.read_csv(path, dtype={"id": str}) for path in words.files}
    print(*fold_lines(folds), sep="\n")
    images = sum(table["id"].nunique() for table in folds.values())
    print(f"\n{len(folds)} folds, {images} images, each tested once; mean of the images' own scores, field of view.")


def add_score(groups: argparse._SubParsersAction) -> None:
    """Describe ``vesselbench score``."""
    command = groups.add_parser(
        "score",
        help="score any folder of probability maps; needs no training and no DVC",
        description="Score a folder of vessel probability maps (8-bit, 16-bit or float PNG, TIFF, NPY) against truths. "
        "Files are matched by their stem, else by their leading id (01_test.png, 01_manual1.gif), else by --pattern.",
    )
    command.add_argument("--predictions", type=Path, required=True, metavar="DIR", help="the maps")
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("--truth", type=Path, metavar="DIR", help="first observer's labels, at their native size")
    where.add_argument(
        "--dataset", metavar="NAME", help="take truth and field of view from data/, as download and fov left them"
    )
    command.add_argument(
        "--fov", type=Path, metavar="DIR", help="field-of-view masks; without them the whole frame is scored"
    )
    shown = command.add_mutually_exclusive_group()
    shown.add_argument(
        "--protocol",
        metavar="NAME",
        help="what to print, such as frame-mean-native-fixed (default: "
        "fov-pooled-native-fixed, or frame-... without masks); the JSON holds all",
    )
    shown.add_argument("--all", dest="every", action="store_true", help="print every protocol")
    command.add_argument(
        "--compare", dest="rival", type=Path, metavar="DIR", help="a second folder of maps of the same images"
    )
    command.add_argument("--threshold", type=float, default=0.5, help="fixed in advance (default: 0.5)")
    command.add_argument(
        "--training-threshold", type=float, metavar="VALUE", help="one that you chose on training images"
    )
    command.add_argument(
        "--pattern", metavar="REGEX", help="finds the id in a file's stem by its one group: '(\\d+[LR])'"
    )
    command.add_argument("--draws", type=int, default=2000, help="bootstrap samples (default: 2000)")
    command.add_argument(
        "--out",
        type=Path,
        default=Path("scores.json"),
        metavar="FILE.json",
        help="default: scores.json; tables and ROC are written beside it",
    )
    command.set_defaults(act=score)


def score(words: argparse.Namespace) -> None:
    """Score a folder of maps."""
    from vesselbench.scoring.command import run  # scikit-image and matplotlib take seconds to import
    from vesselbench.scoring.request import make_request

    print(run(make_request(**{name: value for name, value in vars(words).items() if name != "act"})))


def add_segment(groups: argparse._SubParsersAction) -> None:
    """Describe ``vesselbench segment``."""
    command = groups.add_parser(
        "segment",
        help="draw the vessels of any fundus photographs with trained weights; no medical device",
        description="Write a probability map of each photograph: a 16-bit PNG of its size, 65535 for probability 1, "
        "0 outside the estimated field of view. The networks learned from few photographs of one data set each and "
        "are validated on no other: this is a tool of research and no medical device, not for diagnosis.",
    )
    command.add_argument("photographs", nargs="+", type=Path, metavar="PHOTO")
    command.add_argument(
        "--weights",
        dest="name",
        required=True,
        metavar="NAME",
        help="data set, model and seed, such as drive-iternet-0; 'dvc pull data/weights/drive/iternet/0' fetches them",
    )
    command.add_argument("--out", type=Path, default=Path("vessels"), metavar="DIR", help="default: vessels")
    command.add_argument(
        "--stride",
        type=int,
        default=0,
        metavar="PIXELS",
        help="predict overlapping patches of 128 x 128 at this step and average them, which takes longer and less "
        "memory (default: the photograph in one pass)",
    )
    command.add_argument("--binary", action="store_true", help="write <stem>_vessels.png too: 255 where p >= 0.5")
    command.add_argument(
        "--whole-frame", action="store_true", help="leave what is predicted outside the field of view in the map"
    )
    command.set_defaults(act=segment)


def segment(words: argparse.Namespace) -> None:
    """Segment photographs."""
    from vesselbench.segmenting.command import run  # PyTorch takes seconds to import

    for line in run(**{name: value for name, value in vars(words).items() if name != "act"}):
        print(line, flush=True)
