# The few commands. They need Rust and a C compiler; `make test` installs what else it needs, or says
# what to install.

CARGO ?= cargo

.PHONY: help run test lint soak docs fuzz-api

help:
	@echo 'make run       serve on http://127.0.0.1:8000, with the data in ./data'
	@echo 'make test      run every test'
	@echo 'make lint      format, clippy, documentation, layering and dependencies, warnings denied'
	@echo 'make soak      races, kills, slow clients and generated requests at full size, for an hour'
	@echo 'make fuzz-api  send generated requests to every operation of /openapi.json, for minutes'
	@echo 'make docs      build the documentation of the crates into target/doc'

run:
	@scripts/need cc
	$(CARGO) run --locked

test:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	$(CARGO) test --locked --workspace
	MENJIN_TEST_DEGREE=replicas $(CARGO) test --locked -p menjin-tests --test e2e
	$(CARGO) run --locked --quiet -p menjin-domain --example in_memory

lint:
	@scripts/need cc rustfmt clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps
	scripts/check-layers
	scripts/check-docs
	scripts/check-contract
	scripts/check-security
	scripts/check-dependencies

soak:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	scripts/soak

fuzz-api:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	MENJIN_TEST_FUZZ_EXAMPLES=$(or $(EXAMPLES),300) $(CARGO) test --locked -p menjin-tests --test clients i9_ -- --nocapture

docs:
	$(CARGO) doc --locked --workspace --no-deps
