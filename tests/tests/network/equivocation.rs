// SPDX-License-Identifier: Apache-2.0

//! A validator runs twice with the same keys.

use crate::watch::until;
use anyhow::Result;
use proofpod_client::{
	chain::{
		runtime::{
			self,
			runtime_types::pallet_validators::candidate::{ChillReason, Status},
		},
		Chain,
	},
	keys::Signer,
};
use proofpod_tests::network::{Links, Place, Validators};

/// Its bond, of which `(3 / 4)²` are lost.
const BOND: u128 = 10_000 * 1_000_000_000_000;

/// Kind of the offence of two blocks in one slot.
const TWO_BLOCKS: [u8; 16] = *b"aura:equivocatio";

#[tokio::test]
async fn a_validator_with_a_twin_is_reported_and_loses_bond_and_place() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 3).await?;
	let twin = network.add("Bob's twin", place()?, &["--bob"])?;
	network.reach([twin], 3).await?;

	let chain = Chain::connect(&network.node(0).url).await?;
	let bob = Signer::development("//Bob")?.account();
	until(&chain, "Bob's two blocks are reported", |view| async move {
		let reports = runtime::storage().offences().concurrent_reports_index();
		let mut reports = view.client().storage().iter(reports, (TWO_BLOCKS,)).await?;
		Ok(reports.next().await.transpose()?.is_some())
	})
	.await?;
	until(&chain, "Bob is punished", |view| async move {
		let candidates = runtime::storage().validators().candidates();
		let record = view.client().storage().fetch(candidates, (bob,)).await?.decode()?;
		let chilled =
			matches!(record.status, Status::Chilled { reason: ChillReason::Equivocation, .. });
		Ok(chilled && record.bond <= BOND - BOND / 16 * 9)
	})
	.await?;
	network.kill(twin)?;
	until(&chain, "Bob validates no more", |view| async move {
		let validators = runtime::storage().session().validators();
		let active = view.client().storage().fetch(validators, ()).await?.decode()?;
		Ok(!active.contains(&bob))
	})
	.await?;
	let best = network.heads([0]).await?[0].best.number;
	network.reach([0, 2, 3], best + 8).await?;
	network.ensure_one_chain([0, 2, 3]).await
}
