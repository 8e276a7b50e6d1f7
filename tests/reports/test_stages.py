"""The three stages of the reports: what they write, from what, and what they refuse."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image

from vesselbench.config import UserError
from vesselbench.data.sample import Sample, write_samples
from vesselbench.reports.pages import summary as summary_page
from vesselbench.stages import gallery, summary, table

FIGURES = ("roc", "pr", "connectivity", "calibration", "images", "training", "strides")


@pytest.fixture
def here(project, tmp_path, monkeypatch):
    """Stand in the project's folder; call to write params.yaml for its runs."""
    monkeypatch.chdir(tmp_path)

    def write(**more):
        content = {
            "runs": project.runs,
            "published": [],
            "sources": {"drive": {"task": "vessel"}},
            "transfers": {},
        } | more
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


def lay_out(folder, data, field, label, maps):
    """Three photographs of 16 x 16 pixels, their label in a field of the samples, and maps: folder -> levels."""
    raw, samples = folder / "data/raw" / data, []
    for name in ("01", "02", "21"):
        files = {"image": raw / f"image/{name}.png", field: raw / f"label/{name}.png"}
        samples.append(Sample(name, name, "", **files))
        pictures = {files["image"]: np.zeros((16, 16, 3), np.uint8), files[field]: label}
        pictures[folder / f"data/fov/{data}/{name}.png"] = np.full((16, 16), 255, np.uint8)
        pictures |= {folder / "data/maps" / data / place / f"{name}.png": levels for place, levels in maps.items()}
        for path, picture in pictures.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(path)
    write_samples(samples, raw)
    (folder / "data/splits" / data).mkdir(parents=True)
    (folder / f"data/splits/{data}/{data}.csv").write_text("id,subset\n01,test\n02,test\n21,train\n")


def test_the_gallery_reads_photographs_and_maps(project, here):
    project.add("iternet", modes=["whole", "output1"]).add("unet").observe()
    places = [f"drive-{place}/vessel" for place in ("iternet-0/whole", "iternet-0/output1", "unet-0/patched")]
    truth = np.eye(16, dtype=np.uint8)
    lay_out(here(), "drive", "truth", truth, dict.fromkeys(places, truth.astype(np.uint16) * 40000))
    gallery.main("drive")
    assert sorted(path.name for path in Path("plots/gallery/drive").iterdir()) == ["gallery.png", "outputs.png"]


def test_the_gallery_reads_the_channels_that_a_network_has_learned(project, here):
    project.data = "drive_av"
    project.add("iternet", modes=["whole", "output1"], about={"task": "artery_vein_softmax"}, kinds={})
    label = np.repeat(np.arange(4, dtype=np.uint8), 4) * np.ones((16, 1), np.uint8)
    names = [f"drive_av-iternet-0/whole/{name}" for name in ("background", "artery", "vein", "crossing")]
    maps = {name: (label == at).astype(np.uint16) * 40000 for at, name in enumerate(names)}
    lay_out(here(sources={"drive_av": {"task": "artery_vein"}}), "drive_av", "artery_vein", label, maps)
    row = project.results().maps.iloc[0].to_dict()
    (example,) = gallery.read_examples("drive_av", "artery_vein", {"02": "two"}, {"iternet": row}, gallery.called)
    assert example.truth[0, ::4].tolist() == example.maps["iternet"][0, ::4].tolist() == [0, 1, 2, 3]
    gallery.main("drive_av")
    assert [path.name for path in Path("plots/gallery/drive_av").iterdir()] == ["gallery.png"]
