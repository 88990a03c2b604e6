# Everything runs in .venv, which is made from the lock file and made anew when that changes.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PROFILE ?= course.toml
READY := $(VENV)/.ready

.PHONY: setup demo hub hub-software hub-for-tests slurm-for-tests test selftest attacks bench bench-picture bench-hog bench-cluster bench-scaling gpu-check lint lint-code lint-types quick quick-tests quick-run release lock clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; found $$($(PYTHON) --version). Set PYTHON=…"; exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV) || \
	  { echo "python3 cannot make virtual environments here. On Debian: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -m compileall -q autograder trials  # where Python is told to write no bytecode, each start would compile all of it
	@touch $@

demo: setup  ## the whole way of an assignment, on six made-up students and a small real model
	$(BIN)/python -m trials demo --profile $(PROFILE)

release: setup  ## release/chatbot from source/chatbot, with PROFILE=… (course.toml)
	$(BIN)/autograder release --profile $(PROFILE)

SEEDS ?= 2
selftest: setup  ## right and wrong solutions through the real path: PROFILE=…, SEEDS=…
	$(BIN)/python -m trials selftest --profile $(PROFILE) --seeds $(SEEDS)

attacks: setup  ## a class of attackers with this kit, each attack with stock nbgrader too, into docs/security.md
	$(BIN)/python -m trials attacks --stock --write

SIZE ?= 30
SEED ?= 1
MIX ?= usual
BENCH := $(BIN)/python -m compileall -q autograder trials && $(BIN)/python -m trials bench --seed $(SEED)
RESULT := .scratch/bench/result.json
bench: .models/STAND-INS.txt  ## a made-up class with this kit, and three of it with stock nbgrader: SIZE=…, SEED=…, MIX=…
	$(BENCH) --size $(SIZE) --mix $(MIX)

MIXES := identical usual varied
SIZES := 30 100 300
bench-picture: .models/STAND-INS.txt  ## cost against class size, for docs/performance.md; takes its time
	test -f $(RESULT) || $(BENCH) --size $(SIZE)
	for mix in $(MIXES); do for size in $(SIZES); do \
	  $(BENCH) --size $$size --mix $$mix --stock 0 --folder .scratch/bench-$$mix-$$size || exit 1; done; done
	$(BIN)/python -m trials bench-picture --result $(RESULT) \
	  $(foreach mix,$(MIXES),$(SIZES:%=.scratch/bench-$(mix)-%/result.json))

bench-hog: .models/STAND-INS.txt  ## one honest notebook beside seven that ask for all they can
	$(BIN)/python -m trials bench-hog

DB_URL ?=
bench-scaling: .models/STAND-INS.txt  ## 5,000 made-up students with execution stubbed: DB_URL=… for PostgreSQL
	$(BIN)/python -m trials bench-scaling --size 5000 --db-url "$(DB_URL)"

bench-cluster: .models/STAND-INS.txt  ## two workers beside one, on a class in which every notebook differs
	$(BIN)/python -m trials bench-cluster

gpu-check: .models/STAND-INS.txt  ## on a machine with a GPU: its tests, and classes of 30 and 300 within 20 GB, into docs/gpu.md
	$(BIN)/python -m trials gpu-check --shapes llama --limit-gb 20 --write docs/gpu.md

SIDE_BY_SIDE := --no-print-directory -j3 --output-sync=target
PYTHON_CODE := autograder trials tests deploy docs
lint: lint-code lint-types  ## style, layers, declared packages, types

lint-code: setup
	$(BIN)/ruff check $(PYTHON_CODE) nbgrader_config.py
	$(BIN)/ruff format --check $(PYTHON_CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/deptry autograder trials release
	$(BIN)/deptry tests tests/*/ deploy docs --exclude $(VENV) --ignore DEP002,DEP004

lint-types: setup
	$(BIN)/mypy

# Pure tests: they start no process and load no model. And one notebook through release, jail, host and judge.
PURE := course facts judging words system submissions/test_repair_files.py test_docs.py
REAL := tests/plugins/test_one_notebook.py
quick: setup  ## while working: lint, the pure tests, and one run through the real path, side by side
	@$(MAKE) $(SIDE_BY_SIDE) lint quick-tests quick-run

quick-tests: setup
	$(BIN)/python -m pytest -m "not slow" $(wildcard $(PURE:%=tests/%))

quick-run: setup
	$(BIN)/python -m pytest $(REAL)

test: setup .models/STAND-INS.txt hub-for-tests slurm-for-tests  ## everything, lint first, then the longest files
	@$(MAKE) $(SIDE_BY_SIDE) lint
	$(BIN)/python -m compileall -q autograder trials
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

HUB ?= /opt/llm-hub
HUB_URL ?= http://127.0.0.1:8000
HUB_DOMAIN ?=
hub: hub-software .models/STAND-INS.txt  ## as root: a JupyterHub with this course on this machine: HUB=…, HUB_URL=…, HUB_DOMAIN=…
	$(HUB)/venv/bin/python deploy/jupyterhub/prepare.py --folder $(HUB) --course . --models .models
	@[ -n "$(HUB_DOMAIN)" ] || echo "No HUB_DOMAIN: all servers share one origin, so a page of one can act as whoever opens it." \
	  "For people who do not know each other, give one: see deploy/jupyterhub/README.md"
	cd $(HUB)/state && LLM_HUB=$(HUB) LLM_HUB_URL=$(HUB_URL) LLM_HUB_DOMAIN=$(HUB_DOMAIN) $(HUB)/venv/bin/jupyterhub -f $(HUB)/etc/jupyterhub_config.py

hub-software:
	deploy/jupyterhub/install.sh $(HUB)

hub-for-tests:  # what cannot be had is told by the tests that are skipped
	@deploy/jupyterhub/for_tests.sh $(HUB) || true

slurm-for-tests:
	@tests/cluster/slurm_for_tests.sh || true

.models/STAND-INS.txt: $(READY)
	$(BIN)/python -m trials.models.stand_ins --home .models --base meta-llama/Llama-3.2-1B \
	  --instruct meta-llama/Llama-3.2-1B-Instruct --instruct meta-llama/Llama-3.2-3B-Instruct

lock: setup  ## writes requirements.lock from what is installed
	$(BIN)/python -m pip freeze --all --exclude-editable | grep -v "^pip==" | sed 's/+cpu$$//; s/ @ .*//' > requirements.lock

clean:
	rm -rf $(VENV) .models .scratch
