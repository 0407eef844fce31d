# restore: common commands; `make` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
DOCS_INSTALLED := $(VENV)/.docs_installed

.PHONY: help run try test test-slow test-faults test-slurm coverage lint docs sweep report bench bench-gpu bench-synthesis wheel clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) ## train a RED-Net denoiser for six minutes, score it, show it
	$(BIN)/python -m restore.run experiment=quickstart

try: $(INSTALLED) ## restore bundled photographs with each network that comes with the package, draw the sheet
	$(BIN)/python -m restore.demo

test: $(INSTALLED) ## the tests, under 6 minutes on two cores
	$(BIN)/python -m pytest -m "not slow and not docs and not faults" -n auto --dist worksteal

test-slow: $(INSTALLED) ## the long tests too
	$(BIN)/python -m pytest -m "not docs and not faults" --timeout=1800

test-faults: $(INSTALLED) ## try to break it: kills, full disks, damaged and hostile files, nonsense; 11 minutes on two cores
	$(BIN)/python -m pytest -m faults tests/faults -n auto --dist worksteal --timeout=600

test-slurm: $(INSTALLED) ## grids on the Slurm that answers here (SLURM_CONF), preemption included
	$(BIN)/python -m pytest tests/jobs/test_slurm.py -rs --timeout=600

coverage: $(INSTALLED) ## the tests again, and the share of the lines and branches that they reach
	$(BIN)/python -m pytest -m "not slow and not docs and not faults" -n auto --dist worksteal --cov --cov-report=term

lint: $(INSTALLED) ## ruff (rules and format), mypy (types)
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

docs: $(DOCS_INSTALLED) ## the site, in build/docs/html/index.html, and its links checked
	$(BIN)/python -m sphinx -W --keep-going -q docs build/docs/html
	$(BIN)/python -m pytest -m docs tests/docs

sweep: $(INSTALLED) ## a small ablation: RED30's skip step × seed, 6 minutes, written to experiments/red_skip_step
	$(BIN)/python -m restore.run -m experiment=red_skip_step sweep.jobs=2
	$(BIN)/python -m restore.report sweep=runs/sweeps/red_skip_step out=experiments/red_skip_step

report: $(INSTALLED) ## the papers' tables and figures from experiments/ and runs/, under two minutes, written to build/report
	$(BIN)/python -m restore.report

bench: $(INSTALLED) ## training and inference speed on this machine, 8 minutes, written to experiments/bench
	$(BIN)/python -m restore.bench

bench-gpu: $(INSTALLED) ## the same on a CUDA device; says so where there is none
	$(BIN)/python -m restore.bench device=cuda out=experiments/bench_gpu

bench-synthesis: $(INSTALLED) ## what training pairs cost, written to experiments/bench_synthesis
	$(BIN)/python -m restore.bench what=synthesis

wheel: $(INSTALLED) ## build dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

clean: ## remove the environment, caches and builds; runs/ stays
	rm -rf $(VENV) dist build docs/gallery docs/api .pytest_cache .ruff_cache .mypy_cache .coverage*

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "restore needs Python 3.11 or newer; say make PYTHON=/path/to/python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@

$(DOCS_INSTALLED): $(INSTALLED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	@touch $@
