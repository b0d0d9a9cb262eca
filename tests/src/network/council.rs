// SPDX-License-Identifier: Apache-2.0

//! Decisions of the council of the chain `staging`.

use anyhow::{ensure, Context as _, Result};
use proofpod_client::{
	chain::{
		runtime::{self, runtime_types::sp_weights::weight_v2::Weight},
		Call, Chain, Included, Inclusion,
	},
	keys::Signer,
};

/// Whose votes carry every motion: three of four.
const AYES: [&str; 3] = ["//Alice", "//Charlie", "//Dave"];

/// More than a motion's call may weigh, and be long.
const WEIGHT_BOUND: Weight = Weight { ref_time: 10_000_000_000, proof_size: 1_000_000 };
const LENGTH_BOUND: u32 = 10_000;

/// Signs a call as a development account and waits until it is in a block.
pub async fn submit(chain: &Chain, who: &str, call: &impl Call) -> Result<Included> {
	let signer = Signer::development(who)?;
	let included = chain.submit(call, &signer, Inclusion::Best).await;
	included.with_context(|| format!("{who}: {}.{}", call.pallet_name(), call.call_name()))
}

/// Has the council make a call: moves it, votes for it, and closes the motion.
///
/// # Errors
/// When a step fails, or the call itself.
pub async fn decide(chain: &Chain, call: runtime::Call) -> Result<()> {
	let council = || runtime::tx().council();
	let [mover, ..] = AYES;
	let motion = council().propose(AYES.len() as u32, call, LENGTH_BOUND);
	let moved = submit(chain, mover, &motion).await?;
	let moved = moved.events.find_first::<runtime::council::events::Proposed>();
	let moved = moved.context("no motion was made")??;
	let (hash, index) = (moved.proposal_hash, moved.proposal_index);
	let vote = council().vote(hash, index, true);
	let [one, two, three] = AYES.map(|who| submit(chain, who, &vote));
	tokio::try_join!(one, two, three)?;
	let close = council().close(hash, index, WEIGHT_BOUND, LENGTH_BOUND);
	let closed = submit(chain, mover, &close).await?;
	let executed = closed.events.find_first::<runtime::council::events::Executed>();
	let executed = executed.context("the motion was not carried")??;
	ensure!(executed.result.is_ok(), "the council's call failed: {:?}", executed.result);
	Ok(())
}
