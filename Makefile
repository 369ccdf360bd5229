# `make demo` and `make test` work from a clean clone: each makes the environment it needs.
PYTHON ?= python3
CORE := .venv
DEV := .venv-dev
PIP := -m pip install --quiet --disable-pip-version-check -c constraints.txt
STALE := pyproject.toml constraints.txt

.PHONY: demo test test-all peers bench hub-check lint format clean

demo: $(CORE)/ready
	$(CORE)/bin/tacit demo --out runs/demo --replace

test: $(DEV)/ready
	$(DEV)/bin/python -m pytest -q -n 2

test-all: $(DEV)/ready
	$(DEV)/bin/python -m pytest -q -n 2 -m "not peers"

# Dictionaries to and from other tools, each tool in an environment that the first run makes.
peers: $(DEV)/ready
	$(DEV)/bin/python -m pytest -q -m peers tests/peers

bench: $(DEV)/ready
	$(DEV)/bin/python -m benchmarks

# Needs a network: a published model and dataset, and a published figure beside ours.
hub-check: $(DEV)/ready
	$(DEV)/bin/python -m benchmarks.hub_check

lint: $(DEV)/ready
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/pyright --pythonpath $(DEV)/bin/python

format: $(DEV)/ready
	$(DEV)/bin/ruff format .
	$(DEV)/bin/ruff check --fix .

# torch first: asked for by its exact version, a local CPU build is taken where there is one.
$(CORE)/ready: $(STALE)
	$(PYTHON) -m venv $(CORE)
	$(CORE)/bin/python $(PIP) torch==2.13.0
	$(CORE)/bin/python $(PIP) -e .
	touch $@

$(DEV)/ready: $(STALE)
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) torch==2.13.0
	$(DEV)/bin/python $(PIP) -e ".[dev]"
	touch $@

clean:
	rm -rf $(CORE) $(DEV) .venv-rivals build
