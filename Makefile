# make setup   .venv with the locked packages and the project; costs nothing when it is there already
# make up      a local cluster of five real processes with a live table; NODES=3 for another number
# make test    everything: format, lint, types, import directions, tests; those with real processes come last, each
#              file of them on one worker, for a file's tests share a cluster; they wait more than they work
# make clients what the Consul dialect is tested with, each in a folder of its own under .clients: four Python clients,
#              npm's, py-consul's own tests, VictoriaMetrics; what is not there is skipped by the tests, with the reason
# make go-api  HashiCorp's tests of its Go client for Consul, against agents of ours; without Go or Debian's
#              golang-github-hashicorp-consul-dev they are left out, with what is missing
# make peers   what `python -m benchmarks compare` holds Shoal against, under .peers: Debian's serf, PyPI's kinship;
#              what is not there is left out of the comparison, with the reason
#
# Each works as the first command on a machine that has only Python 3.11 (or later) with venv, and make.
# PYTHON=/path/to/python chooses the interpreter.

NODES ?= 5
WORKERS ?= 2
PROCESS_WORKERS ?= 3
VENV := .venv
BIN := $(VENV)/bin
CODE := node protocol api simulations benchmarks tests
CLIENTS := .clients
PY_CLIENTS := py-consul==1.8.0 python-consul==1.1.0 python-consul2==0.1.5 consulate==0.6.0
NPM_CLIENT := consul@2.0.1
PEERS := .peers
PY_PEER := kinship==0.4.0

.PHONY: setup up test lint format clients go-api peers clean

setup: $(VENV)/.installed

$(VENV)/.locked: requirements.lock
	@for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11); do \
	    "$$python" -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	    echo "Installing the locked packages into $(VENV) (once, about a minute)"; \
	    "$$python" -m venv $(VENV) || exit 1; \
	    $(BIN)/python -m pip install --disable-pip-version-check -qq --require-hashes --no-deps \
	        -r requirements.lock || exit 1; \
	    touch $@; exit 0; \
	done; \
	echo "Shoal needs Python 3.11 or later with venv, and $(if $(PYTHON),$(PYTHON) is not one,found none): \
	install it, or name it with PYTHON=/path/to/python" >&2; exit 1

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --no-deps --no-build-isolation --editable .
	@touch $@

up: setup
	@exec $(BIN)/shoal up --nodes $(NODES)

lint: setup
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy --strict
	$(BIN)/lint-imports

test: lint
	$(BIN)/python -m pytest -n $(WORKERS) -m "not end_to_end"
	$(BIN)/python -m pytest -n $(PROCESS_WORKERS) --dist loadfile -m end_to_end

format: setup
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

# the first three are one top-level module, `consul`: side by side they would overwrite each other
clients: setup $(PY_CLIENTS:%=$(CLIENTS)/.py-%) $(CLIENTS)/.npm $(CLIENTS)/.suite $(CLIENTS)/.victoria-metrics

$(CLIENTS)/.py-%:
	$(BIN)/python -m pip install --disable-pip-version-check -qq --upgrade \
	    --target $(CLIENTS)/$(firstword $(subst ==, ,$*)) $*
	@touch $@

$(CLIENTS)/.npm:
	@command -v npm >/dev/null || { echo "no npm here: $(NPM_CLIENT) is left out" >&2; exit 0; }; \
	mkdir -p $(CLIENTS) && npm install --silent --no-audit --no-fund --prefix $(CLIENTS)/npm-consul $(NPM_CLIENT) && touch $@

$(CLIENTS)/.suite:
	@mkdir -p $(CLIENTS)/py-consul-tests
	$(BIN)/python -m pip download --disable-pip-version-check -qq --no-deps --no-binary :all: \
	    -d $(CLIENTS)/py-consul-tests $(firstword $(PY_CLIENTS))
	tar xzf $(CLIENTS)/py-consul-tests/*.tar.gz -C $(CLIENTS)/py-consul-tests --strip-components=1
	@touch $@

$(CLIENTS)/.victoria-metrics:
	@command -v dpkg >/dev/null || { echo "no dpkg here: VictoriaMetrics is left out" >&2; exit 0; }; \
	mkdir -p $(CLIENTS)/deb && cd $(CLIENTS)/deb && \
	{ apt-get download -qq victoria-metrics || { echo "no package of VictoriaMetrics here: left out" >&2; exit 0; }; } && \
	dpkg -x victoria-metrics_*.deb ../victoria-metrics && touch ../.victoria-metrics

go-api: setup
	$(BIN)/python -m tests.clients.go_api.run

peers: setup $(PEERS)/.serf $(PEERS)/.$(PY_PEER)

$(PEERS)/.serf:
	@command -v dpkg >/dev/null || { echo "no dpkg here: serf is left out" >&2; exit 0; }; \
	mkdir -p $(PEERS)/deb && cd $(PEERS)/deb && \
	{ apt-get download -qq serf || { echo "no package of serf here: left out" >&2; exit 0; }; } && \
	dpkg -x serf_*.deb ../serf && touch ../.serf

$(PEERS)/.$(PY_PEER):
	@$(BIN)/python -m pip install --disable-pip-version-check -qq --upgrade --target $(PEERS)/kinship $(PY_PEER) || \
	    { echo "no $(PY_PEER) here: left out" >&2; exit 0; }; \
	touch $@

clean:
	rm -rf $(VENV) $(CLIENTS) $(PEERS) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
