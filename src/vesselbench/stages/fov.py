"""Stage ``fov``: a mask of the field of view for every image, the owner's or estimated."""

from pathlib import Path

from vesselbench.config import PARAMS, UserError, read_params
from vesselbench.data.fov import estimate
from vesselbench.data.images import read_image, read_mask, write_mask
from vesselbench.data.sample import read_samples
from vesselbench.files import whole_folder
from vesselbench.stages.entry import start


def main(data: str) -> None:
    (source,) = read_params(f"sources.{data}.fov")
    if source not in ("official", "estimated"):
        raise UserError(f"{PARAMS}: sources.{data}.fov is {source!r}; it must be official or estimated; correct it")
    samples = read_samples(Path("data/raw", data))
    with whole_folder(Path("data/fov", data)) as folder:
        for sample in samples:
            image = read_image(sample.image)
            if source == "official" and not sample.fov:
                fix = f"set it to estimated, or fetch the masks; see 'vesselbench data check {data}'"
                raise UserError(f"{PARAMS}: sources.{data}.fov is official, but {sample.image} has no mask; {fix}")
            mask = estimate(image) if source == "estimated" else read_mask(sample.fov, image.shape[:2])
            write_mask(folder / f"{sample.id}.png", mask)
    print(f"{data}: {len(samples)} masks, {source}")


if __name__ == "__main__":
    start(main)
