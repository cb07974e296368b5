# `make` prints this help. Everything runs in .venv, which is made on first use from requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
WATCH  ?= watches/ukraine
FEEDS  ?=
ARGS   ?=
ARCHIVES ?= ../shared/feeds
PEERS := build/peers
# torch from PyPI on Linux brings gigabytes of CUDA. TORCH_INDEX names a package index with a smaller build.
TORCH_INDEX ?=

.DEFAULT_GOAL := help
.PHONY: help env run test lint types unit format feeds-corpus train lock sdist backtest benchmark-attacks benchmark-pace benchmark-polling infrastructure template deploy clean benchmark-tagging

help:  ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(VENV)/ready  ## create the environment (.venv)

$(VENV)/ready: requirements.lock setup.py
	$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Python 3.11 or 3.12 is needed, this is %d.%d: make PYTHON=python3.11" % v)'
	$(PYTHON) -m venv $(VENV)
	$(if $(TORCH_INDEX),$(BIN)/pip install --quiet --index-url $(TORCH_INDEX) torch==2.13.0)
	$(BIN)/pip install --quiet --requirement requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	$(BIN)/pip check
	@touch $@

run: env  ## watch the recorded crisis (FEEDS=watches/ukraine/feeds.opml: the real feeds; WATCH=...: another watch)
	@exec $(BIN)/vedette run --watch $(WATCH) $(if $(FEEDS),--feeds $(FEEDS)) $(ARGS)

test: lint types unit  ## everything a commit must pass

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

unit: env
	$(BIN)/pytest $(ARGS)

format: env  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

feeds-corpus: env  ## read the feeds of other projects and 20,000 mutations of them (ARCHIVES=directory of *.tar.gz)
	@$(BIN)/python tests/transforms/feeds/corpus.py --archives $(ARCHIVES) $(ARGS)

train: env  ## learn the weights of the semantic layer anew from the labelled examples
	@$(BIN)/python -m transforms.signals.training watches/ukraine

lock: env  ## write requirements.lock anew from what .venv holds
	$(BIN)/pip freeze --all --exclude pip --exclude vedette --exclude-editable | sed 's/+cpu$$//' > requirements.lock

backtest: env  ## what the detector says of recorded entries (INPUT=entries.jsonl OUTPUT=build/backtest)
	$(BIN)/vedette backtest --watch $(WATCH) --input $(INPUT) --output $(or $(OUTPUT),build/backtest)

sdist: env  ## the package for --setup_file, in dist/
	$(BIN)/python setup.py --quiet sdist

benchmark-attacks: env  ## poll feeds that attack: each is refused or bounded, and memory does not grow
	@$(BIN)/python benchmarks/attacks.py $(ARGS)

benchmark-pace: env  ## a thousand feeds of which a tenth hang: how late the others are
	@$(BIN)/python benchmarks/pace.py $(ARGS)

benchmark-polling: env $(PEERS)/ready  ## feed polls an hour on one core, beside lemon24/reader and feedparser + requests
	@$(BIN)/python benchmarks/polling.py --peers $(PEERS)/bin/python $(ARGS)

benchmark-tagging: env  ## entries and articles read a second on one core, beside a spaCy EntityRuler
	@$(BIN)/python benchmarks/tagging.py --watch $(WATCH) $(ARGS)

$(PEERS)/ready: benchmarks/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --requirement $<
	@touch $@

infrastructure: env  ## what a deployment needs in a Google Cloud project, made once (PROJECT=, REGION=, BUCKET=, WATCH=)
	@$(BIN)/python deploy/deploy.py infrastructure --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" --watch $(WATCH) $(ARGS)

template: env  ## build the container and the Dataflow flex template (PROJECT=, REGION=, BUCKET=)
	@$(BIN)/python deploy/deploy.py template --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" $(ARGS)

deploy: env  ## run the template as a Dataflow job (PROJECT=, REGION=, BUCKET=, WATCH=)
	@$(BIN)/python deploy/deploy.py deploy --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" --watch $(WATCH) $(ARGS)

clean:  ## remove what was built (not .venv)
	rm -rf build dist .vedette *.egg-info
