// SPDX-License-Identifier: Apache-2.0

//! Nothing goes wrong.

use anyhow::Result;
use proofpod_tests::network::{Links, Place, Validators};

#[tokio::test]
async fn four_validators_make_blocks_and_finalise_them() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 10).await?;
	network.ensure_one_chain(Validators::ALL).await
}
