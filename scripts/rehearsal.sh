#!/usr/bin/env bash
# Compiles the runtime to which the upgrade test upgrades: this one with the next version and a
# migration of its own (feature `rehearsal`), and puts it beside the binaries.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
# As substrate-wasm-builder links a runtime.
export RUSTFLAGS="-C link-arg=--export-table -C link-arg=--export=__heap_base -C link-arg=--import-memory --cfg substrate_runtime"
CARGO_TARGET_DIR="$target/rehearsal" scripts/cargo.sh --wasm rustc --release --target wasm32v1-none \
	-p proofpod-runtime --no-default-features --features rehearsal --lib --crate-type cdylib
cp "$target/rehearsal/wasm32v1-none/release/proofpod_runtime.wasm" "$target/release/proofpod_rehearsal.wasm"
