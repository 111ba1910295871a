# The system's OpenSSL where pkg-config finds it, else one built from source (the `vendored` feature).
FEATURES = $(if $(shell pkg-config --exists openssl 2>/dev/null && echo found),,--features vendored)
SAY_OPENSSL = @echo "OpenSSL: $(if $(FEATURES),built from source (pkg-config finds none),the system's $(shell pkg-config --modversion openssl))"

.PHONY: build demo test lint setup compiler bench fuzz soak accuracy
.DEFAULT_GOAL := build

build: compiler ## the release binary
	$(SAY_OPENSSL)
	cargo build --release $(FEATURES)

demo: build ## the whole main job against an endpoint of its own
	@cargo run --quiet --release $(FEATURES) -- demo

test: setup ## all tests, with real servers
	$(SAY_OPENSSL)
	cargo test $(FEATURES)

lint: compiler ## formatting, clippy, documentation
	$(SAY_OPENSSL)
	@cargo fmt --version && cargo clippy --version || { echo "To get them: rustup component add rustfmt clippy"; exit 1; }
	cargo fmt --check
	cargo clippy --all-targets $(FEATURES) -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --no-deps $(FEATURES)

setup: ## servers, clients and a container image for the tests
	@scripts/setup

compiler: ## what it takes to build
	@scripts/setup compiler

bench: setup build ## against psql and pg_isready
	cargo bench $(FEATURES)

FUZZ_SECONDS ?= 60
fuzz: compiler ## every form of input, FUZZ_SECONDS each, on a nightly toolchain
	@cargo +nightly fuzz --version || { echo "To get it: rustup toolchain install nightly && cargo +nightly install cargo-fuzz"; exit 1; }
	set -e; for form in $$(cargo +nightly fuzz list); do \
	  cargo +nightly fuzz run --sanitizer none $$form -- -max_total_time=$(FUZZ_SECONDS) -max_len=2000 -verbosity=0 -print_final_stats=1; \
	done

soak: export PGPREFLIGHT_TEST_MAJORS = 10 11 12 13 14 15 16 17 18
soak: setup ## 3,000 cases drawn at random, on every major, against psql on libpq 18
	PGPREFLIGHT_DRAWN=3000 cargo test $(FEATURES) --test live drawn -- --nocapture

accuracy: export PGPREFLIGHT_TEST_MAJORS = 10 11 12 13 14 15 16 17 18
accuracy: export PGPREFLIGHT_ACCURACY = $(CURDIR)/target/accuracy.jsonl
accuracy: setup ## plays every fault, also against psql and pg_isready, and writes tests/ACCURACY.md
	rm -f $(PGPREFLIGHT_ACCURACY)
	played=0; \
	cargo test $(FEATURES) --no-fail-fast --test scenarios --test variants --test secrets --test names --test network || played=$$?; \
	cargo test $(FEATURES) --test live -- $(LIVE_PLAYS) || played=$$?; \
	cargo test $(FEATURES) --test accuracy the_table_is_written -- --ignored && exit $$played

# The tests of `live` that have rows in the table.
LIVE_PLAYS = faults:: pooler:: unix_socket:: certificates::identity fixes::session translated:: driver:: healthy::
