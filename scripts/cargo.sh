#!/usr/bin/env bash
# Runs cargo with the WebAssembly compiler that scripts/setup.sh found or made.
set -euo pipefail
cd "$(dirname "$0")/.."

[ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"

# Without the target in rustup's toolchain, the runtime is compiled by Debian's (see setup.sh).
if [ -z "${WASM_BUILD_TOOLCHAIN:-}" ] &&
	! rustup target list --installed 2>/dev/null | grep -q '^wasm32v1-none$' &&
	rustup toolchain list 2>/dev/null | grep -q '^debian'; then
	export WASM_BUILD_TOOLCHAIN=debian
fi

# `--wasm`: with that compiler itself, for crates built for WebAssembly on their own.
if [ "${1:-}" = --wasm ]; then
	shift
	exec cargo ${WASM_BUILD_TOOLCHAIN:+"+$WASM_BUILD_TOOLCHAIN"} "$@"
fi
exec cargo "$@"
