# Instep: the commands of daily work. Everything they need is installed into .venv from the lock files.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
WORKERS ?= 3
ALL_WORKERS := $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal
SECONDS ?= 60
FIRST ?= 10000
KILLS ?= 100
SEED ?= 1
# What was compiled is kept, whatever the environment says: hundreds of processes import the same modules.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo demo-tryton browser pictures test test-fast check kill format bench soak docs lock clean exhaustive crash-points machine qa

help: ## show these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Instep needs Python 3.11 or later; set PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(VENV)

$(RUN_STAMP): requirements.lock requirements-build.lock pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock -r requirements-build.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(RUN_STAMP) ## both systems, filled and kept in step, told in the terminal; then the console on them
	$(BIN)/instep demo

demo-tryton: $(RUN_STAMP) ## the same against a real Tryton, which it installs beside Instep the first time
	INSTEP_TRYTON_CACHE=.cache/tryton $(BIN)/instep demo --tryton

test: $(DEV_STAMP) ## every test; fails, too, when less than 95% of the core's branches are covered
	$(ALL_WORKERS) --cov=instep.core --cov-branch --cov-report=term:skip-covered --cov-fail-under=95

browser: $(DEV_STAMP) ## the Chromium that the tests of the console need, fetched beforehand into .cache/browser
	$(BIN)/python -m tests.console.browser

pictures: $(DEV_STAMP) ## the README's pictures of the console anew, from the data of the demonstration
	$(BIN)/python -m tests.console.pictures

test-fast: $(DEV_STAMP) ## the tests that take no more than seconds
	$(ALL_WORKERS) -m "not slow"

exhaustive: $(DEV_STAMP) ## all that can happen to one linked record within a budget; BUDGET="2 2 1 1" for another
	$(BIN)/python -m tests.exhaustive --workers $(WORKERS) $(if $(BUDGET),--budget $(BUDGET))

crash-points: $(DEV_STAMP) ## seven scenarios, the engine killed at every point of each, under five profiles of abilities
	$(BIN)/python -m tests.exhaustive.crash_points --workers $(WORKERS)

check: $(DEV_STAMP) ## lint, types, import layers, and that every test can be imported
	$(BIN)/ruff format --check src tests bench docs
	$(BIN)/ruff check src tests bench docs
	$(BIN)/mypy
	$(BIN)/lint-imports
	@collected=$$($(BIN)/python -m pytest --collect-only -qqq) || { echo "$$collected"; exit 1; }

bench: $(RUN_STAMP) ## requests, CPU and memory against the sandbox; LARGE=--large for 100,000 records
	$(BIN)/python -m bench.run $(LARGE)

kill: $(DEV_STAMP) ## KILLS=100 syncs killed at random moments, then compared with undisturbed ones; SEED=1
	$(BIN)/python -m tests.badday.kills --kills $(KILLS) --seed $(SEED)

soak: $(DEV_STAMP) ## simulated worlds for SECONDS=60, from seed FIRST=10000 on; fails if one breaks a law
	$(BIN)/python -m tests.simulation.soak --seconds $(SECONDS) --first $(FIRST) --shrink 300

machine: $(DEV_STAMP) ## offices at work for SECONDS=60: people, commands and faults in any order; FIRST=10000 is the first seed
	$(BIN)/python -m tests.machine --seconds $(SECONDS) --first $(FIRST)

format: $(DEV_STAMP) ## put the code into the project's format
	$(BIN)/ruff format src tests bench docs
	$(BIN)/ruff check --fix src tests bench docs

docs: $(DEV_STAMP) ## write the generated reference anew
	$(BIN)/python -m docs.generate
	$(BIN)/python -m tests.protections

qa: $(DEV_STAMP) ## run the shipped dataflows' checklists against the sandbox and Tryton, and write what came of them
	INSTEP_TRYTON_CACHE=.cache/tryton $(BIN)/python -m docs.checklist

lock: ## renew the lock files from pyproject.toml
	$(PYTHON) -m venv .venv-lock && .venv-lock/bin/pip install --quiet uv
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml -o requirements.lock
	printf 'hatchling\neditables\n' | .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header -c requirements.lock - -o requirements-build.lock
	.venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header --extra dev --extra sql --extra oidc --extra otel -c requirements.lock pyproject.toml -o requirements-dev.lock
	printf '%s\n' 'trytond==8.2.*' 'trytond_sale==8.2.*' 'trytond_party_relationship==8.2.*' 'proteus==8.2.*' | .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header - -o src/instep/sandbox/tryton/requirements-tryton.lock
	rm -rf .venv-lock

clean: ## remove everything that these targets made
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist
