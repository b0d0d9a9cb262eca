// SPDX-License-Identifier: Apache-2.0

//! Signing, submission, and waiting for what becomes of it.

use super::{At, BlockHash, BlockRef, Chain, ChainError, JobEvent};
use crate::keys::Signer;
use proofpod_primitives::BlockNumber;
use std::time::{Duration, Instant};
use subxt::{
	client::OnlineClientAtBlockImpl,
	config::DefaultExtrinsicParamsBuilder,
	extrinsics::ExtrinsicEvents,
	rpcs::client::rpc_params,
	transactions::{Payload, Signer as _, SubmittableTransaction, TransactionStatus},
	SubstrateConfig,
};

/// Blocks for which a transaction stays valid.
const MORTALITY: u32 = 64;
/// Times that a transaction is made anew because another one of the same account overtook it.
const NONCE_ATTEMPTS: usize = 4;
/// Longest wait for a status before blocks are searched instead: four blocks, for a busy node may
/// never say that a transaction got into one.
const STATUS_TIMEOUT: Duration = Duration::from_secs(12);
/// Pause before a transaction that is searched for is handed to the pool again.
const RESUBMIT_PAUSE: Duration = Duration::from_secs(10);

/// What [`Chain::submit`] waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inclusion {
	/// The transaction is in a best block, which may still be replaced.
	#[default]
	Best,
	/// The transaction is in a finalised block.
	Finalised,
}

/// A transaction that is in a block and succeeded.
#[derive(Debug)]
pub struct Included {
	/// The block.
	pub block: BlockRef,
	/// The transaction's hash.
	pub transaction: BlockHash,
	/// What it brought about.
	pub events: ExtrinsicEvents<SubstrateConfig>,
}

impl Included {
	/// What it brought about among jobs, in order.
	///
	/// # Errors
	/// When an event does not decode.
	pub fn job_events(&self) -> Result<Vec<JobEvent>, ChainError> {
		JobEvent::among(self.events.iter())
	}
}

type Transaction =
	SubmittableTransaction<SubstrateConfig, OnlineClientAtBlockImpl<SubstrateConfig>>;

impl Chain {
	/// Signs a call, submits it, and waits until it is in a block and succeeded.
	///
	/// The nonce counts transactions that wait in the node's pool, and submissions through clones
	/// of one `Chain` do not race for it. When the connection breaks while waiting, blocks are
	/// searched for the transaction, so that its outcome is known in the end.
	///
	/// # Errors
	/// [`ChainError::Refused`] when the pool does not take it; [`ChainError::Pallet`] or
	/// [`ChainError::Dispatch`] when it failed in its block; [`ChainError::NotIncluded`] when it
	/// can no longer get into a block; [`ChainError::GivenUp`] when the pool took it, gave it up,
	/// and does not take it again.
	pub async fn submit<Call: Payload>(
		&self,
		call: &Call,
		signer: &Signer,
		inclusion: Inclusion,
	) -> Result<Included, ChainError> {
		let (transaction, born, block) = self.submit_and_watch(call, signer, inclusion).await?;
		let hash = transaction.hash();
		let block = match block {
			Some(hash) => self.block_ref(hash).await?,
			None => self.search(&transaction, born, inclusion).await?,
		};
		let view = self.view(block).await?;
		let extrinsics = view.client().extrinsics().fetch().await.map_err(ChainError::node)?;
		for extrinsic in extrinsics.iter() {
			let extrinsic = extrinsic.map_err(ChainError::node)?;
			if extrinsic.hash() != hash {
				continue;
			}
			let events = extrinsic.events().await.map_err(ChainError::node)?;
			for event in events.iter() {
				let event = event.map_err(ChainError::node)?;
				if event.pallet_name() == "System" && event.event_name() == "ExtrinsicFailed" {
					let metadata = view.client().metadata();
					let error =
						subxt::error::DispatchError::decode_from(event.field_bytes(), metadata)
							.map_err(ChainError::node)?;
					return Err(ChainError::dispatch(&error));
				}
			}
			return Ok(Included { block, transaction: hash, events });
		}
		Err(ChainError::Node { reason: "it named a block without the transaction".into() })
	}

	/// Hands the transaction to the pool and follows it there. Gives the transaction, the block
	/// that its validity counts from, and the hash of the block that it got into, or nothing when
	/// the node stopped telling.
	async fn submit_and_watch<Call: Payload>(
		&self,
		call: &Call,
		signer: &Signer,
		inclusion: Inclusion,
	) -> Result<(Transaction, BlockNumber, Option<BlockHash>), ChainError> {
		let mut attempt = 0;
		let (transaction, born, mut progress) = loop {
			attempt += 1;
			let turn = self.submission.lock().await;
			let (transaction, born) = self.sign(call, signer).await?;
			let submitted = transaction.submit_and_watch().await.map_err(ChainError::node);
			drop(turn);
			match submitted {
				Ok(progress) => break (transaction, born, progress),
				Err(ChainError::Refused { reason })
					if is_overtaken(&reason) && attempt < NONCE_ATTEMPTS =>
				{
					tracing::debug!(%reason, "another transaction of this account came first");
					tokio::time::sleep(Duration::from_millis(500)).await;
				},
				Err(error) => return Err(error),
			}
		};
		loop {
			let status = match tokio::time::timeout(STATUS_TIMEOUT, progress.next()).await {
				Ok(Some(Ok(status))) => status,
				// The subscription broke or went silent: what became of the transaction stands in
				// the blocks.
				Ok(Some(Err(_)) | None) | Err(_) => return Ok((transaction, born, None)),
			};
			match (status, inclusion) {
				(TransactionStatus::InBestBlock(block), Inclusion::Best)
				| (TransactionStatus::InFinalizedBlock(block), _) => {
					return Ok((transaction, born, Some(block.block_hash())))
				},
				// Not the last word: a pool also says this of transactions that are in a block,
				// when finality lags or the chain reorganises.
				(
					TransactionStatus::Invalid { message }
					| TransactionStatus::Error { message }
					| TransactionStatus::Dropped { message },
					_,
				) => {
					tracing::debug!(%message, "the pool gave the transaction up");
					return Ok((transaction, born, None));
				},
				_ => {},
			}
		}
	}

	async fn sign<Call: Payload>(
		&self,
		call: &Call,
		signer: &Signer,
	) -> Result<(Transaction, BlockNumber), ChainError> {
		let view = self.at(At::Finalised).await?;
		let account = signer.account();
		let nonce: u64 = self
			.rpc
			.request("system_accountNextIndex", rpc_params![account.to_string()])
			.await
			.map_err(|error| ChainError::node(subxt::error::BackendError::from(error)))?;
		let params =
			DefaultExtrinsicParamsBuilder::new().nonce(nonce).mortal(MORTALITY.into()).build();
		let transaction = view
			.client()
			.transactions()
			.create_signable(call, &signer.account_id(), params)
			.await
			.and_then(|mut signable| signable.sign(signer))
			.map_err(ChainError::node)?;
		Ok((transaction, view.block().number))
	}

	/// Looks for a transaction in blocks until it can no longer be included, and hands it to the
	/// pool again meanwhile: a node that was restarted has forgotten it.
	async fn search(
		&self,
		transaction: &Transaction,
		born: BlockNumber,
		mut inclusion: Inclusion,
	) -> Result<BlockRef, ChainError> {
		let (hash, last) = (transaction.hash(), born.saturating_add(MORTALITY));
		let what = format!("{hash:?}");
		let mut next = born;
		let mut submitted: Option<Instant> = None;
		loop {
			let mut refusal = None;
			if submitted.is_none_or(|at| at.elapsed() > RESUBMIT_PAUSE) {
				submitted = Some(Instant::now());
				match transaction.submit().await.map_err(ChainError::node) {
					Err(ChainError::Refused { reason }) if !is_known(&reason) => {
						refusal = Some(reason);
					},
					_ => {},
				}
			}
			let head = match inclusion {
				Inclusion::Best => self.best().await?,
				Inclusion::Finalised => self.finalised().await?,
			};
			while next <= head.number.min(last) {
				let view = self.at(At::Number(next)).await?;
				let extrinsics =
					view.client().extrinsics().fetch().await.map_err(ChainError::node)?;
				for extrinsic in extrinsics.iter() {
					if extrinsic.map_err(ChainError::node)?.hash() == hash {
						return Ok(view.block());
					}
				}
				next += 1;
			}
			if let Some(reason) = refusal {
				return Err(ChainError::GivenUp { what, reason });
			}
			if next > last && inclusion == Inclusion::Finalised {
				return Err(ChainError::NotIncluded { what, blocks: MORTALITY });
			}
			if next > last {
				// Best blocks may have been replaced after they were searched: once more, in
				// those that stay.
				(inclusion, next) = (Inclusion::Finalised, born);
			}
			tokio::time::sleep(Duration::from_secs(1)).await;
		}
	}
}

/// Whether the pool refused a transaction because its nonce was taken meanwhile: `Transaction is
/// outdated`, or a waiting one with the same nonce and no lower priority.
fn is_overtaken(reason: &str) -> bool {
	["outdated", "Priority is too low", "1014", "stale"].iter().any(|text| reason.contains(text))
}

/// Whether the pool refused a transaction because it has it, or because it is in a block.
fn is_known(reason: &str) -> bool {
	is_overtaken(reason)
		|| ["already imported", "1013", "temporarily banned", "1012"]
			.iter()
			.any(|text| reason.contains(text))
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn only_a_taken_nonce_is_worth_another_attempt() {
		assert!(is_overtaken("Invalid Transaction (1010): Transaction is outdated"));
		assert!(is_overtaken("Priority is too low: (36 vs 36) (1014)"));
		let unpayable = "Invalid Transaction (1010): Inability to pay some fees";
		assert!(!is_overtaken(unpayable) && !is_known(unpayable));
		assert!(is_known("Transaction is already imported (1013)"));
	}
}
