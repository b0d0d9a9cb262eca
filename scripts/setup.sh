#!/usr/bin/env bash
# Installs what the build needs, and says what it did. Safe to run again: what is there stays.
#
#   scripts/setup.sh          everything
#   scripts/setup.sh build    without the test runner
set -euo pipefail
cd "$(dirname "$0")/.."

# Debian's names: a C compiler for bundled libraries, libclang for generated bindings, protobuf's
# compiler for libp2p.
packages=(build-essential clang libclang-dev protobuf-compiler cmake pkg-config libssl-dev)
target=wasm32v1-none
nextest_version=0.9.143

say() { printf 'setup: %s\n' "$*"; }
fail() {
	printf 'setup: %s\n' "$*" >&2
	exit 1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		fail "needs root to run «$*»: run it yourself, then make setup again"
	fi
}

apt_updated=no
apt_install() {
	command -v apt-get >/dev/null ||
		fail "this system has no apt-get: install the equivalents of «$*», then make setup again"
	if [ "$apt_updated" = no ]; then
		as_root apt-get update -qq
		apt_updated=yes
	fi
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

has_package() { dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'; }

system_packages() {
	local missing=()
	if ! command -v dpkg-query >/dev/null; then
		for tool in clang protoc cmake pkg-config; do
			command -v "$tool" >/dev/null || missing+=("$tool")
		done
		[ ${#missing[@]} = 0 ] || fail "not a Debian system: install ${missing[*]}, then make setup again"
		say "system packages: tools found"
		return
	fi
	for package in "${packages[@]}"; do
		has_package "$package" || missing+=("$package")
	done
	if [ ${#missing[@]} = 0 ]; then
		say "system packages: all there"
	else
		say "system packages: installing ${missing[*]}"
		apt_install "${missing[@]}"
	fi
}

rust() {
	[ -f "$HOME/.cargo/env" ] && . "$HOME/.cargo/env"
	command -v cargo >/dev/null || fail "Rust is missing: install it as rustup.rs says, then make setup again"
	cargo --version >/dev/null 2>&1 || fail "cargo does not run: does rustup have the toolchain of rust-toolchain.toml?"
	say "Rust: $(rustc --version)"
}

# rustup first; where its server cannot be reached, Debian's newer compiler builds the runtime.
wasm_target() {
	if ! command -v rustup >/dev/null; then
		[ -d "$(rustc --print sysroot)/lib/rustlib/$target" ] ||
			fail "this Rust has no $target target and there is no rustup to add it"
		say "WebAssembly target: found"
	elif rustup target list --installed | grep -q "^$target\$"; then
		say "WebAssembly target: found"
	elif rustup target add "$target" >/dev/null 2>&1; then
		say "WebAssembly target: added by rustup"
	elif rustup toolchain list | grep -q '^debian'; then
		say "WebAssembly target: Debian's compiler, found"
	else
		say "WebAssembly target: rustup cannot download it, building it with Debian's compiler"
		debian_wasm_toolchain
	fi
}

debian_wasm_toolchain() {
	apt_install rustc-web cargo-web rust-web-src lld-22
	local work
	work=$(mktemp -d)
	mkdir -p "$work/src"
	cat >"$work/Cargo.toml" <<'MANIFEST'
[package]
name = "sysroot"
version = "0.0.0"
edition = "2021"

[lib]
crate-type = ["rlib"]

[workspace]
MANIFEST
	cat >"$work/src/lib.rs" <<'SOURCE'
#![no_std]
extern crate alloc;
use core::alloc::{GlobalAlloc, Layout};
struct Nothing;
unsafe impl GlobalAlloc for Nothing {
	unsafe fn alloc(&self, _: Layout) -> *mut u8 {
		core::ptr::null_mut()
	}
	unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}
#[global_allocator]
static ALLOCATOR: Nothing = Nothing;
#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
	loop {}
}
SOURCE
	(
		cd "$work"
		env -u CARGO_TARGET_DIR RUSTC=/usr/bin/rustc RUSTC_BOOTSTRAP=1 /usr/bin/cargo rustc --release \
			--target "$target" -Z build-std=core,alloc --crate-type rlib --quiet
	)
	local library=/usr/lib/rustlib/$target/lib host
	host=$(/usr/bin/rustc --version --verbose | sed -n 's/^host: //p')
	as_root mkdir -p "$library" "/usr/lib/rustlib/$host/bin"
	for crate in core alloc compiler_builtins; do
		as_root cp "$work"/target/$target/release/deps/lib$crate-*.{rlib,rmeta} "$library/"
	done
	as_root ln -sf /usr/lib/llvm-22/bin/lld "/usr/lib/rustlib/$host/bin/rust-lld"
	rustup toolchain link debian /usr
	rm -rf "$work"
	say "WebAssembly target: Debian's compiler, installed"
}

test_runner() {
	if cargo nextest --version >/dev/null 2>&1; then
		say "test runner: $(cargo nextest --version | head -n 1)"
	else
		say "test runner: building cargo-nextest $nextest_version"
		cargo install cargo-nextest --version "$nextest_version" --locked --quiet
	fi
}

system_packages
rust
wasm_target
[ "${1:-}" = build ] || test_runner
say "ready"
