# The same recipes for people and for continuous integration.
#
#   make setup   install what the build needs (idempotent; says what it did)
#   make demo    a chain, a pod and a client on this machine; KEEP=1 leaves them running
#   make test    format, lints, unit, property and end-to-end tests
#   make lint    format and lints only
#   make bench   measure, and write docs/benchmarks.md
#   make docs    the API documentation, with warnings as errors

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

KEEP ?= 0

.PHONY: help setup build demo test lint bench docs metadata

help:
	@sed -n 's/^#   //p' Makefile

setup:
	@scripts/setup.sh

build: setup
	@scripts/cargo.sh build --release --workspace --bins

demo: build
	@scripts/cargo.sh run --release --workspace --quiet --bin proofpod-demo -- $(if $(filter 1,$(KEEP)),--keep)

test: lint build
	@scripts/cargo.sh nextest run --release --workspace

lint: setup
	@scripts/cargo.sh fmt --all --check
	@scripts/cargo.sh clippy --release --workspace --all-targets -- -D warnings

bench: build
	@scripts/cargo.sh run --release --workspace --quiet --bin proofpod-demo -- --benchmarks docs/benchmarks.md

docs: setup
	@RUSTDOCFLAGS="-D warnings" scripts/cargo.sh doc --release --workspace --no-deps

# After a change of the runtime's interface: what the client is generated from.
metadata: setup
	@scripts/cargo.sh run --release --workspace --quiet --example metadata -- client/artifacts/metadata.scale
