# keepapart: `make demo` shows the whole job, `make test` checks it, `make bench` measures it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
DIST   := dist

# Commands start from bytecode, as those of an installed package do, whatever the environment says.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help demo demo-ec2 demo-openstack test bench campaign lint lock man platforms schemas release clean faults

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

demo-openstack: $(VENV)/ready  ## On a real Nova with three computes, whose scheduler packed a cluster
	@$(BIN)/python -m demos.openstack

test: lint  ## The whole test suite
	$(BIN)/pytest --numprocesses $$(( $$(nproc) * 3 / 2 )) --dist loadfile  # they wait for what they start

lint: $(VENV)/ready  ## Format, lint, types, and which way imports go
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

bench: $(VENV)/ready  ## Figures side by side with the peers that are installed
	@$(BIN)/python -m benchmarks

campaign: $(VENV)/ready  ## Random worlds by the million pairs and labs by the hundred, verdicts against the truth
	@$(BIN)/python -m campaign --worlds 135 --labs 62 --networks --write docs/campaign.md

faults: $(VENV)/ready  ## Every strategy, every fault, kill -9 at every arrow; the tables of docs/faults.md
	$(BIN)/python -m faults --over cloud --write docs/faults.md
	$(BIN)/python -m faults --over ec2 --write docs/faults.md
	$(BIN)/python -m faults --over packets --write docs/faults.md
	$(BIN)/python -m faults.platforms fakepve --write docs/faults.md
	$(BIN)/python -m faults.platforms vcsim --write docs/faults.md
	$(BIN)/python -m faults.platforms libvirt --write docs/faults.md
	$(BIN)/python -m faults.platforms nova --write docs/faults.md

schemas: $(VENV)/ready  ## The JSON Schemas of all documents anew, after a change to one
	$(BIN)/python -m keepapart.documents

man: $(VENV)/ready  ## The manual page anew, after a change to the command line
	$(BIN)/python -m keepapart.cli._manual

platforms: $(VENV)/ready  ## The table of docs/platforms anew, after a change to platforms.toml
	$(BIN)/python docs/platforms/render.py

exports: $(VENV)/ready  ## The page of formats anew, after a change to their table
	@$(BIN)/python -m keepapart.exports.page

lock: $(VENV)/ready  ## Renew the hash-locked requirements (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	    --extra all --extra dev --extra lab-ec2 pyproject.toml -o requirements/dev.txt

release: $(VENV)/ready  ## Wheel and sdist, built into dist/ and checked; uploading them is left to a person
	rm -rf $(DIST)
	$(BIN)/python -m build --no-isolation --outdir $(DIST)
	$(BIN)/twine check --strict $(DIST)/*

clean:  ## Remove what was made here
	rm -rf $(VENV) $(DIST) demo .mypy_cache .pytest_cache .ruff_cache
