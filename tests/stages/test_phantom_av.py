"""Arteries and veins from nothing to the table: BF-Net and its adversary on drawn eyes, as params.yaml has them."""

import json

import pandas as pd
import pytest
import yaml
from safetensors.torch import load_file
from tiny_project import ROOT, pipeline, run_stage

DATA, RUN = "phantom_av", "phantom_av-bfnet-0"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """Folder of the project after all stages of the data set; to be read only."""
    folder, params = tmp_path_factory.mktemp("project"), yaml.safe_load((ROOT / "params.yaml").read_text())
    line = params["runs"][RUN]
    for group, name in {"sources": DATA, "splits": line["split"], "runs": RUN, "models": line["model"]}.items():
        params[group] = {name: params[group][name]}
    (folder / "params.yaml").write_text(yaml.safe_dump(params | {"published": [RUN], "transfers": {}}, sort_keys=False))
    for stage in pipeline(folder):
        run_stage(folder, stage)
    return folder


def test_the_adversary_learns_beside_the_network_and_is_no_part_of_its_weights(project):
    model = project / "data/models" / DATA / RUN
    about, log = json.loads((model / "model.json").read_text()), pd.read_csv(model / "log.csv")
    assert [*log.filter(regex="loss_").columns] == [f"loss_{output}" for output in range(1, 7)]
    assert log["critic"].notna().all()
    assert log["loss_6"].iloc[-1] < log["loss_6"].iloc[0]
    assert about["task"] == "artery_vein"
    assert {name.split(".")[0] for name in load_file(model / "weights.safetensors")} == {"main", "branches"}


def test_the_tables_of_arteries_and_veins(project):
    numbers = json.loads((project / f"metrics/tables/{DATA}.json").read_text())
    assert [numbers[kind]["bfnet"]["whole"]["0"]["fov"]["auc"] > 0.8 for kind in ("artery", "vein")] == [True] * 2
    kinds = numbers["kinds"]["bfnet"]["whole"]["0"]
    assert kinds["fov-pooled-native-fixed"]["all_balanced_accuracy"] > 0.5, "chance: a minute teaches little of kinds"
    assert 0 < kinds["fov-mean-native-fixed"]["mended_f1"] < 1
    page = (project / f"metrics/tables/{DATA}.md").read_text()
    for title in ("Arteries against the rest", "Intra-segment misclassification", "Vessels of any kind"):
        assert f"## {title}\n" in page
    assert "Claimed" not in page, "nobody claims anything of drawn eyes"
    assert "artery against the rest" in (project / f"docs/models/{DATA}/{RUN}.md").read_text().lower()
    assert (project / f"plots/gallery/{DATA}/gallery.png").is_file()
