// SPDX-License-Identifier: Apache-2.0

//! The metadata that the client is generated from is this runtime's.

use std::{env, fs, path::Path};

const REMEDY: &str = "run `cargo run --release -p proofpod-runtime --example metadata -- \
	client/artifacts/metadata.scale` and commit the file";

#[test]
fn committed_metadata_is_that_of_this_runtime() {
	// Asked when it runs: checkouts that share a target folder may share the compiled test.
	let manifest = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for tests");
	let file = Path::new(&manifest).join("../client/artifacts/metadata.scale");
	let committed = fs::read(file)
		.unwrap_or_else(|error| panic!("client/artifacts/metadata.scale: {error}; {REMEDY}"));
	assert!(
		committed == proofpod_runtime::metadata(),
		"client/artifacts/metadata.scale is stale: {REMEDY}"
	);
}
