#!/usr/bin/env bash
# Measures the weights of our pallets and writes pallets/*/src/weights.rs: on an idle machine, with
# everything built in a target folder of its own, since the feature changes every crate. What is given
# are the arguments of `proofpod-node benchmark`, such as --pallet pallet_jobs or --repeat 50.
# With --check the benchmarks are linted, tested and run as quickly as they can; nothing is written.
set -euo pipefail
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-$PWD/target}/benchmarks
pallets=(-p pallet-clock -p pallet-governance -p pallet-jobs -p pallet-models -p pallet-pods)
pallets+=(-p pallet-proofs -p pallet-validators)
CARGO_TARGET_DIR=$target scripts/cargo.sh build --release -p proofpod-node --features runtime-benchmarks
if [[ ${1:-} == --check ]]; then
	what=(--release --lib -p proofpod-runtime "${pallets[@]}")
	features=(--features proofpod-runtime/runtime-benchmarks)
	export CARGO_TARGET_DIR=$target
	scripts/cargo.sh clippy "${what[@]}" --tests "${features[@]}" -- -D warnings
	scripts/cargo.sh nextest run "${what[@]}" "${features[@]}" -E 'test(/bench/)'
	exec "$target/release/proofpod-node" benchmark --steps 2 --repeat 1
fi
"$target/release/proofpod-node" benchmark --output pallets "$@"
scripts/cargo.sh fmt "${pallets[@]}"
