// SPDX-License-Identifier: Apache-2.0

//! Waiting for what the chain says.

use anyhow::{ensure, Result};
use proofpod_client::chain::{At, Chain, View};
use std::{
	future::Future,
	time::{Duration, Instant},
};

/// Longest wait: sessions last a minute, and a change takes effect after two, on an idle machine.
const PATIENCE: Duration = Duration::from_secs(300);

/// Waits until something is so in a finalised block.
///
/// # Errors
/// When it takes too long, or the node does not answer.
pub(crate) async fn until<Answer>(
	chain: &Chain,
	what: &str,
	mut is_so: impl FnMut(View) -> Answer,
) -> Result<()>
where
	Answer: Future<Output = Result<bool>>,
{
	let start = Instant::now();
	loop {
		let view = chain.at(At::Finalised).await?;
		let block = view.block();
		if is_so(view).await? {
			println!("{what}: block {}, after {:?}", block.number, start.elapsed());
			return Ok(());
		}
		ensure!(start.elapsed() < PATIENCE, "not so in {PATIENCE:?}: {what}");
		tokio::time::sleep(Duration::from_secs(1)).await;
	}
}
