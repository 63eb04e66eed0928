# Two commands for a newcomer: make demo, make test. The rest is for those who stay.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install dev bench regression demo docs fuzz soak test lint types contracts tests lock explorer clean prove-access prove-sync prove-releases

install: $(VENV)/.runtime
dev: $(VENV)/.dev

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.lock pyproject.toml | $(BIN)/python
	$(PIP) install --require-hashes --only-binary :all: -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	$(PIP) install --require-hashes --only-binary :all: -r requirements-dev.lock
	@touch $@

demo: install
	$(BIN)/watersmeet demo $(if $(ONCE),--once)

test: lint types contracts tests

lint: dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: dev
	$(BIN)/mypy

contracts: dev
	$(BIN)/lint-imports --no-logo

tests: dev
	$(BIN)/pytest -n auto --dist loadfile -q

# The build is committed: only a change under explorer/ needs this, and a Node of 20.19 or newer.
explorer:
	cd explorer && npm ci && npm run build

lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres --group build -o requirements.lock
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header pyproject.toml --extra postgres --group build --group dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) .demo dist build

docs: install
	$(BIN)/python docs/generate.py

# A million callers and operations against the plain oracle, a hundred thousand questions to Casbin, two hundred kills.
prove-access: dev
	ORACLE_PAIRS=1000000 CASBIN_DECISIONS=100000 $(BIN)/pytest tests/policies/test_oracle.py -q --timeout 7200
	PUBLICATION_KILLS=200 $(BIN)/pytest tests/storage/test_crash.py -q --timeout 7200

# Slow or measuring; not part of `make test`.
bench: dev
	for name in gateway stalls execution planning transport access composition catalogue city; do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

# Instructions of the same work here and at an earlier commit: make regression AGAINST=v0.1.0; needs valgrind.
regression: dev
	$(BIN)/python -m benchmarks.regression --against $(AGAINST)

# A hundred releases under load, every answer looked at; once in a small graph, ten times in a city's.
prove-releases: dev
	$(BIN)/python -m benchmarks.releases --releases 100
	$(BIN)/python -m benchmarks.releases --releases 10 --city

# A hundred thousand requests to subgraphs that fail, lie and stall, from clients some of whom leave.
soak: dev
	WATERSMEET_SOAK_REQUESTS=100000 $(BIN)/pytest tests/http/test_soak.py -q --timeout 3600

fuzz: dev
	$(BIN)/python -m tests.properties.fuzz --operations 10000

# Three levels are killed two hundred times while they synchronise, and a few times on PostgreSQL.
prove-sync: dev
	$(BIN)/python -m benchmarks.catalogue --kills 200
	$(BIN)/python -m benchmarks.catalogue --kills 24 --postgres --seed 3
