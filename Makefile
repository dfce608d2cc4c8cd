# Short names for `python3 dev.py ...`; pass arguments as ARGS="..."
PYTHON ?= python3

.PHONY: demo test lint types layers check clean

demo test lint types layers check:
	@$(PYTHON) dev.py $@ $(ARGS)

clean:
	rm -rf .build .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
