# make perform   everything a newcomer needs: installs into .venv, then a character listens and answers: out/talk.mp4
# make test      everything the project checks
# make help      the rest

VENV ?= .venv
BIN  := $(VENV)/bin
PY   := $(BIN)/python
OUT  ?= out
WORKERS ?= 2
export OMP_NUM_THREADS ?= 1

# What drives the character; without any of them, the recordings that come with the package.
SPEAK ?=
LISTEN ?=
TEXT ?=
CHARACTER ?=
ARGS ?=
export SPEAK LISTEN TEXT CHARACTER
ifeq ($(strip $(SPEAK)$(LISTEN)),)
  VOICES = --speak lpm/assets/answer.flac --listen lpm/assets/question.flac
else
  VOICES = $(if $(SPEAK),--speak "$$SPEAK") $(if $(LISTEN),--listen "$$LISTEN")
endif

.PHONY: perform test notebooks docs hooks train report sync lab clean help setup setup-dev
help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile; printf '%s\n' \
	 'make perform SPEAK=a.wav LISTEN=b.mp3 TEXT="warm" CHARACTER=amber   your own performance' \
	 'make notebooks [PAGES="31_rope 42_online"]   run pages, keep outputs, clean, export' \
	 'make docs      the rendered book in _docs' 'make hooks     clean notebooks on commit (once per clone)' \
	 'make train     VAE, base, online student: hours' 'make report    lengths and shares of the pages' \
	 'make lab       JupyterLab' 'VENV=dir        another environment;  SETUP=no: use it as it is'

setup:
	@VENV='$(VENV)' SETUP='$(SETUP)' sh tools/setup.sh run

setup-dev:
	@VENV='$(VENV)' SETUP='$(SETUP)' sh tools/setup.sh dev

perform: setup
	@mkdir -p '$(OUT)'
	@$(BIN)/lpm perform $(VOICES) $(if $(TEXT),--text "$$TEXT") $(if $(CHARACTER),--character "$$CHARACTER") \
	  --out '$(OUT)/talk.mp4' --strip '$(OUT)/talk.png' --report '$(OUT)/talk.json' $(ARGS)

test: setup-dev
	@$(PY) -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

notebooks: setup-dev
	@$(PY) tools/book.py run $(PAGES)
	@$(PY) tools/book.py sync

sync: setup-dev
	@$(PY) tools/book.py sync

docs: setup-dev
	@$(PY) tools/docs.py

report: setup-dev
	@$(PY) tools/book.py report

hooks: setup-dev
	@$(BIN)/nbdev_install_hooks
	@printf '%s\n' '#!/bin/sh' '# written by make hooks: a commit leaves nothing for export and clean to change' \
	  'make -s sync && git diff --quiet -- nbs lpm README.md _quarto.yml || { echo "export or clean changed files: look, add, commit again"; exit 1; }' > .git/hooks/pre-commit
	@chmod +x .git/hooks/pre-commit && echo 'hooks are in place'

lab: setup-dev
	@$(BIN)/jupyter lab nbs

# The whole chain. Every stage is done once (its stamp is work/*.done) and continues where it was interrupted; remove a stamp to do this stage and all after it again.
LAUNCH = ACCELERATE_USE_CPU=true $(BIN)/accelerate launch --multi_gpu --num_processes 2 --num_machines 1 --main_process_port 0 --dynamo_backend no --mixed_precision no -m
BOTH = rm -f work/failed; for part in 0 1; do $(PY) -m $(1) --part $$part || echo $$part >> work/failed & done; wait; test ! -e work/failed
CLIPS ?= 1100
VAE_MINUTES ?= 45
BASE_MINUTES ?= 135
ODE_MINUTES ?= 17
train: work/ode.done
	@echo 'weights in work/weights: .venv/bin/lpm perform --weights work/weights'
work/corpus.done: | setup-dev
	@mkdir -p work
	$(call BOTH,lpm.launch.corpus --parts 2 --out work/corpus --clips $(CLIPS) --people 360 --seed 1)
	@touch $@
work/vae.done: work/corpus.done
	$(LAUNCH) lpm.launch.vae --data work/corpus --minutes $(VAE_MINUTES) --out work/weights/vae
	@touch $@
work/encode.done: work/vae.done
	rm -rf work/features
	$(call BOTH,lpm.launch.encode --parts 2 --corpus work/corpus --vae work/weights --out work/features)
	@touch $@
work/base.done: work/encode.done
	$(LAUNCH) lpm.launch.base --features work/features --minutes $(BASE_MINUTES) --out work/weights
	rm -rf work/paths
	@touch $@
work/paths.done: work/base.done
	$(call BOTH,lpm.launch.ode --record 120 --features work/features --teacher work/weights --paths work/paths)
	@touch $@
work/ode.done: work/paths.done
	$(LAUNCH) lpm.launch.ode --features work/features --teacher work/weights --paths work/paths --minutes $(ODE_MINUTES) --out work/weights
	@touch $@

clean:
	rm -rf _proc _docs out .pytest_cache .ruff_cache
