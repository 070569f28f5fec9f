# Requires python3 (3.11 or newer, with venv), make and git. To use another Python: make PYTHON=/path/to/python3.11 ...
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: demo test check bench soak reenact real thorough clean

demo: .venv/ready
	@$(BIN)/metabonk-tui demo $(ARGS)

test: .venv/ready-dev
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# The same with every example of the property tests, of which `make test` tries a third.
thorough: .venv/ready-dev
	@METABONK_TUI_THOROUGH=1 $(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

check: .venv/ready-dev
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/mypy && $(BIN)/lint-imports

# Repeats the crash of the failed run with real processes under a real memory limit, without and with the memory watch.
reenact: .venv/ready-dev
	@$(BIN)/python -m pytest tests/e2e/test_reenactment.py $(ARGS)

# Runs the real MetaBonk from a checkout, on CPU, in namespaces of its own. The first time installs PyTorch.
real: .venv/ready-dev
	@METABONK_CHECKOUT="$(CHECKOUT)" $(BIN)/python -m pytest tests/real $(ARGS)

bench: .venv/ready-dev
	@$(BIN)/python bench/status_cost.py
	@$(BIN)/python bench/idle_cost.py $(ARGS)

# Records 24 hours at sixty times speed, in 24 minutes. Shorter: make soak ARGS="--hours 2 --speed 240"
soak: .venv/ready-dev
	@$(BIN)/python bench/soak.py $(ARGS)

clean:
	rm -rf .venv dist build

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is required and $(PYTHON) is older; run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
		  exit 1; }
	@echo "installing into .venv (first run only)" && $(PYTHON) -m venv .venv
	@$(PIP) -e . && touch $@

.venv/ready-dev: .venv/ready
	@echo "installing the tools for tests and checks (first run only)" && $(PIP) -e '.[dev]' && touch $@
