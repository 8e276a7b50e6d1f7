"""The pipeline of shell commands by jobs of a real SLURM, one of which is cancelled in the middle.

``one_node.sh`` makes a machine of one's own a SLURM cluster of one node.
"""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from shell_pipeline import finish, lay_out, start, status, wait_for, write_params

FILE = """
slurm:
  cores: 1
  memory: 1GB
  walltime: "00:10:00"
  interface: lo
  job_directives_skip: [--mem]
  log_directory: .dvc/tmp/run
  security: true
  shared_temp_directory: .
"""


def slurm(*words):
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_a_run_whose_job_is_cancelled_ends_complete(tmp_path, monkeypatch):
    pytest.importorskip("dask_jobqueue", reason="dask-jobqueue is not installed: pip install 'vesselbench[cluster]'")
    if not shutil.which("sbatch") or subprocess.run(["sinfo"], capture_output=True).returncode:
        pytest.skip("no SLURM answers here: see tests/cluster/one_node.sh")
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path)
    write_params(left="test -e again || sleep 100")
    Path("slurm.yaml").write_text(FILE)
    process = start("--cluster", "slurm.yaml", "--workers", "2")
    wait_for("left")
    Path("again").touch()
    guard = subprocess.run(["pgrep", "--full", "guard.py .*sleep 100"], capture_output=True, text=True).stdout
    job = re.search(r"SLURM_JOB_ID=(\d+)", Path(f"/proc/{guard.split()[0]}/environ").read_text())[1]
    slurm("scancel", job)
    code, printed = finish(process)
    assert code == 0, printed
    assert re.search(r"start left on worker SLURMCluster-\d again, since worker SLURMCluster-\d is gone", printed)
    assert printed.endswith("6 run\n")
    assert status() == "Data and pipelines are up to date.\n"
