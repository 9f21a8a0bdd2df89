# Each target does everything from nothing: it makes .venv and installs what it needs there.
#   make demo         the main job on a fictional mailbox; leaves demo-archive/
#   make test         everything quick: lint, tests on the checkout, those of WHEEL_TESTS on the wheel
#   make test-all     the tests, the long ones included; random examples are new each time
#   make lint         style, types, layers
#   make test-quick   the quick tests on the checkout
#   make wheel-test   the tests of WHEEL_TESTS on the built wheel, with PYTHON
#   make messages     bring the French words level with the sources, and compile them
#   make clean        removes what the others made, .venv and demo folders included
# Another interpreter: make test PYTHON=python3.12

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
PIP    := -m pip --disable-pip-version-check -qq
PYTEST := -m pytest

# What a wheel may lack, or another Python do otherwise, shows where commands, pages, proofs and
# workers run; `make wheel-test WHEEL_TESTS=tests`, as test-all does, runs all quick tests on it.
WHEEL_TESTS ?= tests/test_cli_*.py tests/test_demo.py tests/test_dossier_build.py \
  tests/test_i18n.py tests/test_mailbox_msg.py tests/test_mailbox_pst.py tests/test_packaging.py \
  tests/test_proof_verify.py tests/test_reading_wall.py tests/test_service.py \
  tests/test_templates.py

.PHONY: demo test test-all test-quick lint wheel-test messages clean

demo: $(VENV)/.installed-demo
	$(BIN)/python -m demo.run

test: lint test-quick wheel-test

test-quick: $(VENV)/.installed-dev
	$(BIN)/python $(PYTEST) -n auto -m "not long" -rs

test-all: $(VENV)/.installed-dev lint
	ARCHIVER_SEARCHING=1 $(BIN)/python $(PYTEST) -n auto -m "" -rs
	$(MAKE) wheel-test WHEEL_TESTS=tests

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

# The wheel is built from a copy and tested from another folder, so that neither leftovers of
# earlier builds nor the checkout's own packages can stand in for what the wheel lacks.
wheel-test:
	@$(CHECK_PYTHON)
	@set -eu; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	mkdir "$$work/source" "$$work/tests-only"; \
	cp -R archiver index templates setup.cfg pyproject.toml README.md "$$work/source"; \
	cp -R tests setup.cfg "$$work/tests-only"; \
	find "$$work" -name '__pycache__' -prune -exec rm -rf {} +; \
	echo "Testing the wheel with $$($(PYTHON) --version)"; \
	$(PYTHON) -m venv "$$work/venv"; \
	"$$work/venv/bin/python" $(PIP) wheel --no-deps --wheel-dir "$$work" "$$work/source"; \
	wheel=$$(echo "$$work"/*.whl); \
	"$$work/venv/bin/python" $(PIP) install "$$wheel[test]"; \
	cd "$$work/tests-only"; \
	"$$work/venv/bin/archiver" --version; \
	"$$work/venv/bin/python" $(PYTEST) -n auto -m "not long" -rs $(WHEEL_TESTS)

messages: $(VENV)/.installed-dev
	$(BIN)/python tests/messages.py

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .hypothesis .coverage
	rm -rf .import_linter_cache .pytest_cache
	find archiver index templates tests demo -name __pycache__ -prune -exec rm -rf {} +
	for made in demo-archive demo-archive-dossier; do \
	  if [ -f "$$made/MADE-BY-THE-DEMO.txt" ]; then rm -rf "$$made"; fi; done

# --- the virtual environment -----------------------------------------------------------------

define CHECK_PYTHON
$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null || { \
  echo "This needs Python 3.11, 3.12 or 3.13; $(PYTHON) is another one, or absent."; \
  echo "Name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
  echo "Python cannot make virtual environments. On Debian: apt install python3-venv"; exit 1; }
endef

$(BIN)/python:
	@$(CHECK_PYTHON)
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed-demo: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (a minute the first time)"
	@$(BIN)/python $(PIP) install --editable '.[demo]'
	@touch $@

$(VENV)/.installed-dev: setup.cfg pyproject.toml | $(BIN)/python
	@echo "Installing into $(VENV) (a minute the first time)"
	@$(BIN)/python $(PIP) install --editable '.[dev]'
	@touch $@
