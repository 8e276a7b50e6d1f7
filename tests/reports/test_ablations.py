"""What was changed in IterNet: answers by hand; the interval of a score of ours reaches .038 to either side."""

import pytest
from small_runs import part, row

from vesselbench.reports import ablations
from vesselbench.reports.pages import write_tables

AUC = {"whole": 0.97, "patched": 0.98, "stride8": 0.975, "output1": 0.93, "output2": 0.95, "output3": 0.96}


@pytest.fixture
def study(project):
    project.add("iternet", modes=[*AUC], f1=0.8, **{mode: {"auc": auc} for mode, auc in AUC.items()})
    project.add("iternet_unshared", modes=["whole", "patched"], f1=0.7, auc=0.9)
    return project.add("iternet_n2", modes=["whole", "patched"], f1=0.75, auc=0.96).add("unet").observe()


def test_the_main_tables_show_answers_at_the_first_stride_of_networks_that_stand_for_themselves(study):
    maps = ablations.main_results(study.add("iternet_fold0", model="iternet", split="fold0").results()).maps
    assert list(maps["label"] + " " + maps["mode"]) == ["iternet whole", "iternet patched", "unet patched"]


def test_outputs_end_with_the_answer_and_strides_with_whole_images(project, study):
    results = study.results()
    assert ablations.outputs(results) == {1: "output1", 2: "output2", 3: "output3", 4: "whole"}
    assert list(ablations.strides(results).items()) == [(8, "stride8"), (64, "patched"), (0, "whole")]
    project.runs.clear()
    results = project.add("iternet", seed=1, modes=["whole", "patched"]).results()
    assert ablations.outputs(results) == ablations.strides(results) == ablations.ablation_tables(results) == {}
    assert ablations.stride_points(results).empty


def test_claims_of_section_5_figure_3_and_table_1(study):
    cells = ablations.ablation_claims(study.results())
    assert list(cells[["table", "method", "mode", "claimed", "verdict"]].itertuples(index=False, name=None)) == [
        ("table 1", "iternet", "whole", 0.9813, "reproduced"),  # .97 + .038 is above
        ("table 1", "iternet", "patched", 0.9816, "reproduced"),
        ("figure 3", "iternet", "output1", 0.9793, "not reproduced"),  # .93 + .038 is below
        ("figure 3", "iternet", "output2", 0.9812, "reproduced"),
        ("figure 3", "iternet", "output3", 0.9815, "reproduced"),
        ("figure 3", "iternet", "whole", 0.9816, "reproduced"),
        ("section 5", "iternet_n2", "", 0.9795, "reproduced"),
        ("section 5", "iternet_no_skip", "", 0.9799, "not run"),
    ]


def test_differences_are_to_the_network_itself_the_answer_and_the_smallest_stride(study):
    table = ablations.ablation_tables(study.results())["differences"]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    assert [cells[1:5] for cells in lines if cells[0] == "AUC"] == [
        ["whole", "IterNet, N = 2", "IterNet", "-.0100"],
        ["whole", "IterNet, unshared weights", "IterNet", "-.0700"],
        ["patched", "IterNet, N = 2", "IterNet", "-.0200"],
        ["patched", "IterNet, unshared weights", "IterNet", "-.0800"],
        ["", "Output 1", "Whole image", "-.0400"],
        ["", "Output 2", "Whole image", "-.0200"],
        ["", "Output 3", "Whole image", "-.0100"],
        ["", "Patches", "Stride 8", "+.0050"],
        ["", "Whole image", "Stride 8", "-.0050"],
    ]


def test_the_page_has_size_loss_scores_and_claims(study, tmp_path):
    results = study.results()
    write_tables(tmp_path, study.channels(), ablations.main_results(results), study.observers())
    text = (tmp_path / "drive.md").read_text()
    design = part(text, "Networks that differ from IterNet in one thing")
    cells = row(design, "IterNet, N = 2", "patched")
    assert cells[2:] == ["1,234,567", ".1000", ".9600", ".7500", ".5000", ".9795", "reproduced"]
    assert row(design, "IterNet, unshared weights")[-2:] == ["", ""]
    assert row(design, "95 % interval")[4] == ".9220 to .9980"
    cells = row(part(text, "Outputs of one network"), "IterNet", "output1")
    assert cells[4:] == [".9300", ".8000", ".5000", ".9793", "not reproduced"]
    assert row(part(text, "Strides"), "IterNet", "stride8")[4] == ".9750"
    assert "Design" not in part(text, "Inside the field of view")


def test_strides_are_drawn_against_patches_counted_from_the_size_of_a_photograph(study):
    points = ablations.stride_points(study.results())
    # DRIVE: 584 x 565 in patches of 128: (456 / 8 + 1) x (437 / 8, up, + 1); (456 / 64, up, + 1) x (437 / 64, up, + 1)
    assert points["patches"].tolist() == [58 * 56, 9 * 8, 1]
    assert points.loc[0, ["auc", "auc_low", "auc_high"]].tolist() == pytest.approx([0.975, 0.937, 1.013])
    figure = ablations.strides_figure("drive", points)
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts == ["stride 8\n.9750", "stride 64\n.9800", "whole image\n.9700"]
