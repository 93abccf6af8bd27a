# Two commands: `make demo` runs one simulated year and draws it, `make test` runs every check. `make docs` builds the pages of site/.
PYTHON ?= python3
BIN := .venv/bin
SOURCES := pyproject.toml

.PHONY: demo test lint docs clean

.venv/core.done: $(SOURCES)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	touch $@

.venv/dev.done: $(SOURCES)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	touch $@ .venv/core.done

.venv/docs.done: $(SOURCES)
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	touch $@ .venv/core.done

demo: .venv/core.done
	$(BIN)/boneabm run menopause --out runs/menopause --replace --picture

test: .venv/dev.done lint
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

lint: .venv/dev.done
	$(BIN)/ruff check .
	$(BIN)/mypy

docs: .venv/docs.done
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

clean:
	rm -rf .venv runs build dist site
