# Two commands do everything on a machine with Python 3.11: `make demo` and `make test`. Both build their own environment first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
# Blender 5.2 is Python 3.13: a second environment for the Blender side alone, where a Python 3.13 is found.
VENV52 := .venv-blender52
PYTHON313 ?= $(shell for python in python3.13 "env PYENV_VERSION=$$(ls $${PYENV_ROOT:-$$HOME/.pyenv}/versions 2>/dev/null | grep '^3\.13' | tail -n 1) python3.13"; \
	do $$python -c '' 2>/dev/null && echo "$$python" && break; done)
# Blender 4.2, the oldest that is promised, is Python 3.11.
VENV42 := .venv-blender42

.PHONY: help env demo test test-all test-window lint types test-main test-blender52 test-blender42 extension clean-env

help:
	@echo 'make demo       the whole way on built-in defaults: video in, anime in Blender'"'"'s sequencer out (out/demo)'
	@echo 'make test       lint, types and tests, with Blender 4.5 and, where Python 3.13 is found, 5.2'
	@echo 'make test-all   the slow and thorough tests too, and those with Blender 4.2'
	@echo 'make test-window  the add-on in a real Blender window: BLENDER=/path/to/blender make test-window'
	@echo 'make env        only the environment: .venv with the command ningyo in it'
	@echo 'make extension  the Blender extension: dist/ningyo-VERSION.zip'

env: $(VENV)/.ready

$(VENV)/.ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || \
		{ echo 'Python 3.11 is needed and was not found; install it, or say where it is: make PYTHON=/path/to/python3.11'; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[worker,cluster,test,readers,dev]'
	@touch $@

$(VENV52)/.ready: pyproject.toml
	$(PYTHON313) -m venv $(VENV52)
	$(VENV52)/bin/python -m pip install --quiet --editable '.[blender,test]'
	@touch $@

$(VENV42)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV42)
	$(VENV42)/bin/python -m pip install --quiet --editable '.[blender42,test]'
	@touch $@

demo: env
	$(BIN)/ningyo demo --out out/demo

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/basedpyright --level error

test-main: env
	$(BIN)/python -m pytest -m 'not slow'

test-blender52:
ifeq ($(strip $(PYTHON313)),)
	@echo 'Python 3.13 was not found: the tests with Blender 5.2 are left out. Say where it is with make PYTHON313=/path/to/python3.13'
else
	@$(MAKE) --no-print-directory $(VENV52)/.ready
	$(VENV52)/bin/python -m pytest -m 'not slow'
endif

test-blender42: $(VENV42)/.ready
	$(VENV42)/bin/python -m pytest -m 'not slow'

# The add-on in a real Blender's window: BLENDER=/path/to/blender, and a screen (xvfb-run).
test-window: env
	$(BIN)/python -m pytest tests/window

test: lint types test-blender52 test-main

test-all: lint types test-blender42
	@$(MAKE) --no-print-directory $(VENV52)/.ready
	$(VENV52)/bin/python -m pytest
	$(BIN)/python -m pytest

extension: env
	$(BIN)/python -m ningyo.addon.build --out dist
