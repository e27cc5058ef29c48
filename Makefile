# Everything a newcomer needs. `make demo` and `make test` set up all they use.
.DEFAULT_GOAL := help
.PHONY: help install demo serve test check lock docs clean
BIN := .venv/bin

help: ## list the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

install: ## create .venv from the lock
	@deploy/install.sh runtime

demo: install ## simulate three clusters, ingest, allocate, advise; no root, no cluster needed
	@$(BIN)/millicore demo

serve: install ## open the boards on the demo's data
	@$(BIN)/millicore serve --home .millicore/demo

test: ## install what the tests need, then lint, types, layers and all tests
	@deploy/install_test_parts.sh
	@deploy/install.sh test
	@$(MAKE) --no-print-directory check
	@$(BIN)/pytest -n 2 --dist loadgroup

check: ## lint, types and layers only
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

lock: ## pin the newest versions that pyproject.toml allows
	$(BIN)/uv pip compile -q --upgrade $(LOCK) --group test -o requirements/test.txt
	$(BIN)/uv pip compile -q --upgrade $(LOCK) -c requirements/test.txt -o requirements/runtime.txt
LOCK := --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links --no-annotate --no-header \
	pyproject.toml --extra s3 --extra postgres

docs: ## rewrite the generated parts of docs/
	@$(BIN)/python -m service.reference docs

clean: ## remove the demo's data and caches, not .venv
	rm -rf .millicore .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
