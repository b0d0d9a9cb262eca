// SPDX-License-Identifier: Apache-2.0

//! Compiles the runtime to WebAssembly. `SKIP_WASM_BUILD` leaves it out.

fn main() {
	#[cfg(feature = "std")]
	build_wasm();
}

#[cfg(feature = "std")]
fn build_wasm() {
	// The builder looks for Cargo.lock above the target folder, which may lie outside the
	// repository; without the lock file the runtime would be built from other dependencies.
	const HINT: &str = "WASM_BUILD_WORKSPACE_HINT";
	// Asked when it runs: checkouts that share a target folder share the compiled script.
	let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(std::path::PathBuf::from);
	let workspace = manifest.as_deref().and_then(std::path::Path::parent);
	if let (None, Some(workspace)) = (std::env::var_os(HINT), workspace) {
		std::env::set_var(HINT, workspace);
	}
	let builder = substrate_wasm_builder::WasmBuilder::init_with_defaults();
	#[cfg(feature = "metadata-hash")]
	let builder = builder.enable_metadata_hash("POD", 12);
	builder.build();
}
