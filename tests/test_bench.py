"""The quick run from the command line to its table, and the parts that need no clock. No timing is asserted."""

import torch
from click.testing import CliRunner

from vesselbench.bench import main, patched_plainly
from vesselbench.models.build import build_network
from vesselbench.prediction.predict import patched


def test_the_quick_run_measures_everything_and_writes_a_table(tmp_path):
    answer = CliRunner().invoke(main, ["--quick", "--folder", str(tmp_path / "new")], catch_exceptions=False)
    (path,) = (tmp_path / "new").glob("*_quick.md")
    assert answer.output.endswith(f"{path.read_text()}\n{path}\n")
    assert "the figures mean nothing" in path.read_text()
    rows = [line.split("|")[1:-1] for line in path.read_text().splitlines() if line.startswith("| ")][1:]
    assert [row[0].split()[0] for row in rows] == ["Training", "Patched", "Scoring", "Segments"]
    assert all(float(row[1].replace(",", "")) > 0 for row in rows)
    assert [row[-1].strip() != "" for row in rows] == [True, True, False, True], "scoring has no plain way"
    assert not torch.are_deterministic_algorithms_enabled()


def test_ours_and_the_plain_way_do_the_same():
    torch.manual_seed(0)
    network = build_network("iternet", {"width": 4, "iterations": 2}).eval()
    image = torch.randint(0, 256, (3, 40, 45), dtype=torch.uint8)
    expected = patched(network, image, patch=32, stride=8, batch=3)
    torch.testing.assert_close(patched_plainly(network, image, patch=32, stride=8), expected)
