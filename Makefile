# make demo   everything on the synthetic data set, from nothing to a table
# make test   the tests
# make repro  everything on all data sets
# make bench  speed and memory on this machine, a few minutes; table in metrics/bench/
# make lint   style
PYTHON ?= python3
SHELL := bash
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export DVC_NO_ANALYTICS := 1
INSTALLED := .venv/.installed

.PHONY: help install demo repro test bench lint
help:
	@head -5 Makefile | cut -c3-

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
