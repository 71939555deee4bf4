# The few verbs of this project; each works from a fresh clone with python3 (3.11+) and make alone.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Twice quiet: errors alone.
PIP    := $(BIN)/pip --quiet --quiet --disable-pip-version-check
# The machine's npm, or the one that comes as a wheel.
NPM    := $(shell command -v npm 2>/dev/null || echo $(abspath $(BIN))/ordercast-npm)
# With an npm of the machine's own, the pages are built while Python's packages are installed.
NEEDED_BY_NPM := $(if $(shell command -v npm 2>/dev/null),,$(VENV)/.installed)
export PATH := $(PATH):$(abspath $(BIN))

# One set of pins fits all machines: for every Python from 3.11.0 on, and with the hashes of every file of a version,
# wheels for all platforms and the sources.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links

# Made, not kept: the pages, the pages' types of the API, and the client's of events and commands.
PAGES  := src/ordercast/pages/index.html
TYPES  := web/src/api/schema.ts
EVENT_TYPES := web/client/src/generated.ts
WEB_SOURCES := $(shell find web -type f -not -path '*/node_modules/*' -not -path '*/dist/*' -not -path $(TYPES) \
	-not -path $(EVENT_TYPES) -not -name '*.tsbuildinfo' 2>/dev/null)
SERVER_SOURCES := $(shell find src -name '*.py' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help install run test tests test-board test-postgres-versions compiled tools check lint types web web-lint web-types web-test \
	fmt bench clean pins schema api-types client pages

help:            ## Show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

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

web/node_modules/.installed: web/package-lock.json | $(NEEDED_BY_NPM)
	@echo "Installing what the pages are built with ..."
	@cd web && $(NPM) ci --silent --prefer-offline --no-audit --no-fund
	@touch $@

# Vite takes the types away unread: they are made for who checks them.
$(PAGES): $(WEB_SOURCES) web/node_modules/.installed
	@echo "Building the pages ..."
	@cd web && $(NPM) run --silent build -- --logLevel warn
	@touch $@

$(TYPES): $(SERVER_SOURCES) web/node_modules/.installed | $(VENV)/.installed
	@mkdir -p build
	@$(BIN)/ordercast openapi > build/openapi.json
	@cd web && $(NPM) exec --silent -- openapi-typescript ../build/openapi.json -o src/api/schema.ts

$(EVENT_TYPES): $(SERVER_SOURCES) web/scripts/event-types.mjs web/node_modules/.installed | $(VENV)/.installed
	@mkdir -p build
	@$(BIN)/ordercast asyncapi > build/asyncapi.json
	@cd web && node scripts/event-types.mjs ../build/asyncapi.json client/src/generated.ts

install: $(VENV)/.installed ## Make .venv with everything that serving needs

pages: $(PAGES)

run: install pages ## Serve the demo shop on http://localhost:3000
	@exec $(BIN)/ordercast serve

# Half of what comes before the tests waits for nothing of the other half. While tests wait, the checks that compute for
# long have the cores: one at a time, behind whatever a test has to do, each saying when it is done what it found.
# What is compiled is kept, whatever the machine's habit: hundreds of processes would compile it anew.
test: export PYTHONDONTWRITEBYTECODE :=
test:            ## Everything that must hold, with the real browser, databases and clients
	+@$(MAKE) --no-print-directory -j 2 web-test tools pages compiled lint api-types
	+@$(MAKE) --no-print-directory -j 2 BEHIND="nice -n 19" tests types web-lint web-types

# Of the tests some wait: three fill two cores. What is make's own is not theirs.
tests: $(VENV)/.installed-dev pages tools
	env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL $(BIN)/pytest -n 3 --dist loadgroup

# Once, in place of once by each of the tests' workers.
compiled: $(VENV)/.installed-dev pages tools
	@mkdir -p build
	@$(BIN)/pytest --collect-only -qq > build/tests.txt || { cat build/tests.txt; exit 1; }

tools: $(VENV)/.installed
	scripts/install-test-tools

# Of its own, for its four servers are 230 MB to fetch, and each takes its minutes.
test-postgres-versions: $(VENV)/.installed-dev ## The tests that depend on PostgreSQL, on 14 to 17; `make test` has 18
	scripts/test-postgres-versions

# Of its own, for 1,300 orders are placed for it.
test-board: $(VENV)/.installed-dev pages tools ## The board in Chromium in trouble, also with 300 orders open and 1,000 over
	ORDERCAST_TEST_BOARD=1 $(BIN)/pytest tests/journey/test_board_trouble.py

check: $(VENV)/.installed-dev pages lint types web

web: web-lint web-types web-test

web-lint web-types: api-types
	cd web && $(BEHIND) $(NPM) run --silent $(@:web-%=%)

web-test: web/node_modules/.installed
	cd web && $(NPM) test --silent

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python scripts/import-cycles ordercast.hub ordercast.contrib ordercast.wire

types: $(VENV)/.installed-dev
	$(BEHIND) $(BIN)/mypy

fmt: $(VENV)/.installed-dev api-types ## Format, and mend what a machine can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	cd web && $(NPM) run --silent format

bench: $(VENV)/.installed-dev ## Ours beside its peers, as CPU per message
	$(BIN)/python -m bench

api-types: $(TYPES) $(EVENT_TYPES) ## Make the types of the API and of events, for an editor to read

client: $(EVENT_TYPES) ## Pack the TypeScript client into build/, to be published
	cd web/client && $(NPM) pack --silent --pack-destination ../../build

schema: $(VENV)/.installed ## Write the schema as SQL into build/, to read or to compare
	@$(BIN)/python -m ordercast.db.schema_script build

pins: ## Compile the requirement files anew from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(COMPILE) -o requirements.txt pyproject.toml
	$(COMPILE) -c requirements.txt -o requirements-build.txt requirements-build.in
	$(COMPILE) --extra dev -c requirements.txt -c requirements-build.txt -o requirements-dev.txt pyproject.toml

clean: ## Remove what was built; the shop's data stays
	rm -rf $(VENV) web/node_modules $(TYPES) $(EVENT_TYPES) src/ordercast/pages build tests/clients/node_modules tests/postgres_versions/node_modules bench/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
