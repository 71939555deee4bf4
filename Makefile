# The few verbs of this project; each works from a fresh clone with python3 (3.11+) and make alone.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Twice quiet: errors alone.
PIP    := $(BIN)/pip --quiet --quiet --disable-pip-version-check
# The machine's npm, or the one that comes as a wheel.
NPM    := $(shell command -v npm 2>/dev/null || echo $(abspath $(BIN))/ordercast-npm)
export PATH := $(PATH):$(abspath $(BIN))

# The hashes are of every file of a version, wheels for all platforms and the sources: one set of pins fits all machines.
COMPILE := $(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links

PAGES  := src/ordercast/pages/index.html
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help install run test check lint types web fmt bench clean pins schema api-types pages

help:            ## Show this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

$(VENV)/.installed: requirements.txt requirements-build.txt pyproject.toml
	@scripts/make-venv $(PYTHON) $(VENV)
	@echo "Installing Python packages (the first time takes half a minute) ..."
	@$(PIP) install --require-hashes -r requirements.txt
	@$(PIP) install --require-hashes -r requirements-build.txt
	@command -v npm >/dev/null || scripts/install-npm $(BIN)
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	@echo "Installing what the tests need ..."
	@$(PIP) install --require-hashes -r requirements-dev.txt
	@touch $@

$(PAGES): $(WEB_SOURCES) | $(VENV)/.installed
	@echo "Building the pages ..."
	@cd web && $(NPM) ci --silent && $(NPM) run --silent build -- --logLevel warn
	@touch $@

install: $(VENV)/.installed ## Make .venv with everything that serving needs

pages: $(PAGES)

run: install pages ## Serve the demo shop on http://localhost:3000
	@exec $(BIN)/ordercast serve

test: check      ## Everything that must hold, with the real browser, databases and clients
	scripts/install-test-tools
	$(BIN)/pytest -n 2 --dist loadgroup

check: $(VENV)/.installed-dev pages lint types web

web: pages
	cd web && $(NPM) run --silent lint && $(NPM) test --silent

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(VENV)/.installed-dev
	$(BIN)/mypy

fmt: $(VENV)/.installed-dev pages ## Format, and mend what a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd web && $(NPM) run --silent format

bench: $(VENV)/.installed-dev ## Ours beside its peers, as CPU per message
	$(BIN)/python -m bench

api-types: $(VENV)/.installed pages ## Make the pages' types of the API anew
	$(BIN)/ordercast openapi > web/openapi.json
	cd web && $(NPM) exec --silent -- openapi-typescript openapi.json -o src/api/schema.ts
	@rm web/openapi.json

schema: $(VENV)/.installed ## Write the first migration anew from the tables (until the first release)
	$(BIN)/python -c "from ordercast.db import migrate; migrate.write_first_migration()"

pins: ## Compile the requirement files anew from pyproject.toml
	$(BIN)/pip install --quiet pip-tools
	$(COMPILE) -o requirements.txt pyproject.toml
	$(COMPILE) -c requirements.txt -o requirements-build.txt requirements-build.in
	$(COMPILE) --extra dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove what was built; the shop's data stays
	rm -rf $(VENV) web/node_modules src/ordercast/pages tests/clients/node_modules bench/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
