# `make demo` and `make test` are all that a newcomer needs: both set up .venv first.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
# The first Python on the path that will do; `make PYTHON=/path/to/python3.12` overrides.
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c '$(SUPPORTED)' 2>/dev/null && { echo $$python; break; }; done)
CLIENTS := .venv-clients
# Tests wait as much as they compute, so there are twice as many processes as processors.
WORKERS ?= $(shell $(BIN)/python -c 'import os; print(2 * (os.cpu_count() or 1))')
PYTEST := $(BIN)/pytest --dist worksteal
# Without compiled files every process, of the tests and of the product, compiles its own.
unexport PYTHONDONTWRITEBYTECODE
ARGS ?=
SECONDS ?= 60

.DEFAULT_GOAL := help
.PHONY: help install clients demo test test-slow test-system test-all lint format check bench fuzz build clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-11s %s\n", $$1, $$2}' Makefile

install: $(STAMP) ## Set up .venv, with every extra; leaves .venv/bin/stepwell ready
	@echo "Ready: $(BIN)/stepwell"

$(STAMP): pyproject.toml .ci/install.py
	@test -n "$(PYTHON)" || { \
		echo "Stepwell needs Python 3.11, 3.12 or 3.13, and none was found on the path."; \
		echo "If there is one elsewhere: make $(MAKECMDGOALS) PYTHON=/path/to/python3"; \
		exit 1; }
	@"$(PYTHON)" .ci/install.py $(VENV)
	@touch $(STAMP)

clients: $(STAMP) ## Set up the AWS CLI and the JavaScript SDK, for the tests that need them
	@"$(PYTHON)" -m venv $(CLIENTS)
	@$(CLIENTS)/bin/pip install --quiet --requirement tests/clients/requirements.txt
	@cd tests/clients && npm ci --silent
	@echo "Ready: $(CLIENTS)/bin/aws, tests/clients/node_modules"

demo: $(STAMP) ## Watch five orders run, one of them through a kill -9
	@$(BIN)/stepwell demo

test: $(STAMP) ## Run the quick tests: all but those that kill processes for minutes
	@echo "Running the tests (an embedded PostgreSQL is started for those that need one)"
	@$(PYTEST) -n $(WORKERS) -m "not slow and not crash" $(ARGS)

test-slow: $(STAMP) ## Run the long tests: crashes, simulation
	@$(PYTEST) -n logical -m "slow or crash" $(ARGS)

test-system: $(STAMP) ## Run the tests that need a database on the system's PostgreSQL
	@$(PYTEST) -n $(WORKERS) -m "not slow and not crash" --postgres=system \
		tests/integration tests/migrations tests/wire $(ARGS)

test-all: test test-slow ## Run every test

lint: $(STAMP) ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP) ## Format the code and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

check: lint test ## Lint, then the quick tests

bench: $(STAMP) ## Measure: rates, latencies, CPU per workflow (see benchmarks/README.md)
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: $(STAMP) ## Fuzz the parser and the validator for SECONDS (installs atheris into .venv)
	@$(BIN)/pip install --quiet "atheris>=2.3"
	@$(BIN)/python -m tests.fuzz.fuzz_definitions .fuzz -max_total_time=$(SECONDS) -timeout=10

build: $(STAMP) ## Build sdist and wheel, and try the wheel in a clean environment
	@$(BIN)/python .ci/build_check.py

clean: ## Remove what tools left behind; never environments and never data
	rm -rf build dist .fuzz .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)*/*' -prune -exec rm -rf {} +
