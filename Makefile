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
.PHONY: help env run test lint types unit unit-waiting unit-computing format feeds-corpus train lock sdist backtest benchmark-attacks benchmark-embedding benchmark-folding benchmark-pace benchmark-polling benchmark-pubsub benchmark-restart benchmark-stories benchmark-tagging kill-test pubsub-conformance pubsub-crash pubsub-verdicts infrastructure template deploy clean

help:  ## print this help
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

env: $(VENV)/ready  ## create the environment (.venv)

$(VENV)/ready: requirements.lock setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 13) else "Python 3.11 or 3.12 is needed, this is %d.%d: make PYTHON=python3.11" % v)'
	@echo 'installing requirements.lock into $(VENV): some minutes and 2.5 GB (on Linux more, see TORCH_INDEX)'
	@$(PYTHON) -m venv $(VENV)
	@$(if $(TORCH_INDEX),$(BIN)/pip install --quiet --index-url $(TORCH_INDEX) torch==2.13.0)
	@# Quiet twice: the pip that comes with Python 3.11 warns of an extra of lxml ("html_clean") that it has by the name of
	@# html-clean, and that the lock names itself. pip check says below whether anything is missing.
	@$(BIN)/pip install --quiet --quiet --requirement requirements.lock
	@$(BIN)/pip install --quiet --no-deps --editable .
	@$(BIN)/pip check
	@touch $@

run: env  ## watch the recorded crisis (FEEDS=watches/ukraine/feeds.opml: the real feeds; WATCH=...: another watch)
	@exec $(BIN)/vedette run --watch $(WATCH) $(if $(FEEDS),--feeds $(FEEDS)) $(ARGS)

test: lint types unit  ## everything a commit must pass

lint: env
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: env
	$(BIN)/mypy

# Two halves side by side: one mostly waits for processes and servers, the other computes.
WAITING := tests/deploy tests/localpubsub tests/pipelines
COMPUTING := tests/schemas tests/transforms tests/watches tests/test_watch_free_code.py
unit: env
ifdef ARGS
	$(BIN)/pytest $(ARGS)
else
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target unit-waiting unit-computing
endif

unit-waiting:
	$(BIN)/pytest $(addprefix --ignore=,$(COMPUTING))

unit-computing:
	$(BIN)/pytest $(addprefix --ignore=,$(WAITING))

format: env  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

feeds-corpus: env  ## read the feeds of other projects and 20,000 mutations of them (ARCHIVES=directory of *.tar.gz)
	@$(BIN)/python tests/transforms/feeds/corpus.py --archives $(ARCHIVES) $(ARGS)

train: env  ## learn the weights of the reader anew from the labelled examples (an hour)
	@$(BIN)/python -m transforms.signals.training watches/ukraine

lock: env  ## write requirements.lock anew from what .venv holds
	$(BIN)/pip freeze --all --exclude pip --exclude vedette --exclude-editable | sed 's/+cpu$$//' > requirements.lock

backtest: env  ## what the detector says of recorded entries (INPUT=entries.jsonl OUTPUT=build/backtest)
	$(BIN)/vedette backtest --watch $(WATCH) --input $(INPUT) --output $(or $(OUTPUT),build/backtest)

sdist: env  ## the package for --setup_file, in dist/
	$(BIN)/python setup.py --quiet sdist

benchmark-attacks: env  ## poll feeds that attack: each is refused or bounded, and memory does not grow
	@$(BIN)/python benchmarks/attacks.py $(ARGS)

benchmark-embedding: env  ## texts embedded a second, beside sentence_transformers with its defaults
	@$(BIN)/python benchmarks/embedding.py $(ARGS)

benchmark-folding: env $(PEERS)/ready  ## what folding costs with a thousand to a million stories open, beside brute force, faiss and semhash
	@$(BIN)/python benchmarks/folding.py --peers $(PEERS)/bin/python $(ARGS)

benchmark-pace: env  ## a thousand feeds of which a tenth hang: how late the others are
	@$(BIN)/python benchmarks/pace.py $(ARGS)

benchmark-polling: env $(PEERS)/ready  ## feed polls an hour on one core, beside lemon24/reader and feedparser + requests
	@$(BIN)/python benchmarks/polling.py --peers $(PEERS)/bin/python $(ARGS)

benchmark-restart: env  ## how long a killed detector takes to be where it was, with 70,000 entries in its window
	@$(BIN)/python benchmarks/restart.py $(ARGS)

benchmark-tagging: env  ## entries and articles read a second on one core, beside a spaCy EntityRuler
	@$(BIN)/python benchmarks/tagging.py --watch $(WATCH) $(ARGS)

kill-test: env  ## kill the detector 20 times at random moments: the alerts are those of a backtest of the same log
	@$(BIN)/python benchmarks/kills.py $(ARGS)

benchmark-stories: env  ## how good the stories are with each part of the judgement left out
	@$(BIN)/python benchmarks/stories_ablation.py $(ARGS)

$(PEERS)/ready: benchmarks/requirements.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/pip install --quiet --requirement $<
	@touch $@

benchmark-pubsub: env  ## what the local Pub/Sub carries, beside Google's emulator where it is installed (ARGS=--emulator PATH)
	@$(BIN)/python benchmarks/pubsub.py $(ARGS)

pubsub-conformance: env  ## the system tests of Google's own client library (from PyPI) against the local Pub/Sub
	@$(BIN)/python benchmarks/pubsub_conformance.py $(ARGS)

pubsub-crash: env  ## kill the local Pub/Sub 50 times at random moments: nothing confirmed may be lost or undone
	@PUBSUB_KILLS=$(or $(KILLS),50) $(BIN)/pytest --capture=no tests/localpubsub/test_pubsub_crash.py $(ARGS)

pubsub-verdicts: env  ## record what Google's emulator says of Avro schemas and messages (ARGS="--fuzz 500": only compare)
	@$(BIN)/python benchmarks/pubsub_verdicts.py $(ARGS)

infrastructure: env  ## what a deployment needs in a Google Cloud project, made once (PROJECT=, REGION=, BUCKET=, WATCH=)
	@$(BIN)/python deploy/deploy.py infrastructure --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" --watch $(WATCH) $(ARGS)

template: env  ## build the container and the Dataflow flex template (PROJECT=, REGION=, BUCKET=)
	@$(BIN)/python deploy/deploy.py template --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" $(ARGS)

deploy: env  ## run the template as a Dataflow job (PROJECT=, REGION=, BUCKET=, WATCH=)
	@$(BIN)/python deploy/deploy.py deploy --project "$(PROJECT)" --region "$(REGION)" --bucket "$(BUCKET)" --watch $(WATCH) $(ARGS)

clean:  ## remove what was built (not .venv)
	rm -rf build dist .vedette *.egg-info
