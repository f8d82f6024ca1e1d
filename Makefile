PYTHON ?= python3
CORES ?= $(shell nproc)
DIR ?= .
BIN := .venv/bin
READY := .venv/.ready
SNAKEMAKE := env PATH="$(CURDIR)/$(BIN):$$PATH" snakemake --cores $(CORES)

.PHONY: help quick paper reproduce reproduce-20 test test-slurm slurm status report clean benchmark same-quality lock

help: ## these words
	@echo 'make WORD [CORES=8] [DIR=quick]'
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | expand -t 16
	@echo 'CORES: of this machine, all if not given. DIR: the folder of the run, this one if not given; quick: that of `make quick`.'

quick: $(READY) ## [CORES] the whole corridor on the built-in population, offline: minutes
	mkdir -p quick
	$(SNAKEMAKE) --directory quick --configfile workflow/resources/quick.yaml
	@echo "Done. Open quick/results/notebooks/index.html"

paper: $(READY) ## [CORES] the published tables alone; `reproduce` goes on from there
	$(SNAKEMAKE) --configfile workflow/resources/paper.yaml
	@echo "Done. Open results/notebooks/index.html"

reproduce: $(READY) ## [CORES] everything that config.yaml asks for
	$(SNAKEMAKE)
	@echo "Done. Open results/notebooks/index.html"

reproduce-20: $(READY) ## [CORES] the same, and twenty seeds of the paper's populations, by which the claims are judged
	$(SNAKEMAKE) --configfile workflow/resources/twenty_seeds.yaml
	@echo "Done. Open results/notebooks/index.html"

test: $(READY) ## [CORES] every test
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest --numprocesses $(CORES) --dist loadgroup

test-slurm: $(READY) slurm ## those of tests/slurm, which `make test` skips where there is no Slurm
	PATH="$(CURDIR)/$(BIN):$$PATH" pytest tests/slurm

slurm: ## Slurm and munge from Debian's packages, where they are missing; needs root
	@if ! command -v slurmctld >/dev/null || ! command -v munged >/dev/null; then \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo "Slurm is missing: install slurm-wlm and munge (Debian: apt-get install slurm-wlm munge, as root)" >&2; \
			exit 1; \
		fi; \
		apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends slurm-wlm munge; \
	fi

status: $(READY) ## [DIR] what is done, running, left and missing; a run may go on meanwhile
	@$(BIN)/python workflow/scripts/status.py $(DIR)

report: $(READY) ## [DIR] after a run: all exhibits with captions and run times in one file, to be read offline
	cat $(DIR)/results/.lock 2>/dev/null | xargs $(SNAKEMAKE) --directory $(DIR) --report $(abspath $(DIR))/report.html
	@echo "Done. Open $(abspath $(DIR))/report.html"

benchmark: $(READY) ## seconds and memory of every stage, by size and beside one-by-one loops, into docs/performance.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/speed.py

same-quality: $(READY) ## ours against plain one-by-one loops over 20 seeds, into docs/performance.md
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/same_quality.py

clean: ## what a run leaves behind, but not the environment, the downloads or the committed results
	rm -rf quick logs report.html results/benchmarks results/diagnostics.parquet results/classifiers.parquet
	rm -rf $(foreach folder,$(wildcard results/*/seeds-*),$(dir $(folder)))

# torch comes first and unhashed: its wheel depends on the machine (CPU or CUDA). Everything else is locked.
$(READY): envs/requirements.lock envs/requirements-torch.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -q -r envs/requirements-torch.txt
	$(BIN)/pip install --disable-pip-version-check -q --require-hashes -r envs/requirements.lock
	touch $@

lock: ## resolve envs/requirements.in again (needs uv)
	uv pip compile --quiet --universal --generate-hashes --python-version 3.11.7 --no-emit-index-url --no-header \
		envs/requirements.in -o envs/requirements.lock
