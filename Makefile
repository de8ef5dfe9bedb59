# Everything goes into .venv; nothing else of the machine is changed, but for `make test`, which installs
# Debian's chromium-headless-shell, nginx-light, pgbouncer and prometheus where it may. CONTRIBUTING.md says more.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
SOURCES := app tests
# Tests wait a good deal, for servers that start and endpoints that are slow: three workers more than cores.
WORKERS := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 3)))

.PHONY: run install test container check audit lock sbom format bench mutate screenshots system
.DEFAULT_GOAL := run

run: .venv/installed-run
	@exec $(BIN)/muster serve --practice

install: .venv/installed-dev

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Muster needs Python 3.11 or newer; set PYTHON=/path/to/python."; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) can't make a virtual environment; on Debian install the package python3-venv."; exit 1; }

# A file per kind of installation remembers that it is done, so that a second `make run` starts at once.
# What runs is installed by hash: requirements.txt is made from pyproject.toml by `make lock`.
.venv/installed-run: pyproject.toml requirements.txt | .venv/bin/python
	@echo "Installing Muster into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(PIP) --no-deps --editable .
	@touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	@echo "Installing Muster and its tools into .venv ..."
	@$(PIP) --editable ".[dev]"
	@touch $@ .venv/installed-run

test: install system
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# Builds deploy/Containerfile on a base of Debian's and runs it: as root, with buildah and mmdebstrap.
container: install
	TEST_CONTAINER=1 $(BIN)/python -m pytest -q tests/deploy/test_container.py

# What tests need of the system. Nothing is started: nginx and promtool are run by the tests themselves.
SYSTEM := chromium-headless-shell nginx-light pgbouncer prometheus
system:
	@if command -v chromium-headless-shell >/dev/null && command -v promtool >/dev/null && [ -x /usr/sbin/nginx ] && \
		[ -x /usr/sbin/pgbouncer ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { apt-get update -qq; \
		SYSTEMD_OFFLINE=1 DEBIAN_FRONTEND=noninteractive \
		apt-get install -y -qq --no-install-recommends $(SYSTEM) >/dev/null; }; then :; \
	else echo "Of $(SYSTEM) something is missing, so the tests that need it are left out; install these packages."; fi

check: install
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)
	$(BIN)/mypy
	@$(MAKE) --no-print-directory audit

# Known weaknesses of what a Muster installs fail the check. pip-audit asks a public database for them; where
# that can't be reached, a line says so. AUDIT is for more options, such as another database.
audit: install
	@said=$$(mktemp); trap 'rm -f "$$said"' EXIT; \
	if found=$$($(BIN)/pip-audit --strict --requirement requirements.txt --disable-pip --timeout 5 \
		--progress-spinner off $(AUDIT) 2>"$$said"); then echo "pip-audit knows of no weakness in requirements.txt."; \
	elif [ -n "$$found" ]; then echo "$$found"; exit 1; \
	else echo "NOT LOOKED FOR: known weaknesses of what is installed. pip-audit says:"; tail -n 1 "$$said"; fi

# What the tests passed with is what a Muster installs: the one file is made within the bounds of the other.
lock: install
	$(BIN)/pip freeze --exclude-editable > constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --strip-extras --no-header --no-annotate --no-emit-index-url \
		--no-emit-find-links --no-emit-trusted-host --constraint constraints.txt \
		--output-file requirements.txt pyproject.toml

# What a Muster installs, as a CycloneDX document.
SBOM := muster.cdx.json
sbom: install
	@$(BIN)/cyclonedx-py requirements requirements.txt --output-format JSON --output-file $(SBOM)

format: install
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

bench: install
	$(BIN)/python -m tests.bench

mutate: install
	$(BIN)/python -m tests.mutate

screenshots: install system
	$(BIN)/python -m tests.screenshots
