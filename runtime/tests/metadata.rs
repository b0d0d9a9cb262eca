// SPDX-License-Identifier: Apache-2.0

//! The metadata that the client is generated from is this runtime's.

use std::fs;

const COMMITTED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../client/artifacts/metadata.scale");

const REMEDY: &str = "run `cargo run --release -p proofpod-runtime --example metadata -- \
	client/artifacts/metadata.scale` and commit the file";

#[test]
fn committed_metadata_is_that_of_this_runtime() {
	let committed = fs::read(COMMITTED)
		.unwrap_or_else(|error| panic!("client/artifacts/metadata.scale: {error}; {REMEDY}"));
	assert!(
		committed == proofpod_runtime::metadata(),
		"client/artifacts/metadata.scale is stale: {REMEDY}"
	);
}
