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
	 'make train     VAE, eye, base, online student: hours' 'make report    lengths and shares of the pages' \
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

# The whole chain. Every stage is done once (its stamp is W/*.done, for a stage of base or student W/base_STAGE.done, W/online_STAGE.done) and continues where it was interrupted; remove a stamp to do this
# stage and all after it again (for a stage of base or student: its stamp and base.done or online.done). New features begin where the last ones were interrupted (W/encode.begun), otherwise anew.
# make train CONFIG=small GPU=1 PARTS=16: 128 px, trained on one GPU, drawn and encoded by sixteen processes.
CONFIG ?= tiny
GPU ?=
PARTS ?= 2
CLIPS ?= 3000
RECORD ?= 120
VAE_MINUTES ?= 45
EYE_MINUTES ?= 15
BASE_MINUTES ?= 135
ONLINE_MINUTES ?= 45
VAE_ARGS ?= $(if $(GPU),--batch 16 --lr 1e-3 --mouth 8)
# bfloat16 where the machine has it: a GPU, or a CPU with avx512_bf16
BF16 ?= $(if $(GPU),1,$(if $(shell grep -om1 avx512_bf16 /proc/cpuinfo 2>/dev/null),1,0))
BASE_ARGS ?= --amp $(BF16) $(if $(GPU),--tokens 65536)
# share of BASE_MINUTES of every stage, in per cent
STAGES ?= video:40 speak:12 listen:8 mixed:16 references:16 extension:8
ONLINE_ARGS ?= --amp $(BF16) $(if $(GPU),--size 24)
# share of ONLINE_MINUTES of every stage
ONLINE_STAGES ?= ode:40 offpolicy:15 onpolicy:25 refiner:20
WORDS ?=
W = $(if $(filter tiny,$(CONFIG)),work,work/$(CONFIG))
LAUNCH = $(if $(GPU),,ACCELERATE_USE_CPU=true )$(BIN)/accelerate launch $(if $(GPU),--num_processes 1,--multi_gpu --num_processes 2) --num_machines 1 --main_process_port 0 --dynamo_backend no --mixed_precision no -m
EACH = rm -f $(W)/failed; for part in $$(seq 0 $$(($(PARTS) - 1))); do $(PY) -m $(1) --part $$part || echo $$part >> $(W)/failed & done; wait; test ! -e $(W)/failed
# $(call STAGED,SCRIPT,stages with shares,minutes,arguments): all stages that have no stamp, and all after them
STAGED = set -e; again=; for s in $(2); do f=$(W)/$(1)_$${s%:*}.done; test -z "$$again" && test -e $$f && continue; again=1; rm -f $$f; \
	  $(LAUNCH) lpm.launch.$(1) --name $(CONFIG) --features $(W)/features --out $(W)/weights --stage $${s%:*} --minutes $$(echo $${s\#*:} $(3) | awk '{print $$1*$$2/100}') $(4); touch $$f; done
train: $(W)/online.done
	@echo 'weights in $(W)/weights: .venv/bin/lpm perform --weights $(W)/weights'
$(W)/corpus.done: | setup-dev
	@mkdir -p $(W)
	$(call EACH,lpm.launch.corpus --parts $(PARTS) --out $(W)/corpus --clips $(CLIPS) --seed 3 --config $(CONFIG))
	@touch $@
$(W)/vae.done: $(W)/corpus.done
	$(LAUNCH) lpm.launch.vae --config $(CONFIG) --data $(W)/corpus --minutes $(VAE_MINUTES) --out $(W)/weights/vae $(VAE_ARGS)
	@rm -f $(W)/encode.begun; touch $@
$(W)/encode.done: $(W)/vae.done
	test -e $(W)/encode.begun || rm -rf $(W)/features $(W)/base_*.done; touch $(W)/encode.begun
	$(call EACH,lpm.launch.encode --parts $(PARTS) --name $(CONFIG) --corpus $(W)/corpus --vae $(W)/weights --out $(W)/features $(if $(WORDS),--words $(WORDS)))
	@rm $(W)/encode.begun; touch $@
$(W)/eye.done: $(W)/encode.done
	$(PY) -m lpm.launch.eye --name $(CONFIG) --corpus $(W)/corpus --features $(W)/features --vae $(W)/weights --pool $(W)/eye/pool --out $(W)/weights --minutes $(EYE_MINUTES)
	@rm -f $(W)/base_*.done; touch $@
$(W)/base.done: $(W)/eye.done
	$(call STAGED,base,$(STAGES),$(BASE_MINUTES),--eye $(W)/weights $(BASE_ARGS))
	rm -rf $(W)/paths $(W)/online_*.done
	@touch $@
$(W)/paths.done: $(W)/base.done
	$(call EACH,lpm.launch.online --record $(RECORD) --name $(CONFIG) --features $(W)/features --teacher $(W)/weights --paths $(W)/paths)
	@touch $@
$(W)/online.done: $(W)/paths.done
	$(call STAGED,online,$(ONLINE_STAGES),$(ONLINE_MINUTES),--teacher $(W)/weights --vae $(W)/weights --paths $(W)/paths $$(test $${s%:*} != ode || echo --eye $(W)/weights) $(ONLINE_ARGS))
	@touch $@

clean:
	rm -rf _proc _docs out .pytest_cache .ruff_cache
