# Two commands matter: `make demo` runs the main job, `make test` passes the tests. Both set up all they need.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# A file of tests stays together, for what its tests share; in order, the longest (tests/cluster) among the first.
DEALT := --dist loadfile --no-loadscope-reorder
# Tests wait for servers as much as they compute: twice as many as there are cores.
WORKERS := 4
export PYTHONPATH := $(CURDIR)/include:$(CURDIR)/plugins

.DEFAULT_GOAL := help
ALMA ?= sqlite:///$(CURDIR)/.airflow/alma.db
.PHONY: help demo demo-bad-day export up alma down test cluster-test bench bench-deliver lint types check profile why replay schema law lock clean

help:  ## Show what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# Built from source, urllib3-future stays beside urllib3; its wheel writes itself over it.
$(READY): requirements.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check $$(grep -o '^uv==[^ ;]*' requirements.txt)
	URLLIB3_NO_OVERRIDE=1 VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --compile-bytecode \
		--no-binary urllib3-future requirements.txt
	@touch $@

demo: $(READY)  ## Import and synchronize made-up people by the real DAGs, over real SFTP
	@$(BIN)/python scripts/demo.py

demo-bad-day: $(READY)  ## See what happens when feeds go wrong: three bad nights, three different answers
	@$(BIN)/python scripts/bad_day.py

up: $(READY)  ## Start Airflow on 127.0.0.1 and print address and login
	@$(BIN)/python scripts/local.py up

alma: $(READY)  ## Serve an Alma to rehearse on: make alma ALMA=sqlite:////tmp/alma.db PORT=8090
	@$(BIN)/python -m matchpoint_airflow.almaws --store "$(ALMA)" serve --port $(or $(PORT),8090)

down: $(READY)  ## Stop it
	@$(BIN)/python scripts/local.py down

test: $(READY)  ## Run all tests, four at a time
	$(BIN)/python -m pytest --numprocesses $(WORKERS) $(DEALT)

cluster-test: $(READY)  ## Run Airflow with two workers that share no disk, and kill them in the middle of a task
	$(BIN)/python -m pytest tests/cluster

bench: $(READY)  ## Measure speed and memory: make bench N=100000 ONLY="day2 sqlite" ROUNDS=3; CHECK=1 only compares
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR) $(BIN)/python -m bench --rows $(or $(N),100000) --rounds $(or $(ROUNDS),3) \
		$(if $(ONLY),--only $(ONLY)) $(if $(CHECK),--check)

bench-deliver: $(READY)  ## Measure deliveries to Alma's double by both doors: make bench-deliver N=2000
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR) $(BIN)/python -m bench.deliver --people $(or $(N),2000)
	@PYTHONPATH=$(PYTHONPATH):$(CURDIR) $(BIN)/python -m bench.deliver_files --people $(or $(N),20000)

lint: $(READY)  ## Check style
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(READY)  ## Check types
	$(BIN)/mypy

check: lint types test  ## Everything that CI checks

profile: $(READY)  ## Check one integration profile against its sample: make profile CODE=students
	@$(BIN)/python -m matchpoint.check_profile $(CODE) --profiles include/profiles

STORE ?= sqlite:///$(CURDIR)/.airflow/user_store.db
RUNS ?= $(CURDIR)/.airflow/runs

why: $(READY)  ## Say why a person looks like that: make why ID=S00001 LAST=5; STORE and RUNS name another store
	@$(BIN)/python -m matchpoint.why "$(ID)" --store "$(STORE)" --runs "$(RUNS)" --last $(or $(LAST),5) \
		--profiles include/profiles

replay: $(READY)  ## Say what an edited profile would change: make replay CODE=students LAST=3; STORE and RUNS as above
	@$(BIN)/python -m matchpoint.replay $(CODE) --store "$(STORE)" --runs "$(RUNS)" --last $(or $(LAST),3) \
		--profiles include/profiles

schema: $(READY)  ## Write the JSON Schema of profiles and the XML Schema of users anew
	$(BIN)/python -m matchpoint.profile.schema include/profiles/profile.schema.json
	$(BIN)/python -m matchpoint.alma.xsd

law: $(READY)  ## Write docs/alma-law.md anew: the rules and the tests that show them
	@$(BIN)/python scripts/alma_law.py

export: $(READY)  ## Everything held on one person, into a zip: make export ID=S00042 TO=person.zip
	@$(BIN)/python scripts/local.py run matchpoint_airflow.export "$(ID)" --to "$(TO)"

lock: $(READY)  ## Compile requirements.in to requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --generate-hashes --python-version 3.11 \
		--custom-compile-command "make lock" requirements.in --output-file requirements.txt

clean: down  ## Remove Airflow's home with the demo's store and runs, and the environment
	rm -rf .airflow $(VENV)
