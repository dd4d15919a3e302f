# imchat's commands. Everything is installed into .venv; nothing outside this folder is changed, except that
# "make test", run as root, installs missing packages of a Debian-like distribution.

PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
TRIAL_JOBS ?= 2
MINUTES ?= 5
WHAT ?= both
USERS ?= 200
QUICK ?=
SEEDS ?= 200
SEED ?=
FAULTS ?= 0
RECORD ?=

.PHONY: run test demo cluster simulate social faults bench figures lint proto clean help

help:
	@echo 'make run    start the embedded server (HTTP on 127.0.0.1:8080, chat on 127.0.0.1:8090)'
	@echo 'make demo   two users talk through a server that is restarted in between'
	@echo 'make cluster  MariaDB, Redis, verify, status, two chat nodes and a gate below var/, until Ctrl-C'
	@echo 'make test   run all tests'
	@echo 'make simulate  run a simulated cluster through faults (SEEDS=200), or one seed with its trace (SEED=n)'
	@echo 'make social  ten people with two devices each act at random, then every device is compared with the database'
	@echo '            (SEEDS=200, or SEED=n with its trace; FAULTS=8 strike in each)'
	@echo 'make faults MINUTES=5  kill, freeze and cut off real servers under load, then check what every device saw'
	@echo '            (WHAT=cluster or embedded for one of them, SEED=n repeats a plan, USERS=n)'
	@echo 'make bench  measure it on this machine (QUICK=1: within two minutes; RECORD=1: for docs/performance.md)'
	@echo 'make figures  put the recorded figures into docs/performance.md'
	@echo 'make lint   ruff and mypy'
	@echo 'make proto  generate the Python modules from imchat/wire/*.proto'
	@echo 'make clean  remove the virtual environment and what tests and builds left'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'imchat needs Python 3.11 or newer; say which with PYTHON=/path/to/python3'; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || sh tests/install-packages python3-venv
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(BIN)/python setup.cfg pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/installed-test: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,dev]'
	@touch $@

run: $(VENV)/installed
	$(BIN)/twistd --nodaemon --pidfile= imchat $(OPTIONS)

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

cluster: $(VENV)/installed
	@sh tests/install-packages --programs
	$(BIN)/python examples/cluster.py

test: $(VENV)/installed-test
	@sh tests/install-packages --programs
	$(BIN)/trial --jobs $(TRIAL_JOBS) tests.unit tests.contract tests.net tests.simulation
	$(BIN)/python -m pytest tests/functional
	$(BIN)/python -m tests.faults --minutes 2 --users 100

faults: $(VENV)/installed-test
	@sh tests/install-packages --programs
	$(BIN)/python -m tests.faults --minutes $(MINUTES) --what $(WHAT) --users $(USERS) $(if $(SEED),--seed $(SEED))

simulate: $(VENV)/installed-test
	$(BIN)/python -m tests.simulation $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --jobs $(TRIAL_JOBS))

social: $(VENV)/installed-test
	$(BIN)/python -m tests.simulation.social $(if $(SEED),--seed $(SEED),--seeds $(SEEDS)) --faults $(FAULTS)

bench: $(VENV)/installed-test
	@sh tests/install-packages --programs
	$(BIN)/python -m bench $(if $(QUICK),--quick) $(if $(RECORD),--out=bench/results/recorded.json)
	$(if $(RECORD),$(BIN)/python -m bench.document)

figures: $(VENV)/installed-test
	$(BIN)/python -m bench.document

lint: $(VENV)/installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

proto: $(VENV)/installed-test
	$(BIN)/python -m grpc_tools.protoc -Iimchat/wire --python_out=imchat/wire --pyi_out=imchat/wire \
	  imchat/wire/imchat.proto imchat/wire/bus.proto

clean:
	rm -rf $(VENV) build dist *.egg-info _trial_temp* .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
