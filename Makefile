# Requires python3 (3.11 or newer, with venv), make and git. To use another Python: make PYTHON=/path/to/python3.11 ...
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check bench soak faults fuzz load reenact real test-ray thorough samples clean docs reference pictures share lock release-check

demo: .venv/ready
	@$(BIN)/metabonk-tui demo $(ARGS)

test: .venv/ready-dev
	@$(BIN)/python -m pytest -n auto --dist worksteal $(ARGS)

# The same with every example of the property tests, of which `make test` tries a fourth.
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

# Tests the ray backend on a real cluster: a head and two nodes on this machine, in two minutes. The first time installs
# Ray (400 MB) into .venv-ray.
test-ray: .venv/ready-dev .venv-ray/ready
	@$(BIN)/python -m pytest -n 0 tests/ray $(ARGS)

# Measures the cost beside other programs, in about an hour. One row in a minute: make bench ONLY=idle-glances ROUNDS=1
# `make bench ARGS=--list` lists the rows; ROUNDS, SECONDS and HOURS are smaller for a quick look, FORCE=1 measures on a
# busy machine, and ARGS=--docs writes the tables into docs/performance.md.
bench: .venv/ready-dev .venv-bench/ready
	@$(BIN)/python -m bench $(if $(ONLY),--only $(ONLY)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(SECONDS),--seconds $(SECONDS)) $(if $(HOURS),--hours $(HOURS)) $(if $(FORCE),--force) $(ARGS)

# Injects every fault of docs/reliability.md and prints the table. Some faults: make faults ONLY="memory terminal"
faults: .venv/ready-dev
	@$(BIN)/python -m tests.faults $(ARGS) $(ONLY)

# Breaks what comes from outside, for ten minutes. Shorter, one reader: make fuzz MINUTES=1 ONLY=jsonl
fuzz: .venv/ready-dev .venv-fuzz/ready
	@if [ -x .venv-fuzz/bin/python ] && [ -s .venv-fuzz/ready ]; then python=.venv-fuzz/bin/python; \
		else python=$(BIN)/python; fi; \
		$$python -m tests.fuzz --minutes $(or $(MINUTES),10) $(ONLY) $(ARGS)

# Measures the load rows of docs/reliability.md, in some minutes, and writes them there.
load: .venv/ready-dev
	@$(BIN)/python -m bench.load $(ARGS)

# Records 24 hours at sixty times speed, in 24 minutes. Shorter: make soak ARGS="--hours 2 --speed 240"
soak: .venv/ready-dev
	@$(BIN)/python -m bench.soak $(ARGS)

# Writes the man page and the completions of share/ from the parsers, after a change of a verb or an option.
share: .venv/ready
	@$(BIN)/python release/share.py

# Pins every dependency with its hashes, at the versions of constraints.txt, for every system and Python.
LOCK := .venv-release/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--custom-compile-command "make lock" -c constraints.txt pyproject.toml
lock: .venv-release/ready
	@$(LOCK) --extra gpu --extra metrics --extra web -o release/requirements.txt
	@$(LOCK) --all-extras -o release/requirements-dev.txt

# Builds the packages into dist/, checks them, installs them into an empty environment, runs the README's commands.
release-check: .venv-release/ready
	@.venv-release/bin/python release/check.py

# Makes the two sample recordings of the wheel anew. Needed only when the schema or the demo's answers change.
samples: .venv/ready-dev
	@$(BIN)/python -m bench.sample_runs

# Builds the documentation into build/site. Fails on a warning: a broken link, or a page that nothing lists.
docs: .venv-docs/ready
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict --quiet && echo "built: build/site/index.html"

# Writes the references of configuration and verbs from their declarations, after a change of a key or an option.
reference: .venv/ready
	@$(BIN)/python -m tools.config_reference && $(BIN)/python -m tools.verb_reference

# Makes docs/pictures from the sample recordings. The PNGs need a headless Chromium; $CHROMIUM names another one.
pictures: .venv/ready-dev .venv-docs/ready
	@$(BIN)/python -m tools.pictures $(ARGS)

clean:
	rm -rf .venv .venv-bench .venv-docs .venv-release .venv-fuzz .venv-ray dist build

.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is required and $(PYTHON) is older; run: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; \
		  exit 1; }
	@echo "installing into .venv, in about a minute (first run only)"
	@$(PYTHON) tools/install.py .venv . && touch $@

.venv/ready-dev: .venv/ready
	@echo "installing the tools for tests and checks, in one to three minutes (first run only)"
	@$(PYTHON) tools/install.py .venv '.[dev]' && touch $@

# Without them `make bench` leaves out what needs them, and says so.
.venv-bench/ready: bench/requirements.txt
	@echo "installing the programs to compare with (first run only)" && $(PYTHON) -m venv .venv-bench
	@if .venv-bench/bin/python -m pip install --quiet --disable-pip-version-check -r $<; then touch $@; \
		else echo "not installed: glances and aiohttp are left out" >&2; fi

.venv-ray/ready: tests/ray/requirements.txt
	@echo "installing Ray (first run only)" && $(PYTHON) -m venv .venv-ray
	@.venv-ray/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

.venv-release/ready: release/tools.txt
	@echo "installing the tools for a release (first run only)" && $(PYTHON) -m venv .venv-release
	@.venv-release/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@

# An empty file: atheris could not be installed, and `make fuzz` breaks the seeds without coverage, in .venv.
.venv-fuzz/ready: .venv/ready pyproject.toml
	@echo "installing atheris (first run only)" && $(PYTHON) -m venv .venv-fuzz
	@if .venv-fuzz/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
		-e '.[dev]' 'atheris>=3,<4'; then echo atheris > $@; \
		else : > $@; echo "atheris cannot be installed here" >&2; fi

.venv-docs/ready: tools/docs-requirements.txt
	@echo "installing the tools for the documentation (first run only)" && $(PYTHON) -m venv .venv-docs
	@.venv-docs/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@
