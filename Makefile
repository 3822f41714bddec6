# make demo: the main job on the bundled logs; make test: the tests. Both set up what they need.
PYTHON ?= python3
UV ?= uv
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check

.PHONY: demo test check bench install lock clean
.DEFAULT_GOAL := demo

# pip verifies every package against the hashes of the lock; the project itself is then added without looking further.
$(VENV)/.installed: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tollbook needs Python 3.11 or later, and $(PYTHON) is not: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

install: $(VENV)/.installed

demo: install
	@$(BIN)/tollbook demo

test: install
	@$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

check: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: install
	@$(BIN)/python -m benchmarks

# Writes the lock anew (needs uv). It names packages and hashes, never the address of a registry.
lock:
	$(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11 \
	  --group dev --group build pyproject.toml --output-file requirements.lock

clean:
	rm -rf $(VENV) .demo .pytest_cache .mypy_cache .ruff_cache .hypothesis dist
