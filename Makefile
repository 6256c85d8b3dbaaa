.DEFAULT_GOAL := help
PY := .venv/bin/python
export PATH := $(CURDIR)/.venv/bin:$(PATH)
ifneq ($(wildcard ../shared/data/README.md),)
export REMIT_SHARED_DATA ?= $(abspath ../shared/data)
endif

LOCK := -q --universal --python-version 3.11 --generate-hashes --no-annotate --no-header

.PHONY: help setup demo test test-postgresql check fast bench screenshots fix lock clean

help: ## what each command does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 24

setup: .venv/ready ## virtual environment and locked dependencies (every command below does it by itself)

# What running takes, and beside it what testing takes: whoever only looks does not wait for the rest.
.venv/core: requirements/core.lock
	python3 -c 'import sys; sys.exit("Remit needs Python 3.11 or newer; this is " + sys.version) if sys.version_info < (3, 11) else None'
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/core.lock
	$(PY) -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "remit.pth").write_text(str(pathlib.Path("src").resolve()))'
	printf '#!/bin/sh\nexec "%s" -m remit.cli "$$@"\n' "$(CURDIR)/$(PY)" > .venv/bin/remit && chmod +x .venv/bin/remit
	touch $@

.venv/ready: .venv/core requirements/dev.lock
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	touch $@

demo: .venv/core ## an invented shop's support at work, with its console: see the login link it prints
	$(PY) -m remit.cli demo $(ARGS)

test: setup ## all tests; those in a browser need Chromium on PATH, and say so
	$(PY) -m pytest -q -n 2 --dist loadfile $(ARGS)

# Where the database matters most; what starts processes, and tests/store, run on both in `make test`.
AT_THE_STORE := $(addprefix tests/,ledger approvals properties/test_ledger.py \
  $(addprefix journal/test_,runs.py steps.py underway.py) \
  $(addprefix gateway/test_,steps_budgets.py locks.py effects.py turns.py) \
  $(addprefix runtime/test_,runtime.py waiting.py handoffs.py))

test-postgresql: setup ## the same with every cell on PostgreSQL (PART=1: the quick tests where it matters most)
	REMIT_TEST_DATABASE=postgresql $(PY) -m pytest -q -n 2 --dist loadfile $(if $(PART),-m 'not slow' $(AT_THE_STORE)) $(ARGS)

check: setup ## format, lint, types, floors, sizes
	ruff format --check .
	ruff check .
	$(PY) scripts/check_sizes.py
	lint-imports
	pyright

fast: setup ## lint, types, floors and the quick tests, under a minute
	ruff format --check . && ruff check . && $(PY) scripts/check_sizes.py && lint-imports
	pyright & types=$$!; $(PY) -m pytest -q -n 2 --dist loadfile -m 'not slow' -x $(ARGS) && wait $$types

bench: setup ## every benchmark, quick
	for b in benchmarks/*.py; do case $$b in */_*) ;; *) echo "== $$b"; $(PY) $$b --quick || exit 1;; esac; done

screenshots: setup ## the pictures in docs/images, taken anew (needs Chromium)
	PYTHONPATH=src:tests:. $(PY) scripts/screenshots.py

fix: setup ## format and mend what can be mended by machine
	ruff check --fix . ; ruff format .

lock: ## resolve the dependencies of pyproject.toml again (needs uv on PATH)
	uv pip compile $(LOCK) pyproject.toml -o requirements/core.lock
	uv pip compile $(LOCK) --extra dev pyproject.toml -o requirements/dev.lock

clean: ## forget the virtual environment and local data
	rm -rf .venv .remit
