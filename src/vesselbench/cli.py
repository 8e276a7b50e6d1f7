"""The command ``vesselbench``, for people; the pipeline's stages are run by DVC."""

import sys
from contextlib import chdir
from pathlib import Path

import click

from vesselbench.config import UserError, repository

PATH = click.Path(path_type=Path)
PROTOCOL = "What to print; the JSON holds all. [default: fov-pooled-native-fixed, or frame-... without masks]"
SCALE = "Resize by this before; auto: until the eye is as wide as those that the network learned from."
COLOURS = "Of labels that are not red, blue, green and white, as below: crossing=white,uncertain=green."
WORKERS = "Processes that run stages, or jobs of a queue. [default: here one for each GPU, else 1]"
STRIDE = "Predict overlapping patches of 128 x 128 at this step and average them: takes longer and less memory."


class Commands(click.Group):
    """A group of commands that answers a mistake that a person can mend by one line and exit status 1."""

    def invoke(self, context: click.Context) -> object:
        for stream in (sys.stdout, sys.stderr):
            stream.reconfigure(errors="backslashreplace")  # a terminal that knows no umlaut shows its number
        try:
            return super().invoke(context)
        except UserError as error:
            sys.exit(f"error: {error}")
        except OSError as error:  # no right to read or write, a full disk
            sys.exit(f"error: {error.filename or 'output'}: {error.strerror or error}")


SETTINGS = {"help_option_names": ["-h", "--help"], "show_default": True}
main = Commands("vesselbench", help="Reproducible retinal vessel segmentation.", context_settings=SETTINGS)
data = click.Group("data", help="Look at the data sets.")
main.add_command(data)


@data.command("check")
@click.argument("datasets", nargs=-1, metavar="[DATASET]...")
def check_data(datasets: tuple[str, ...]) -> None:
    """Compare data sets (all, if none is named) with their manifests."""
    from vesselbench.datasets import fetch, source

    well = True
    for name in datasets or source.source_names():
        lines, ok = fetch.check(name, fetch.archive_folder(), repository() / "data/raw" / name)
        print(*lines, sep="\n")
        well &= ok
    sys.exit(not well)


@data.command("sheet")
@click.argument("dataset")
@click.option("--out", type=PATH, default="sheet.png", help="PNG to write.")
@click.option("--images", type=click.IntRange(min=1), default=6, help="How many photographs.")
def draw_sheet(dataset: str, out: Path, images: int) -> None:
    """Draw a data set's photographs and labels on one sheet."""
    from vesselbench.data.images import read_image, read_kinds, read_mask
    from vesselbench.data.sample import read_samples
    from vesselbench.reports import gallery, style  # matplotlib takes a second to import

    samples = read_samples(repository() / "data/raw" / dataset)[:images]
    photographs = [read_image(own.image) for own in samples]
    truths = [read_mask(own.truth) if own.truth else read_kinds(own.artery_vein) for own in samples]
    style.save(gallery.sheet(photographs, truths, [sample.id for sample in samples]), out)
    print(out)


@main.command()
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("--workers", type=click.IntRange(min=1), metavar="N", help=WORKERS)
@click.option("--cluster", "file", type=PATH, metavar="FILE", help="Of a queue or a scheduler: docs/cluster.md.")
@click.option("--per-gpu", type=click.IntRange(min=1), metavar="K", help="Trainings at once on one GPU. [default: 1]")
def run(targets: tuple[str, ...], **options: object) -> None:
    """Run what 'dvc repro TARGET' would, side by side.

    As many stages at once as their threads leave cores for, on this machine or on a cluster. DVC says what is to run
    and records it: afterwards 'dvc repro TARGET' has nothing to do. Without a target: all stages.
    """
    from vesselbench.cluster import run_stages  # Dask and DVC take a second to import

    with chdir(repository()):
        run_stages(targets, **options)


@main.command()
@click.option("--task", type=click.Choice(["vessel", "artery_vein"]), default="vessel", help="What maps tell apart.")
@click.option("--predictions", type=PATH, required=True, metavar="DIR", help="The maps.")
@click.option("--truth", type=PATH, metavar="DIR", help="First observer's labels, at their native size.")
@click.option("--dataset", metavar="NAME", help="Take truth and masks from data/, as download and fov left them.")
@click.option("--fov", type=PATH, metavar="DIR", help="Field-of-view masks; without, the whole frame is scored.")
@click.option("--colours", metavar="KIND=COLOUR,...", default="", show_default=False, help=COLOURS)
@click.option("--protocol", metavar="NAME", help=PROTOCOL)
@click.option("--all", "every", is_flag=True, help="Print every protocol.")
@click.option("--compare", "rival", type=PATH, metavar="DIR", help="A second folder of maps of the same images.")
@click.option("--threshold", type=float, default=0.5, help="Fixed in advance.")
@click.option("--training-threshold", type=float, metavar="VALUE", help="One that you chose on training images.")
@click.option("--pattern", metavar="REGEX", help=r"Finds the id in a file's stem by its one group: '(\d+[LR])'.")
@click.option("--truth-pattern", metavar="REGEX", help=r"The same for truths alone: '(\d+[LR])_1stHO'.")
@click.option("--accept-odd", is_flag=True, help="Score what looks inverted, too.")
@click.option("--draws", type=int, default=2000, help="Bootstrap samples.")
@click.option("--out", type=PATH, default="scores.json", metavar="FILE.json", help="Other files are named after it.")
def score(**options: object) -> None:
    """Score any folder of maps; needs no training, no DVC.

    Vessel probability maps (8-bit, 16-bit or float PNG, TIFF, NPY) are scored against truths. Files are matched by
    their stem, else by their leading id (01_test.png, 01_manual1.gif), else by --pattern.

    With --task artery_vein, truths are in colours: red artery, blue vein, green crossing, white uncertain, black
    background. So are maps; or there are two an image, <stem>_artery.png and <stem>_vein.png, as segment writes them.
    """
    if bool(options["truth"]) == bool(options["dataset"]):
        raise click.UsageError("Give one of --truth and --dataset.")
    if options["protocol"] and options["every"]:
        raise click.UsageError("Give one of --protocol and --all.")
    if options["colours"] and options["task"] == "vessel":
        raise click.UsageError("--colours tells kinds of vessels: give --task artery_vein, too.")
    from vesselbench.foreign import parse_colours
    from vesselbench.score import Request, score_command  # scikit-image and matplotlib take seconds to import

    print(score_command(Request(**options | {"colours": parse_colours(options["colours"])})))


@main.command()
@click.argument("photographs", nargs=-1, required=True, type=PATH, metavar="PHOTO|FOLDER...")
@click.option("--weights", "name", required=True, metavar="NAME", help="A run, such as drive-iternet-0.")
@click.option("--out", type=PATH, default="vessels", metavar="DIR", help="Where to.")
@click.option("--scale", default="auto", metavar="none|FACTOR", help=SCALE)
@click.option("--stride", type=int, default=0, metavar="PIXELS", show_default="one pass", help=STRIDE)
@click.option("--binary", is_flag=True, help="Write masks too, as <stem>_vessels.png: 255 where p >= 0.5.")
@click.option("--whole-frame", is_flag=True, help="Leave what is predicted outside the field of view in the map.")
def segment(**options: object) -> None:
    """Draw vessels in photographs; no medical device.

    Writes 16-bit PNG maps, 65535 for probability 1, 0 outside the estimated field of view; of a network of arteries
    and veins <stem>_artery.png, <stem>_vein.png and, in colours, <stem>_kinds.png. The networks learned from few
    photographs of one data set each and are validated on no other: no medical device, not for diagnosis.
    """
    from vesselbench.segment import segment_command  # PyTorch takes seconds to import

    for line in segment_command(**options):
        print(line, flush=True)
