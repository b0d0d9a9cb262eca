// SPDX-License-Identifier: Apache-2.0

//! Two validators cannot reach the other two for a while.

use anyhow::{ensure, Result};
use proofpod_primitives::BlockNumber;
use proofpod_tests::network::{isolated, Heads, Islands, Isolation, Links, Place, Validators};
use std::{
	io::Write as _,
	time::{Duration, Instant},
};

/// The two sides.
const LEFT: [usize; 2] = [0, 1];
const RIGHT: [usize; 2] = [2, 3];

/// Time for votes that were on their way when the network broke.
const IN_FLIGHT: Duration = Duration::from_secs(10);

/// Blocks that each side makes alone. Each has every second slot, on average.
const ALONE: BlockNumber = 5;

/// Longest wait for them.
const PATIENCE: Duration = Duration::from_secs(120);

/// The network broke just now: each side goes on with a chain of its own, and none finalises.
async fn expect_two_chains_without_finality(network: &mut Validators) -> Result<()> {
	tokio::time::sleep(IN_FLIGHT).await;
	let before = network.heads(Validators::ALL).await?;
	let start = Instant::now();
	let after = loop {
		let now = network.heads(Validators::ALL).await?;
		let alone = |(now, before): (&Heads, &Heads)| now.best.number >= before.best.number + ALONE;
		if now.iter().zip(&before).all(alone) {
			break now;
		}
		ensure!(start.elapsed() < PATIENCE, "one side makes no blocks: {now:?}");
		tokio::time::sleep(Duration::from_millis(500)).await;
	};
	for (before, after) in before.iter().zip(&after) {
		ensure!(before.finalised == after.finalised, "two finalise: {before:?}, {after:?}");
	}
	let height = after.iter().map(|heads| heads.best.number).min().unwrap_or_default() - 1;
	let (left, right) =
		(network.block(LEFT[0], height).await?, network.block(RIGHT[0], height).await?);
	ensure!(left != right, "both sides have {left} at {height}");
	println!(
		"{height} blocks high, {left} is not {right}; finalised are {}",
		after[0].finalised.number
	);
	Ok(())
}

/// The network was mended just now: all go on with one chain and finalise it.
async fn expect_one_chain_with_finality(network: &mut Validators) -> Result<()> {
	let start = Instant::now();
	let heads = network.heads(Validators::ALL).await?;
	let highest = heads.iter().map(|heads| heads.best.number).max().unwrap_or_default();
	network.reach(Validators::ALL, highest).await?;
	println!("finalised to {highest} after {:?}", start.elapsed());
	network.reach(Validators::ALL, highest + 5).await?;
	network.ensure_one_chain(Validators::ALL).await
}

#[tokio::test]
async fn a_partition_by_a_cut_cable_heals() -> Result<()> {
	match isolated("partition::a_partition_by_a_cut_cable_heals")? {
		Isolation::Inside => {},
		Isolation::Passed => return Ok(()),
		Isolation::Impossible(reasons) => {
			// Past the test harness, which keeps what a passed test prints to itself.
			writeln!(
				std::io::stderr(),
				"SKIPPED: a_partition_by_a_cut_cable_heals did NOT run, for this machine allows no \
				 network namespaces: {reasons}"
			)?;
			return Ok(());
		},
	}
	let folder = tempfile::tempdir()?;
	let islands = Islands::new(folder.path())?;
	let place = |who| Place::on(islands.island(usize::from(RIGHT.contains(&who))));
	let places = [place(0)?, place(1)?, place(2)?, place(3)?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 3).await?;
	islands.cut()?;
	expect_two_chains_without_finality(&mut network).await?;
	islands.mend()?;
	expect_one_chain_with_finality(&mut network).await
}

#[tokio::test]
async fn a_partition_by_removed_peers_heals() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Reserved, places)?;
	network.reach(Validators::ALL, 3).await?;
	network.separate(LEFT, RIGHT).await?;
	expect_two_chains_without_finality(&mut network).await?;
	network.join(LEFT, RIGHT).await?;
	expect_one_chain_with_finality(&mut network).await
}
