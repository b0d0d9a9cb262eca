// SPDX-License-Identifier: Apache-2.0

//! Validators whose power fails.

use anyhow::{ensure, Result};
use proofpod_tests::network::{Links, Place, Validators};

/// Blocks to go on for, so that every validator's turn comes twice.
const A_WHILE: u32 = 8;

#[tokio::test]
async fn a_killed_validator_catches_up_and_finality_never_stops() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 3).await?;

	let before = network.heads([3]).await?[0];
	network.kill(3)?;
	network.reach([0, 1, 2], before.best.number + A_WHILE).await?;

	network.restart(3)?;
	let after = network.heads([3]).await?[0];
	ensure!(after.finalised.number >= before.finalised.number, "{before:?} became {after:?}");
	let missed = network.heads([0]).await?[0].finalised.number;
	network.reach(Validators::ALL, missed + A_WHILE).await?;

	// Now finality needs the vote of the one that was restarted.
	let before = network.heads([2]).await?[0];
	network.kill(2)?;
	network.reach([0, 1, 3], before.best.number + A_WHILE).await?;

	network.restart(2)?;
	let missed = network.heads([0]).await?[0].finalised.number;
	network.reach(Validators::ALL, missed + A_WHILE).await?;
	network.ensure_one_chain(Validators::ALL).await
}
