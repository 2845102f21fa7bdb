# Every target works on a clean clone: `.venv` is made from the lock files, all else lives in the user's cache and state.
SHELL := bash
PYTHON ?= python3
ENV ?= dev
VENV := .venv
POINTSMAN := $(VENV)/bin/pointsman
PYTEST := $(VENV)/bin/python -m pytest

.DEFAULT_GOAL := help
.PHONY: help up test verify down check faults soak reliability bench clean lock

help: ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

up: $(VENV)/.runtime ## Bring the environment up and prove it (ENV=dev)
	@$(POINTSMAN) up --env $(ENV)

verify: $(VENV)/.runtime ## Prove what runs
	@$(POINTSMAN) verify --env $(ENV)

down: $(VENV)/.runtime ## Take the environment down; data stays
	@$(POINTSMAN) down --env $(ENV)

check: $(VENV)/.dev ## Lint, format and types
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy

test: check ## All tests, quick tiers first
	@$(PYTEST) tests/unit tests/program tests/standins -q -n 2 --dist loadfile
	@$(POINTSMAN) toolchain ensure
	@$(POINTSMAN) images ensure --env ci
	@POINTSMAN_TEST_SEED=$${POINTSMAN_TEST_SEED:-$$(date +%s)} $(PYTEST) tests/toolchain tests/deployed tests/docs -m "not soak" -n 2 --dist loadfile

faults: provided ## Inject every fault: is it named, is it undone
	@$(PYTEST) tests/faults -q -m "not soak"

soak: provided ## Five minutes without a fault, nothing red; `up` killed at every kind of point
	@$(PYTEST) tests/faults tests/deployed -q -m soak

reliability: provided ## Measure both and write docs/reference/reliability.md
	@$(PYTEST) tests/faults/test_faults.py -q --write-reliability

bench: provided ## Measure and print; asserts no times
	@$(PYTEST) tests/benchmarks -s -q

.PHONY: provided
provided: $(VENV)/.dev
	@$(POINTSMAN) toolchain ensure
	@$(POINTSMAN) images ensure --env ci

clean: ## Remove what was made inside the clone
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

lock: ## Renew the lock files (needs uv)
	uv pip compile pyproject.toml requirements/build.in --extra telemetry --universal --generate-hashes --no-header --no-annotate -q -o requirements/runtime.lock
	uv pip compile pyproject.toml requirements/build.in --extra dev --universal --generate-hashes --no-header --no-annotate -q -o requirements/dev.lock

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Pointsman needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "no venv module: apt-get install python3-venv"; exit 3; }

$(VENV)/.runtime: requirements/runtime.lock pyproject.toml | $(VENV)/bin/python
	@echo "installing the Python packages of requirements/runtime.lock"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/runtime.lock
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	@echo "installing the Python packages of requirements/dev.lock"
	@$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.lock
	@touch $@
