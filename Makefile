# The commands of the README. Each begins with `setup`, which is quick the second time.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed

.PHONY: setup demo test check clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt scripts/setup
	PYTHON="$(PYTHON)" scripts/setup "$(VENV)"
	@touch $@

demo: setup
	$(VENV)/bin/livesal demo

test: setup
	scripts/system-packages
	scripts/npm-clients
	scripts/test

check: setup
	scripts/check

clean:
	rm -rf $(VENV)
