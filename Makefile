# keepapart: `make demo` shows the whole job, `make test` checks it, `make bench` measures it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DIST   := dist

.DEFAULT_GOAL := help
.PHONY: help demo demo-ec2 test bench campaign lint lock schemas release clean faults

help:  ## What can be made here
	@sed -n 's/^\([a-z0-9-]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

$(VENV)/ready: requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "keepapart needs Python 3.11 or later: make PYTHON=python3.11 …"; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 2; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(VENV)/ready  ## The main job end to end on a lab cloud: no account, no root
	@$(BIN)/python -m keepapart.lab.demo

demo-ec2: $(VENV)/ready  ## The same through the EC2 API, which the lab answers
	@$(BIN)/python -m keepapart.lab.demo.ec2

test: lint  ## The whole test suite
	$(BIN)/pytest

lint: $(VENV)/ready  ## Format, lint, types, and which way imports go
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: $(VENV)/ready  ## Figures side by side with the peers that are installed
	@$(BIN)/python -m benchmarks

campaign: $(VENV)/ready  ## Random worlds by the million pairs and labs by the hundred, verdicts against the truth
	@$(BIN)/python -m campaign --worlds 300 --labs 60 --networks --write docs/campaign.md

faults: $(VENV)/ready  ## Every strategy, every fault, kill -9 at every arrow; the tables of docs/faults.md
	$(BIN)/python -m faults --over cloud --write docs/faults.md
	$(BIN)/python -m faults --over ec2 --write docs/faults.md
	$(BIN)/python -m faults --over packets --write docs/faults.md

schemas: $(VENV)/ready  ## The JSON Schemas of all documents anew, after a change to one
	$(BIN)/python -m keepapart.documents

lock: $(VENV)/ready  ## Renew the hash-locked requirements (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --all-extras pyproject.toml -o requirements/dev.txt

release: $(VENV)/ready  ## Wheel and sdist, built into dist/ and checked; uploading them is left to a person
	rm -rf $(DIST)
	$(BIN)/python -m build --no-isolation --outdir $(DIST)
	$(BIN)/twine check --strict $(DIST)/*

clean:  ## Remove what was made here
	rm -rf $(VENV) $(DIST) demo .mypy_cache .pytest_cache .ruff_cache
