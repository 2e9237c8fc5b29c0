# make run and make test need Python 3.11 or newer, git and make; the rest is installed into .venv.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
BENCH_PYTHON := .venv-bench/bin/python
PEERS_PIP := $(BENCH_PYTHON) -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help run test check bench notebooks pins clean

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.run ## Start the app on the embedded server
	@$(BIN)/pgvista run

test: .venv/.dev ## Run every test: unit, database, app, browser, documents, notebooks
	@$(BIN)/python scripts/ensure_browser.py
	@$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: .venv/.dev ## Lint, check the format, the types and the layers
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/unit/test_layers.py

# Each bench/*.py that can be run; what runs in .venv-bench for them lies in bench/peers.
bench: .venv/.dev .venv-bench/.peers ## Measure against other clients: tables, and JSON in bench/results
	@set -e; for script in $$(grep -l '^if __name__' bench/*.py); do \
		PGVISTA_BENCH_PYTHON=$(BENCH_PYTHON) $(BIN)/python "$$script"; done

# In a container one is often root, as whom Jupyter would refuse to start.
notebooks: .venv/.notebooks ## Open the lessons in Jupyter
	@$(BIN)/jupyter lab --allow-root notebooks

pins: ## Write both constraints files anew from the newest versions
	@PYTHON=$(PYTHON) sh scripts/pins.sh

clean: ## Remove the environments and what builds and tests leave behind
	rm -rf .venv .venv-bench build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps: nothing is installed again until pyproject.toml or the pins change.
.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "pgvista needs Python 3.11 or newer: none was found." >&2; exit 1; }
	@echo "Making .venv"
	@$(PYTHON) -m venv .venv || { rm -rf .venv; exit 1; }

.venv/.run: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing pgvista and what it needs (once, some minutes)"
	@$(PIP) install -c constraints.txt hatchling
	@$(PIP) install -c constraints.txt --no-build-isolation -e .
	@touch $@

.venv/.dev: .venv/.run
	@echo "Installing what tests and checks need (once)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[test,dev]'
	@touch $@

.venv/.notebooks: .venv/.run
	@echo "Installing Jupyter (once)"
	@$(PIP) install -c constraints.txt --no-build-isolation -e '.[notebooks]'
	@touch $@

.venv-bench/.peers: bench/requirements.txt bench/constraints.txt
	@echo "Making .venv-bench with the clients to compare with (once)"
	@$(PYTHON) -m venv .venv-bench
	@$(PEERS_PIP) install -c bench/constraints.txt -r bench/requirements.txt
	@touch $@
