# `make` alone says what there is. Nothing here needs root, a compiler, a browser, Node or a service.

VENV ?= .venv
PORT ?= 8000
DEMO_SIZE ?=

# Any Python from 3.11 on: PYTHON=… names one, otherwise the first that fits is taken.
PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
  "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)

PY := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed
LINTERS := $(VENV)/.linters
PYTEST := $(PY) -m pytest -n auto --maxprocesses 4 --dist loadfile

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PYTHONUNBUFFERED := 1
export DEMO_SIZE PORT

.DEFAULT_GOAL := help
.PHONY: help demo demo-seed install test test-sqlite test-services test-pages lint format bench wheel clean

help:
	@echo "make demo    seed the demonstration shop, train, and serve it on 127.0.0.1:$(PORT)"
	@echo "             (DEMO_SIZE=full: all 1.47 million purchases; PORT=…)"
	@echo "make test    run the tests on SQLite, then on PostgreSQL and Redis that start by themselves"
	@echo "make test-pages   pages in a browser, where there is one, and once more on PostgreSQL and Redis"
	@echo "make lint    formatting, style, types, layers, migrations"
	@echo "make bench   measure"
	@echo "make wheel   build the distribution into dist/"
	@echo "make clean   remove what these commands made"

$(PY):
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found; name one: make PYTHON=/path/to/python" >&2; exit 1; }
	@echo "==> virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) cannot make virtual environments; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(INSTALLED): requirements.txt | $(PY)
	@echo "==> packages of requirements.txt"
	@$(PY) -m pip install --quiet --no-input --prefer-binary -r requirements.txt
	@touch $@

$(LINTERS): pyproject.toml | $(INSTALLED)
	@echo "==> packages of the group «lint»"
	@$(PY) -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["dependency-groups"]["lint"], sep="\n")' > $(VENV)/lint.txt
	@$(PY) -m pip install --quiet --no-input --prefer-binary -r $(VENV)/lint.txt
	@touch $@

install: $(INSTALLED)

demo-seed: $(INSTALLED)
	@echo "==> database and purchases"
	@$(PY) manage.py migrate --verbosity 0
	@$(PY) manage.py shop_demo_seed --if-needed

demo: demo-seed
	@$(PY) manage.py runserver 127.0.0.1:$(PORT) --noreload

test: test-sqlite test-services

test-sqlite: $(INSTALLED)
	@echo "==> tests on SQLite"
	@env -u DATABASE_URL -u CELERY_BROKER_URL $(PYTEST) --ignore tests/browser

test-services: $(INSTALLED)
	@echo "==> tests of everything that is stored, on PostgreSQL and Redis"
	@$(PY) -m tests.services -- $(PYTEST) tests/flows tests/tasks

# A browser takes its time, and pages do nothing of their own to the database: not for every day.
test-pages: $(INSTALLED)
	@echo "==> tests in a browser"
	@env -u DATABASE_URL -u CELERY_BROKER_URL $(PYTEST) tests/browser
	@echo "==> tests of pages, on PostgreSQL and Redis"
	@$(PY) -m tests.services -- $(PYTEST) tests/web tests/journeys

lint: $(LINTERS)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports
	DJANGO_SETTINGS_MODULE=tests.settings $(PY) manage.py makemigrations --check --dry-run

format: $(LINTERS)
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

bench: $(INSTALLED)
	$(PY) -m benchmarks

wheel: $(LINTERS)
	$(PY) -m build --outdir dist

clean:
	rm -rf $(VENV) var build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
