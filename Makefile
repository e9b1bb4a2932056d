SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export UV_PYTHON_DOWNLOADS := never
export DO_NOT_TRACK := 1
export GX_ANALYTICS_ENABLED := false

.DEFAULT_GOAL := help
.PHONY: help setup system lock demo test test-slow lint bench docs screenshots clean

help:  ## list the verbs
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(VENV)/.installed  ## virtual environment with the locked versions

$(VENV)/.installed: requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	$(BIN)/uv pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	touch $@

# What tests open beside Python. What cannot be installed is skipped, with the command that would.
system:
	@missing=""; \
	command -v chromium chromium-browser google-chrome >/dev/null || missing="chromium fonts-noto-cjk"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || command -v initdb >/dev/null || missing="$$missing postgresql"; \
	if [ -z "$$missing" ]; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing $$missing"; \
		{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing; } \
			>/dev/null 2>&1 || echo "could not be installed, its tests are skipped: $$missing"; \
	else echo "not here, its tests are skipped; install with: sudo apt-get install -y $$missing"; fi

lock:  ## pin every dependency again, with hashes
	$(BIN)/uv pip compile pyproject.toml --group dev --generate-hashes --no-annotate --no-header --python-version 3.11 --universal -o requirements.lock
	$(BIN)/uv pip compile bi/superset/requirements.in --generate-hashes --no-annotate --no-header --python-version 3.11 --universal -o bi/superset/requirements.lock

demo: setup  ## simulate a shop, run real nights over it, publish, print the headline figures
	$(BIN)/python -m pipelines.demo

lint: setup  ## ruff, mypy, sqlfluff, the layering rule
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint models macros --disable-progress-bar

test: setup lint system  ## all quick tests (under 15 minutes on 2 cores)
	$(BIN)/pytest -m "not slow" -n 2 --dist loadfile

test-slow: setup system  ## long property tests, crash rounds, the ticking schedule
	$(BIN)/pytest -m slow -n 2 --dist worksteal

bench: setup  ## benchmarks; ratios against a baseline in the same run
	$(BIN)/python -m benchmarks

docs: setup  ## write what derives from the feed declarations and the marts: twins, dictionary, exposures, datasets
	$(BIN)/python -m pipelines.landing.staging_docs
	$(BIN)/python -m pipelines.transform.dictionary

screenshots: setup system  ## take the pictures of the README anew, from the report of the last `make demo`
	$(BIN)/python -m tests.browser.screenshots

clean:  ## remove what setup and runs made
	rm -rf $(VENV) .quanyu target logs
