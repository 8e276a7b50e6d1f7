# make demo    everything on the synthetic data set, from nothing to a table
# make test    the tests but for the slow ones
# make tables  the real data sets' tables from the published scores: nothing is trained, a minute
# make repro   everything on all data sets
# make bench   speed and memory on this machine, minutes; table in metrics/bench/
# make publish what published/ holds, after runs on real data
# make lint    style
PYTHON ?= python3
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
INSTALLED := .venv/.installed
REAL := drive chase_db1 stare drive_av les_av

NO_GIT := No .git here (a ZIP download?). This works, but not what asks for history: dvc exp, dvc metrics diff, dvc params diff; for those: git clone

.PHONY: help install scm demo tables publish repro test test-all bench lint
help:
	@head -7 Makefile | cut -c3-

install: $(INSTALLED)

scm:    # DVC takes a folder without Git only if its configuration says so
	@test -e .git || { echo "== $(NO_GIT)"; grep -qs no_scm .dvc/config.local || printf '[core]\n    no_scm = true\n' >> .dvc/config.local; }

$(INSTALLED): requirements.lock pyproject.toml
	@echo "== Installing into .venv (a few minutes and about 7 GB the first time: torch comes with CUDA)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"error: {sys.executable} is Python {sys.version.split()[0]}; 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

demo: scm $(INSTALLED)
	@echo "== Synthetic data set: draw, split, train two networks, predict, evaluate, tabulate (dvc repro, side by side)"
	vesselbench run table@phantom gallery@phantom
	dvc repro --single-item summary
	@echo
	@cat metrics/tables/phantom.md
	@echo
	@echo "== Table: metrics/tables/phantom.md   Plots:" plots/*/phantom.png plots/gallery/phantom/*.png

tables: scm $(INSTALLED)
	@echo "== Real data sets: take the published scores, tabulate (dvc pull, dvc repro --single-item)"
	dvc pull --quiet --allow-missing evaluate observer transfer    # of a transfer the scores alone are there
	dvc repro --single-item $(addprefix table@,$(REAL)) summary
	@echo "== Tables: metrics/summary.md metrics/tables/*.md   Plots: plots/   Changed since the last commit, if anything:"
	@test ! -e .git || git status --short dvc.lock metrics plots docs

# Scores of all runs on real data, weights and maps of those that params.yaml lists; then: git add --force published
PUBLISHED = $(addprefix observer@,$(REAL)) $(shell python -c 'import yaml; p = yaml.safe_load(open("params.yaml")); \
  print(*(f"evaluate@{run}" for run, line in p["runs"].items() if not line["data"].startswith("phantom")), *(f"{word}@{run}" for run in p["published"] for word in ("train", "predict")), \
  *(f"transfer@{run}" for run in p["transfers"]))')
publish: scm $(INSTALLED)
	dvc fetch --quiet $(PUBLISHED)    # what was run elsewhere is needed here too: published/ is made anew
	rm -rf published/files
	dvc push $(PUBLISHED)

repro: scm $(INSTALLED)
	@echo "== All data sets (dvc repro, side by side)"
	vesselbench run

test: $(INSTALLED)
	@echo "== Tests"
	OMP_NUM_THREADS=1 python -m pytest -m "not slow"

test-all: $(INSTALLED)
	@echo "== All tests"
	OMP_NUM_THREADS=1 python -m pytest

bench: $(INSTALLED)
	@echo "== Speed and memory of this machine's device (minutes)"
	python -m vesselbench.bench

lint: $(INSTALLED)
	@echo "== Style"
	ruff check .
	ruff format --check .
