# restore: common commands; `make` lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help run test test-slow test-slurm sweep bench bench-gpu bench-synthesis lint wheel clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(INSTALLED) ## train a RED-Net denoiser for six minutes, score it, show it
	$(BIN)/python -m restore.run experiment=quickstart

test: $(INSTALLED) ## the tests, under 6 minutes on two cores
	$(BIN)/python -m pytest -m "not slow"

test-slow: $(INSTALLED) ## the long tests too
	$(BIN)/python -m pytest --timeout=1800

test-slurm: $(INSTALLED) ## grids on the Slurm that answers here (SLURM_CONF), preemption included
	$(BIN)/python -m pytest tests/test_slurm.py -rs --timeout=600

sweep: $(INSTALLED) ## a small ablation: RED30's skip step × seed, 6 minutes, written to experiments/red_skip_step
	$(BIN)/python -m restore.run -m experiment=red_skip_step sweep.jobs=2
	$(BIN)/python -m restore.report sweep=runs/sweeps/red_skip_step out=experiments/red_skip_step

bench: $(INSTALLED) ## training and inference speed on this machine, 8 minutes, written to experiments/bench
	$(BIN)/python -m restore.bench

bench-gpu: $(INSTALLED) ## the same on a CUDA device; says so where there is none
	$(BIN)/python -m restore.bench device=cuda out=experiments/bench_gpu

bench-synthesis: $(INSTALLED) ## what training pairs cost, written to experiments/bench_synthesis
	$(BIN)/python -m restore.bench what=synthesis

lint: $(INSTALLED) ## ruff, rules and format
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

wheel: $(INSTALLED) ## build dist/*.whl
	$(BIN)/python -m hatchling build -t wheel

clean: ## remove the environment, caches and builds; runs/ stays
	rm -rf $(VENV) dist .pytest_cache .ruff_cache

$(INSTALLED): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "restore needs Python 3.11 or newer; say make PYTHON=/path/to/python3.12 ..."; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@
