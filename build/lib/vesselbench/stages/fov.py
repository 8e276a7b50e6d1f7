"""Stage ``fov``: a mask of the field of view for every image, the owner's or estimated."""

from __future__ import annotations

from pathlib import Path

from vesselbench.config import build, read_params
from vesselbench.data.fov import FieldOfView, estimate
from vesselbench.data.images import read_image, read_mask, write_mask
from vesselbench.data.sample import read_samples
from vesselbench.files import whole_folder
from vesselbench.stages.entry import start


def main(dataset: str) -> None:
    (mapping,) = read_params(f"datasets.{dataset}.fov")
    how = build(FieldOfView, mapping, f"datasets.{dataset}.fov")
    samples = read_samples(Path("data/raw", dataset))
    estimated = 0
    with whole_folder(Path("data/fov", dataset)) as folder:
        for sample in samples:
            image = read_image(sample.image)
            if how.source == "official" and sample.fov:
                mask = read_mask(sample.fov, image.shape[:2])
            else:
                mask = estimate(image, how)
                estimated += 1
            write_mask(folder / f"{sample.id}.png", mask)
    print(f"{dataset}: {len(samples) - estimated} official masks, {estimated} estimated")


if __name__ == "__main__":
    start(main)
