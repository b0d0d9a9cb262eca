# The same recipes for people and for continuous integration.
#
#   make setup   install what the build needs (idempotent; says what it did)
#   make demo    a chain, a pod and a client on this machine; KEEP=1 leaves them running
#   make test    format, lints, unit, property and end-to-end tests; test-network adds networks of
#                four validators and their faults, about twenty minutes; test-long plays the
#                random games of market and validators for 100,000 calls, or STEPS of them, with SEED
#   make lint    format and lints only
#   make bench   measure the prover and the chain, and write docs/benchmarks.md and .json;
#                bench-large adds a ResNet-20; bench-peers measures EZKL on the same networks
#                first, for the page to compare with
#   make weights measure the pallets' weights and the fees that follow, on an idle machine;
#                check-weights only lints, tests and runs the benchmarks; fees only writes the page
#   make docs    the API documentation, with warnings as errors

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

KEEP ?= 0
BUILT := $(or $(CARGO_TARGET_DIR),target)/release
# Where the demo finds the models: a target folder can be shared by several checkouts.
export PROOFPOD_REPOSITORY := $(CURDIR)

.PHONY: help setup build demo test test-long test-network lint bench bench-large bench-peers docs metadata weights check-weights fees

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@scripts/setup.sh

# With the examples, so that the features of all dependencies are those of the tests: what is built
# here is not built again for them.
build:
	@scripts/setup.sh build
	@scripts/cargo.sh build --release --workspace --bins --examples

demo: build
	@$(BUILT)/proofpod-demo $(if $(filter 1,$(KEEP)),--keep)

test: setup lint build
	@scripts/cargo.sh --wasm build --release --target wasm32v1-none --no-default-features -p proofpod-primitives -p proofpod-verifier
	@scripts/cargo.sh test --release --workspace --doc --quiet
	@scripts/cargo.sh nextest run --release --workspace --no-fail-fast

test-network: build
	@scripts/rehearsal.sh
	@scripts/cargo.sh nextest run --release --workspace --test network --profile network --no-fail-fast

# The same games as in `make test`, longer.
test-long: export PROOFPOD_STEPS = $(or $(STEPS),100000)
test-long: export PROOFPOD_SEED = $(or $(SEED),1)
test-long:
	@scripts/setup.sh build
	@scripts/cargo.sh nextest run --release --workspace --lib --test market --profile long

lint:
	@scripts/setup.sh build
	@scripts/cargo.sh fmt --all --check
	@scripts/cargo.sh clippy --release --workspace --all-targets -- -D warnings

bench bench-large: build
	@$(BUILT)/proofpod-bench $(if $(filter bench-large,$@),--large)
	@$(BUILT)/proofpod-demo --benchmarks docs/benchmarks.md

# What EZKL can hold in the memory of a small machine.
bench-peers:
	@scripts/bench_peers.sh target/bench/onnx target/bench/peers.json \
		mlp_784_56_10 mlp_784_128_10 lenet_28

docs:
	@scripts/setup.sh build
	@RUSTDOCFLAGS="-D warnings" scripts/cargo.sh doc --release --workspace --no-deps

# After a change of the runtime's interface: what the client is generated from.
metadata:
	@scripts/setup.sh build
	@scripts/cargo.sh build --release --workspace --example metadata
	@$(BUILT)/examples/metadata client/artifacts/metadata.scale

# After a change of what a call does. The second build is that of the new weights.
weights:
	@scripts/setup.sh build
	@scripts/weights.sh
	@$(MAKE) fees

# After a change of a benchmark, or of what it calls. Not part of `make test`, since the feature
# builds every crate anew.
check-weights:
	@scripts/setup.sh build
	@scripts/weights.sh --check

# After a change of prices.
fees:
	@scripts/setup.sh build
	@scripts/cargo.sh build --release --workspace --example fees
	@$(BUILT)/examples/fees docs/fees.md
