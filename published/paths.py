"""Print what published/ holds, and what is made of it: ``paths.py pull`` or ``paths.py repro``.

pull: the outputs that the remote holds: of every run of the tables the test maps and the threshold, and some weights.
repro: the stages that make the tables of these, none of which trains or predicts.
"""

import sys
from itertools import product

from vesselbench.config import read_params

run = read_params("run")[0]
published, more = run["published"], run["more"]
pull, download, score, report = [], [], [], []
for dataset in published["datasets"]:
    download += [f"{word}@{dataset}" for word in ("download", "split", "fov", "observer")]
    report.append(f"table@{dataset}")
    for group, models in (("", run["models"]), ("more_", more["models"] if dataset in more["datasets"] else [])):
        for key in product([dataset], models, map(str, run["seeds"]), run["modes"]):
            pull += [f"data/predictions/{'/'.join(key)}", f"data/thresholds/{'/'.join(key)}.json"]
            score.append(f"{group}evaluate@{'-'.join(key)}")
    for key in product([dataset], published["weights"], map(str, run["seeds"])):
        pull.append(f"data/weights/{'/'.join(key)}")
        report += [f"card@{'-'.join((*key, mode))}" for mode in published["modes"]]
pull += [f"data/networks/{model}.json" for model in published["weights"]]
print(*{"pull": pull, "repro": [*download, *score, *report, "summary"]}[sys.argv[1]], sep="\n")
