# ThreadHub. `make` alone shows what there is; only Python (3.11-3.13, with venv) and make are needed.
MAKEFLAGS += --no-builtin-rules --no-print-directory
SHELL := /bin/sh
.SILENT:
.NOTPARALLEL:
.DEFAULT_GOAL := help
.PHONY: help run cluster project test demo chaos chaos-browser screenshots lint unit lock query-baseline messages install-app install-dev

python := .venv/bin/python
# Tests of one file stay in one process: they share its database.
parallel ?= -n 2 --dist loadfile
# Folders whose words nobody reads in the console.
unspoken := .venv benchmarks docs examples requirements tests var

# PORT=9000 and the like become what the settings read. HOST counts on the command line only,
# because some shells export a HOST of their own.
ifneq ($(PORT),)
export THREADHUB_PORT = $(PORT)
endif
ifeq ($(origin HOST),command line)
export THREADHUB_HOST = $(HOST)
endif
ifneq ($(APPROVE),)
export THREADHUB_DEMO_APPROVE = $(APPROVE)
endif

# Any Python can say what is missing; .venv's own starts fastest.
install = for python in $(python) python3 python3.13 python3.12 python3.11 "$$PYTHON"; do \
	  if "$$python" -I -S -c "" 2>/dev/null; then exec "$$python" requirements/install.py $(1); fi; \
	done; \
	echo "Python is missing. Run: apt install python3 python3-venv" >&2; exit 2
# A relative PROJECT is meant from where make was called.
projects = if [ -n "$$PROJECT" ]; then \
	  case "$$PROJECT" in /*|"~"*) ;; *) PROJECT="$$PWD/$$PROJECT" ;; esac; \
	  export THREADHUB_PROJECTS="$$PROJECT"; \
	fi

help: ## Show the targets.
	awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

run: install-app ## Serve ThreadHub (PORT=8000 HOST=127.0.0.1 PROJECT=path/to/langgraph.json).
	$(projects); exec $(python) manage.py serve

cluster: install-app ## Rehearse a cluster: two web and two worker processes on private servers (PORT= HOST= PROJECT=).
	$(projects); exec $(python) manage.py cluster

project: install-app ## Show, ask for and install what PROJECT=path/to/langgraph.json needs (YES=1 does not ask).
	exec $(python) requirements/project.py "$$PROJECT"

demo: install-app ## Do the main job in the terminal: run the demo session, answer it, show the report (APPROVE=yes).
	exec $(python) manage.py demo

test: install-dev ## Run all tests, on SQLite and on a private PostgreSQL (REQUIRE_ALL=1: nothing may be skipped).
	$(python) requirements/services.py
	$(python) -m pytest $(parallel)
	THREADHUB_TEST_DATABASE=postgres $(python) -m pytest $(parallel) -m both_databases

unit: install-dev ## Run the fast tests: units and architecture.
	exec $(python) -m pytest $(parallel) -m "not slow"

chaos: install-dev ## Kill servers, plans and every part of a cluster ten times each (CHAOS_KILLS=10), with a seed printed.
	CHAOS_KILLS=$${CHAOS_KILLS:-10} exec $(python) -m pytest -s tests/chaos

chaos-browser: install-dev ## Watch runs in two browsers while wires are cut and the server is killed (BROWSER_ROUNDS=100).
	BROWSER_ROUNDS=$${BROWSER_ROUNDS:-100} exec $(python) -m pytest -s tests/browser/test_disconnects.py

screenshots: install-dev ## Picture every page in both themes, languages and two widths (OUT=var/screenshots).
	$(python) requirements/services.py
	SCREENSHOTS="$$OUT" exec $(python) -m pytest -q -n 2 tests/browser/screenshots.py

lint: install-dev ## Check style, types, imports, migrations and translations.
	$(python) -m ruff check .
	$(python) -m ruff format --check .
	$(python) -m mypy
	.venv/bin/lint-imports --no-logo --no-cache
	DJANGO_SETTINGS_MODULE=threadhub.settings.test $(python) manage.py makemigrations --check --dry-run
	$(python) -m pytest -q --no-header tests/architecture/test_translations.py

messages: install-dev ## Collect the words of the console into the catalogue and compile it (needs gettext).
	$(python) manage.py makemessages -v 0 -l zh_Hans --no-location --no-obsolete $(foreach folder,$(unspoken),-i $(folder))
	$(python) manage.py compilemessages -v 0 -l zh_Hans $(foreach folder,$(unspoken),-i $(folder))

lock: ## Resolve requirements/app.txt and dev.txt anew from pyproject.toml.
	exec $(or $(PYTHON),python3) requirements/lock.py

query-baseline: install-dev ## Write the query counts that tests compare with (tests/query_counts.json).
	THREADHUB_WRITE_QUERY_COUNTS=1 exec $(python) -m pytest -q -m query_counts

install-app:
	$(call install,app)

install-dev:
	$(call install,dev)
