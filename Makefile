# `make` alone says what there is to do.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
STATE := $(or $(PROMPT_INTENT_HOME),.prompt-intent)

# torch is a step of its own, to come as its CPU build: training uses no GPU. The index is an extra one, asked for this step only;
# without it (TORCH_INDEX=) PyPI answers.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
TORCH_INDEX_OPTION := $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX))

.DEFAULT_GOAL := help
.PHONY: help install run test check bench storm clean mlflow

help: ## Show this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 18

install: $(INSTALLED) ## Make ./.venv with every extra

$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --retries 1 --timeout 20 $(TORCH_INDEX_OPTION) -c constraints.txt torch
	$(BIN)/pip install --quiet -c constraints.txt -e '.[train,serve,dev]'
	touch $(INSTALLED)

run: install ## Train if there is no champion yet, then serve on http://127.0.0.1:8000
	test -f '$(STATE)/champion.json' || $(BIN)/prompt-intent train --effort quick
	$(BIN)/prompt-intent serve --host 127.0.0.1 --port 8000

test: install ## Run all tests (needs Debian's chromium for the page)
	$(BIN)/pytest

check: install ## Lint, format, types, data
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/prompt-intent data check
	$(BIN)/prompt-intent data check data/translations.jsonl --against data/prompts.jsonl

bench: install ## Time classifier and gateway against what users would pick instead (docs/benchmarks.md; 4 GB of peers)
	$(BIN)/python -m tests.benchmarks.bench

storm: install ## Send 2,000 requests through failing vendors, and judge the gateway by the vendors' books
	$(BIN)/python -m tests.benchmarks.storm

mlflow: install ## Open MLflow's UI on our store: http://127.0.0.1:5000
	MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false $(BIN)/mlflow ui --host 127.0.0.1 --port 5000 \
	  --backend-store-uri "$${MLFLOW_TRACKING_URI:-sqlite:///$(abspath $(STATE))/mlflow.db}"

clean: ## Remove the environment and caches; trained state in .prompt-intent stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
