SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
BIN := .venv/bin
export DOSSIER_DATA ?= data
# Without compiled files each of the processes that tests start compiles all it imports anew.
unexport PYTHONDONTWRITEBYTECODE
SEED ?= 1
# Three processes on two cores, as tests wait for services; each takes whole files, the longest first.
SHARED := --numprocesses 3 --dist loadfile --no-loadscope-reorder

.PHONY: help setup lock check format test test-unit chaos-short chaos bench-city demo generate clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

setup: .venv/.installed ## Make .venv from the lock file

.venv/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed, this is " + sys.version.split()[0] \
		if sys.version_info < (3, 11) else 0)'
	@echo "Installing the locked packages into .venv (about 400 MB the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --disable-pip-version-check --progress-bar off --require-hashes -r requirements.lock | \
		awk -v total=$$(grep -c == requirements.lock) '/^Collecting/ { printf "\r  %d of %d fetched", ++n, total; fflush() } \
		/^Installing/ { printf "\n  installing\n"; fflush() }'
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation -e .
	@touch $@

lock: setup ## Write both lock files anew, with the newest versions allowed
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --upgrade --extra dev pyproject.toml -o requirements.lock
	$(BIN)/python -m deploy.embedded.jars --lock

format: setup ## Format the code and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

check: setup ## Format, lint, imports, types, generated files: changes nothing
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/python -m schemas.documents --check
	$(BIN)/dossier grafana check
	$(BIN)/mypy

test: check ## All tests but chaos-short, with a real Kafka and a real ClickHouse; FILE=tests/test_docs.py: that file's
	$(BIN)/pytest --durations 10 $(or $(FILE),-m "not (chaos or scenario)" $(SHARED))

test-unit: setup ## The tests that open no connection, start no process and compute for no tenth of a second
	$(BIN)/pytest -m "not (clickhouse or kafka or platform or loopback or process or chaos or scenario or slow)" \
		--numprocesses 2 --dist worksteal

chaos-short: setup ## Each scenario of make chaos with a few faults, and what make test leaves to it; CI runs both
	$(BIN)/pytest --durations 10 -m "chaos or scenario" $(SHARED)

generate: setup ## Write the generated documents and what Grafana is given anew
	$(BIN)/python -m schemas.documents
	$(BIN)/dossier grafana build

chaos: setup ## Attack everything, print one table of what was lost or doubled; an hour, SEED=1
	TESTS=thorough $(BIN)/pytest -m "not platform" --timeout 3600
	@$(BIN)/python -m chaos --seed $(SEED)

bench-city: setup ## Count 3.5 million dossiers twice and compare every figure; half an hour, 16 GB, SEED=1
	@$(BIN)/python -m bench.city --seed $(SEED)

demo: setup ## Start everything, import the sample log, show the figures
	@$(BIN)/dossier demo

clean: ## Stop the platform and remove all that was made here
	-@test -x $(BIN)/dossier && $(BIN)/dossier down --quiet
	rm -rf .venv $(DOSSIER_DATA) .pytest_cache .mypy_cache .ruff_cache .hypothesis build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
