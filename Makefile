# Each target sets up all it needs: a virtual environment in .venv with the tested versions of constraints.txt.
PYTHON ?= python3
SCALE ?= demo
CORES ?= 2
SCHEDULER ?=
VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.complete

.PHONY: study test lab bench record lint clean

# --nolock: a killed run leaves Snakemake's lock behind; so start one study at a time
study: $(SETUP)  ## simulated and real recordings in, reports/index.html out; killed and started again, it goes on
	$(BIN)/python -m snakemake --snakefile notebooks/Snakefile --cores $(CORES) --config scale=$(SCALE) scheduler=$(SCHEDULER) \
	  --nolock --rerun-incomplete --rerun-triggers mtime params input code --quiet rules
	@echo "The report: file://$(CURDIR)/reports/index.html"

# several processes of one thread each; the tests of a file stay together
test: $(SETUP) lint  ## every check and test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses $(CORES) --dist loadfile

lint: $(SETUP)
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

lab: $(SETUP)  ## JupyterLab on the tour
	$(BIN)/python -m jupyterlab notebooks/00_tour.ipynb

bench: $(SETUP)  ## the benchmark table, printed
	@mkdir -p data/generated
	$(BIN)/python -m pytest tests/benchmarks --benchmark-only -s --benchmark-json data/generated/benchmarks.json

record: $(SETUP)  ## take the results of the last run (SCALE) and benchmarks over into reports/SCALE, README.md and docs
	$(BIN)/python -m musclelib record data/generated/$(SCALE) reports data/generated/benchmarks.json \
	  README.md $$(find docs -name '*.md')

$(SETUP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; this is $$($(PYTHON) --version). Name another: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "This Python cannot make virtual environments; on Debian or Ubuntu: sudo apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[study,test]'
	@touch $@

clean:  ## what was generated and is marked as made here; the rest is counted, and stays
	@[ ! -x $(BIN)/python ] || $(BIN)/python -m musclelib clean data/generated reports
	rm -rf .snakemake
