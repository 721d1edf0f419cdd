# Two commands: `make verify` runs the main job, `make test` the tests. Each makes .venv by itself.
# verify makes a virtual environment, and so runs the stack's code as this user; ENGINE=docker makes the image.
#   make verify STACK=cpu-torch213
#   make verify ENGINE=docker
#   make test ARGS="--docker --online"

PYTHON ?= python3
STACK ?= cuda124-torch25
ENGINE ?= venv
ARGS ?=
EXTRAS ?= dev
READY := .venv/.ready-$(EXTRAS)

.PHONY: verify test lint clean

verify: $(READY)
	@.venv/bin/stackcheck verify $(STACK) --engine $(ENGINE) $(ARGS)

test: $(READY)
	.venv/bin/python -m pytest $(ARGS)

lint: $(READY)
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy stackcheck probes tests conftest.py

# Debian keeps ensurepip in python3-venv; without it pip comes as a wheel, checked against the index's hash.
$(READY): pyproject.toml
	@echo "making .venv ..." >&2
	@$(PYTHON) -m venv .venv >/dev/null 2>&1 || { $(PYTHON) -m venv --clear --without-pip .venv && .venv/bin/python tools/fetch_pip.py; }
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable ".[$(EXTRAS)]"
	@touch $@

clean:
	rm -rf .venv .stackcheck
