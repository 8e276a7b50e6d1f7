"""SIGKILL at random moments of a training: what is left always leads to the weights of the uninterrupted run."""

import json
import os
import subprocess
import sys

from tiny_project import write_params

KILLS = 20
# One process that has imported everything starts each training as a fork of itself, which is quicker than 20 new ones.
KILLER = """
import hashlib, json, os, random, shutil, signal, sys, time
from pathlib import Path
from vesselbench.stages import train

OUTPUT, FOLDER = Path("data/models/phantom/iternet/0"), Path(".checkpoints/phantom/iternet/0")

def start():
    child = os.fork()
    if not child:
        sys.stderr = open(os.devnull, "w")
        train.main("phantom", "iternet", "0")
        os._exit(0)
    return child

def finish(status):
    assert status == 0
    digest = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in OUTPUT.iterdir()}
    assert len(digest) == 3 and not FOLDER.exists()
    shutil.rmtree(OUTPUT)
    return digest

shutil.rmtree(OUTPUT)
begun = time.monotonic()
expected = finish(os.waitpid(start(), 0)[1])
seconds = time.monotonic() - begun
draw, kills, finished = random.Random(0), 0, []
while kills < int(sys.argv[1]):
    child = start()
    time.sleep(draw.uniform(0, 0.5 * seconds))
    ended, status = os.waitpid(child, os.WNOHANG)
    if ended:  # before its time: the next one begins anew
        finished.append(finish(status))
        continue
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    kills += 1
finished.append(finish(os.waitpid(start(), 0)[1]))
print(json.dumps({"kills": kills, "same": [digest == expected for digest in finished]}))
"""


def test_killed_20_times_the_weights_are_those_of_the_uninterrupted_run(project):
    change = {"train": {"default": {"checkpoint_minutes": 0.0}, "phantom": {"steps": 200, "epoch": 100}}}
    write_params(project, change)
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(KILLS)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout.splitlines()[-1])
    assert result["kills"] == KILLS
    assert result["same"]
    assert all(result["same"])
    assert "going on at step" in done.stdout
