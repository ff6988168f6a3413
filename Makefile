# The few commands. They need Rust and a C compiler; `make test` installs what else it needs, or says
# what to install.

CARGO ?= cargo

.PHONY: help run test crate lint soak bench docs fuzz-api

help:
	@echo 'make run       serve on http://127.0.0.1:8000, with the data in ./data'
	@echo 'make test      run every test'
	@echo 'make crate     test and lint one crate: make crate CRATE=menjin-domain'
	@echo 'make lint      format, clippy, documentation, layering and dependencies, warnings denied'
	@echo 'make soak      races, kills, slow clients and generated requests at full size, for an hour'
	@echo 'make bench     measure speed and size beside what the machine can do at best, for minutes'
	@echo 'make fuzz-api  send generated requests to every operation of /openapi.json, for minutes'
	@echo 'make docs      build the reference of the crates into target/doc and the manual into target/book'

run:
	@scripts/need cc
	$(CARGO) run --locked

test:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	$(CARGO) test --locked --workspace
	# All of the workspace again: one crate alone would be built anew, with other features of what it needs.
	MENJIN_TEST_PROFILE=replicas $(CARGO) test --locked --workspace --test e2e
	scripts/check-system-sqlite

# One crate alone, for whoever works on it.
CRATE ?= menjin-domain

crate:
	@scripts/need cc rustfmt clippy
	$(CARGO) test --locked -p $(CRATE)
	$(CARGO) clippy --locked -p $(CRATE) --all-targets -- -D warnings

lint:
	@scripts/need cc rustfmt clippy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --workspace --no-deps
	scripts/check-layers
	scripts/check-docs
	scripts/check-links
	scripts/check-security
	scripts/check-dependencies
	scripts/check-packages

soak:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	scripts/soak

# ARGS, such as --quick, --only B1,B4 or --curve. Server and benchmark are built apart: together cargo
# would give the server what features only the benchmark asks for.
bench:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools servers
	$(CARGO) build --locked --profile bench -p menjin-server
	$(CARGO) run --locked --profile bench -p menjin-bench -- $(ARGS)

fuzz-api:
	@scripts/need cc
	@mkdir -p target
	@scripts/test-tools
	MENJIN_TEST_FUZZ_EXAMPLES=$(or $(EXAMPLES),300) $(CARGO) test --locked -p menjin-tests --test clients i9_ -- --nocapture

docs:
	$(CARGO) doc --locked --workspace --no-deps
	@if command -v mdbook >/dev/null; then mdbook build docs; \
	else echo 'mdbook is not installed (cargo install mdbook): read the manual in docs/src/ instead'; fi
