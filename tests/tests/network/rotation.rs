// SPDX-License-Identifier: Apache-2.0

//! The validators change while the chain goes on.

use crate::watch::until;
use anyhow::{Context as _, Result};
use proofpod_client::{
	chain::{
		runtime::{
			self,
			runtime_types::{
				proofpod_runtime::SessionKeys, sp_consensus_aura::sr25519::app_sr25519,
				sp_consensus_grandpa::app,
			},
			validators::Call,
		},
		Chain,
	},
	keys::Signer,
};
use proofpod_tests::network::{decide, submit, Links, Place, Validators};
use serde_json::json;

/// What Eve puts up: the least.
const BOND: u128 = 10_000 * 1_000_000_000_000;

/// Blocks to go on for, so that every validator's turn comes twice.
const A_WHILE: u32 = 8;

/// New session keys of a node for an account, with the proof that whoever asked owns them.
async fn new_keys(
	network: &mut Validators,
	who: usize,
	account: &str,
) -> Result<(SessionKeys, Vec<u8>)> {
	let answer = network.node(who).request("author_rotateKeysWithOwner", json!([account])).await?;
	let bytes = |field: &str| -> Result<Vec<u8>> {
		let digits = answer[field].as_str().and_then(|text| text.strip_prefix("0x"));
		Ok(hex::decode(digits.with_context(|| format!("no {field} in {answer}"))?)?)
	};
	let keys = bytes("keys")?;
	let (aura, grandpa) = keys.split_at_checked(32).context("two keys")?;
	let keys = SessionKeys {
		aura: app_sr25519::Public(aura.try_into()?),
		grandpa: app::Public(grandpa.try_into()?),
	};
	Ok((keys, bytes("proof")?))
}

#[tokio::test]
async fn a_fifth_validator_is_admitted_and_another_removed() -> Result<()> {
	let place = Place::loopback;
	let places = [place()?, place()?, place()?, place()?];
	let mut network = Validators::start(Links::Bootnodes, places)?;
	network.reach(Validators::ALL, 3).await?;
	let eve_node = network.add("Eve", place()?, &[])?;
	network.reach([eve_node], 3).await?;

	let chain = Chain::connect(&network.node(0).url).await?;
	let (bob, eve) =
		(Signer::development("//Bob")?.account(), Signer::development("//Eve")?.account());
	let public = format!("0x{}", hex::encode(eve.0));
	let (keys, proof) = new_keys(&mut network, eve_node, &public).await?;
	submit(&chain, "//Eve", &runtime::tx().session().set_keys(keys, proof)).await?;
	submit(&chain, "//Eve", &runtime::tx().validators().apply(BOND)).await?;
	decide(&chain, runtime::Call::Validators(Call::admit { account: eve })).await?;
	decide(&chain, runtime::Call::Validators(Call::remove { account: bob })).await?;

	until(&chain, "Eve validates and Bob does not", |view| async move {
		let active =
			view.client().storage().fetch(runtime::storage().session().validators(), ()).await?;
		let active = active.decode()?;
		Ok(active.contains(&eve) && !active.contains(&bob))
	})
	.await?;
	until(&chain, "Eve has made a block", |view| async move {
		let authored = runtime::storage().validators().authored();
		Ok(view.client().storage().fetch(authored, (eve,)).await?.decode()? > 0)
	})
	.await?;
	let best = network.heads([0]).await?[0].best.number;
	network.reach([0, 1, 2, 3, eve_node], best + A_WHILE).await?;

	// Bob is not missed, and neither is Dave, as long as Eve votes.
	network.kill(1)?;
	network.kill(3)?;
	let best = network.heads([0]).await?[0].best.number;
	network.reach([0, 2, eve_node], best + A_WHILE).await?;
	network.ensure_one_chain([0, 2, eve_node]).await
}
