// SPDX-License-Identifier: Apache-2.0

//! A chain of two validators.

use anyhow::{ensure, Result};
use proofpod_client::chain::Chain;
use proofpod_tests::network::Node;
use std::time::{Duration, Instant};

/// Longest wait for two validators to find each other and finalise.
const PATIENCE: Duration = Duration::from_secs(90);

#[tokio::test]
async fn two_validators_make_blocks_and_finalise_them() -> Result<()> {
	let folder = tempfile::tempdir()?;
	let arguments = |name: &str, more: &[&str]| {
		let mut all = vec!["--chain", "local", "--tmp", "--validator", name];
		all.extend(["--unsafe-force-node-key-generation"]);
		all.extend(more);
		all.into_iter().map(String::from).collect::<Vec<_>>()
	};
	let alice = Node::start_with(folder.path(), "alice", &arguments("--alice", &[]))?;
	let bootnode = alice.address().await?;
	let bob =
		Node::start_with(folder.path(), "bob", &arguments("--bob", &["--bootnodes", &bootnode]))?;
	let (first, second) = (Chain::connect(&alice.url).await?, Chain::connect(&bob.url).await?);
	assert_eq!(first.genesis(), second.genesis());
	let start = Instant::now();
	loop {
		let (one, two) = (first.finalised().await?, second.finalised().await?);
		if one.number >= 3 && two.number >= 3 {
			break;
		}
		ensure!(start.elapsed() < PATIENCE, "finalised only {} and {}", one.number, two.number);
		tokio::time::sleep(Duration::from_millis(500)).await;
	}
	// GRANDPA needs both: neither could have finalised alone.
	let height = proofpod_client::chain::At::Number(3);
	assert_eq!(first.at(height).await?.block(), second.at(height).await?.block());
	Ok(())
}
