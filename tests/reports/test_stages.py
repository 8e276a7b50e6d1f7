"""The three stages of the reports: what they write, from what, and what they refuse."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.images import write_mask
from vesselbench.data.maps import write_map
from vesselbench.data.sample import Sample, write_samples
from vesselbench.reports.pages import summary as summary_page
from vesselbench.stages import gallery, summary, table

FIGURES = ("roc", "pr", "connectivity", "calibration", "images", "training", "strides")


@pytest.fixture
def here(project, tmp_path, monkeypatch):
    """Stand in the project's folder; call to write params.yaml for its runs."""
    monkeypatch.chdir(tmp_path)

    def write(**more):
        content = {"runs": project.runs, "published": [], "sources": {"drive": {"task": "vessel"}}} | more
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(content))
        return tmp_path

    return write


def test_the_table_needs_the_scores_alone(one_seed, here):
    folder = here(published=["drive-iternet-0"])
    table.main("drive")
    assert json.loads((folder / "metrics/tables/drive.json").read_text())["labels"] == ["iternet", "unet"]
    for name in FIGURES:
        assert (folder / "plots" / name / "drive.png").stat().st_size > 1000
        assert [*pd.read_csv(folder / "plots" / name / "drive.csv")][:1] == ["model"]
    assert len(pd.read_csv(folder / "plots/strides/drive.csv")) == 0
    assert [path.name for path in (folder / "docs/models/drive").iterdir()] == ["drive-iternet-0.md"]


def test_a_data_set_without_runs_gets_every_output_and_what_is_published_must_be_run(project, here):
    folder = here()
    table.main("stare")
    assert "No run of this data set" in (folder / "metrics/tables/stare.md").read_text()
    assert all((folder / "plots" / name / f"stare.{suffix}").exists() for name in FIGURES for suffix in ("png", "csv"))
    assert (folder / "docs/models/stare/README.md").read_text() == "No weights of STARE are published.\n"
    here(published=["drive-wnet-0"])
    with pytest.raises(UserError, match=r"params.yaml: published names 'drive-wnet-0', which is not in runs; correct"):
        table.main("drive")


def test_the_summary_takes_the_tables_of_the_data_sets_that_are_run(one_seed, here):
    folder = here()
    summary.main()
    assert (folder / "metrics/summary.md").read_text() == summary_page({})
    table.main("drive")
    summary.main()
    assert "[all of it](tables/drive.md)" in (folder / "metrics/summary.md").read_text()


def test_the_gallery_reads_photographs_and_maps(project, here):
    project.add("iternet", modes=["whole", "output1"]).add("unet").observe()
    folder, truth, samples = here(), np.eye(16, dtype=bool), []
    for name in ("01", "02", "21"):
        paths = {key: folder / "data/raw/drive" / key / f"{name}.png" for key in ("image", "truth")}
        samples.append(Sample(name, name, "", **paths))
        paths["fov"] = folder / "data/fov/drive" / f"{name}.png"
        for place in ("drive-iternet-0/whole", "drive-iternet-0/output1", "drive-unet-0/patched"):
            paths[place] = folder / "data/maps/drive" / place / "vessel" / f"{name}.png"
        for kind, path in paths.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_map(path, truth.astype(np.uint16) * 40000) if "/" in kind else write_mask(path, truth)
        Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(paths["image"])
    write_samples(samples, folder / "data/raw/drive")
    (folder / "data/splits/drive").mkdir(parents=True)
    (folder / "data/splits/drive/drive.csv").write_text("id,subset\n01,test\n02,test\n21,train\n")
    gallery.main("drive")
    assert sorted(path.name for path in (folder / "plots/gallery/drive").iterdir()) == ["gallery.png", "outputs.png"]
