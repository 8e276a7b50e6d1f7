# make demo   everything on the synthetic data set, from nothing to a table
# make test   the tests
# make tables the real data sets' tables from the maps in published/: nothing is trained, minutes
# make repro  everything on all data sets
# make phantom-all  every network of params.yaml on the synthetic data set, briefly; tables in metrics/brief/
# make bench  speed and memory on this machine, a few minutes; table in metrics/bench/
# make lint   style
PYTHON ?= python3
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
INSTALLED := .venv/.installed

.PHONY: help install demo tables publish phantom-all repro test bench lint
help:
	@head -7 Makefile | cut -c3-

install: $(INSTALLED)

$(INSTALLED): requirements.lock pyproject.toml
	@echo "== Installing into .venv (a few minutes and about 7 GB the first time: torch comes with CUDA)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and f"error: {sys.executable} is Python {sys.version.split()[0]}; 3.11 or newer is needed: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	.venv/bin/python -m pip install --quiet --requirement requirements.lock
	.venv/bin/python -m pip install --quiet --no-deps --editable .
	@touch $@

demo: $(INSTALLED)
	@echo "== Synthetic data set: draw, split, train three networks, predict, evaluate, tabulate (dvc repro table@phantom)"
	dvc repro table@phantom
	dvc repro --single-item summary
	@echo
	@cat metrics/tables/phantom.md
	@echo
	@echo "== Table: metrics/tables/phantom.md   Plots:" plots/*/phantom.png

tables: $(INSTALLED)
	@echo "== Real data sets: take the published maps, score them, tabulate (dvc pull, dvc repro --single-item)"
	dvc pull --quiet --allow-missing    # all that published/ holds: naming each output takes minutes
	dvc repro --single-item $$(python published/paths.py repro)
	@echo "== Tables: metrics/summary.md metrics/tables/*.md   Plots: plots/   Changed since the last commit, if anything:"
	@git status --short dvc.lock metrics plots docs

# After runs on real data: what published/paths.py names goes into published/, which is committed.
publish: $(INSTALLED)
	dvc push $$(python published/paths.py pull)

# An experiment in a copy of the repository: the committed tables of the demo stay as they are.
BRIEF := phantom.md phantom.json ablations_phantom.md ablations_phantom.json
phantom-all: $(INSTALLED)
	@echo "== Every network of params.yaml on the synthetic data set, briefly, on whole images (40 minutes of one core)"
	more=$$(python -c "from vesselbench.config import read_params; models, run = read_params('models', 'run'); print(*(m for m in models if m not in run['models'] + run['ablations']['models']), sep=',')") && \
	PYTHONPATH=src dvc exp run --temp --force --name phantom-all -S run.budget=brief -S 'run.modes=[whole]' \
	  -S train.phantom.hardware.threads=1 -S 'run.more.datasets=[phantom]' -S "run.more.models=[$$more]" \
	  -S 'run.ablations.datasets=[phantom]' table@phantom ablations@phantom
	mkdir -p metrics/brief
	experiment=$$(git for-each-ref --format='%(refname)' 'refs/exps/*/*/phantom-all') && \
	for table in $(BRIEF); do git show "$$experiment:metrics/tables/$$table" > "metrics/brief/$$table"; done
	@echo "== Tables: metrics/brief"

repro: $(INSTALLED)
	@echo "== All data sets (dvc repro); the full schedules want a GPU, see README.md"
	dvc repro

test: $(INSTALLED)
	@echo "== Tests"
	OMP_NUM_THREADS=2 python -m pytest

bench: $(INSTALLED)
	@echo "== Speed and memory of this machine's device (minutes)"
	python -m vesselbench.bench

lint: $(INSTALLED)
	@echo "== Style"
	ruff check .
	ruff format --check .
