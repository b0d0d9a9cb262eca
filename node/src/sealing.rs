// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Blocks without Aura and GRANDPA, for development chains: on demand, for every transaction, or at
//! any pace. The runtime checks them as it checks Aura's, and they are final at once.
//!
//! Aura allows one block per slot, and a block's time must lie in its slot. So each block here takes
//! the slot after its parent's, or the present one when that is later: the chain's time keeps up
//! with the clock, and runs ahead of it when blocks come faster than slots.

use crate::service::types::{Block, Client, Hash, Header, Pool, SelectChain};
use futures::{
	channel::{mpsc, oneshot},
	stream::{self, BoxStream, StreamExt},
};
use jsonrpsee::core::async_trait;
use sc_basic_authorship::ProposerFactory;
use sc_client_api::HeaderBackend;
use sc_consensus_aura::{find_pre_digest, SlotDuration};
use sc_consensus_manual_seal::{
	consensus::aura::AuraConsensusDataProvider, finalize_block, rpc::Sender, seal_block,
	CreatedBlock, EngineCommand, Error, FinalizeBlockParams, SealBlockParams,
};
use sc_service::{ChainSpec, ChainType};
use sc_transaction_pool_api::TransactionPool;
use sp_consensus_aura::{sr25519::AuthoritySignature, Slot};
use sp_inherents::CreateInherentDataProviders;
use sp_runtime::{
	traits::{Header as _, Zero},
	DigestItem,
};
use sp_timestamp::Timestamp;
use std::{marker::PhantomData, str::FromStr, sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// Notifications of new transactions that one block answers together.
const TRANSACTIONS_PER_TRIGGER: usize = 1024;

/// What makes a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sealing {
	/// Only `engine_createBlock` over JSON-RPC.
	Manual,
	/// Transactions that wait in the pool.
	Instant,
	/// The time since the block before; blocks may be empty.
	Interval(Duration),
}

impl FromStr for Sealing {
	type Err = String;

	fn from_str(text: &str) -> Result<Self, Self::Err> {
		match text {
			"manual" => Ok(Self::Manual),
			"instant" => Ok(Self::Instant),
			_ => match text.parse::<u32>() {
				Ok(milliseconds) if milliseconds > 0 => {
					Ok(Self::Interval(Duration::from_millis(milliseconds.into())))
				},
				_ => Err(format!(
					"expected `instant`, `manual` or a whole number of milliseconds from 1 to {}, \
					 found {text:?}",
					u32::MAX
				)),
			},
		}
	}
}

impl Sealing {
	/// Refuses every chain but a development chain: nobody else would accept the blocks.
	pub(crate) fn check_chain(&self, spec: &dyn ChainSpec) -> Result<(), String> {
		match spec.chain_type() {
			ChainType::Development => Ok(()),
			other => Err(format!(
				"--sealing makes blocks that no validator has sealed, so it expects a chain of type \
				 Development; {:?} is of type {other:?}. Add --dev (or --chain dev), or leave \
				 --sealing out",
				spec.id()
			)),
		}
	}

	/// A stream of the moments at which a block is due.
	fn triggers(self, pool: &Pool) -> BoxStream<'static, ()> {
		match self {
			Self::Manual => stream::pending().boxed(),
			Self::Instant => pool
				.import_notification_stream()
				.ready_chunks(TRANSACTIONS_PER_TRIGGER)
				.map(|_| ())
				.boxed(),
			Self::Interval(period) => {
				let mut interval = tokio::time::interval(period);
				interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
				stream::unfold(interval, |mut interval| async move {
					interval.tick().await;
					Some(((), interval))
				})
				.boxed()
			},
		}
	}
}

/// Refuses to continue, by Aura, a chain that was grown by sealing: other nodes reject blocks
/// without a seal, and the chain's slots may lie in the future.
pub(crate) fn refuse_unsealed_chain(
	client: &impl HeaderBackend<Block>,
) -> Result<(), sc_service::Error> {
	let info = client.info();
	match client.header(info.best_hash)? {
		Some(header) if !header.number().is_zero() && !is_sealed(&header) => {
			Err(sc_service::Error::Other(format!(
				"block {} of this database was made with --sealing, which Aura cannot continue: \
				 start with --sealing again, or remove the chain with the subcommand purge-chain",
				header.number()
			)))
		},
		_ => Ok(()),
	}
}

fn is_sealed(header: &Header) -> bool {
	header.digest().logs().iter().any(|item| matches!(item, DigestItem::Seal(..)))
}

/// The time of a block: the start of the slot after its parent's, or of the present slot when that
/// is later. `None` when it lies beyond what a timestamp can say.
fn next_timestamp(parent: Slot, now: Timestamp, slot_duration: SlotDuration) -> Option<Timestamp> {
	let slot = parent.saturating_add(1u64).max(Slot::from_timestamp(now, slot_duration));
	slot.timestamp(slot_duration)
}

/// States the time of a block's child: the only inherent, because `seal_block` takes a block with as
/// many extrinsics as there are inherents for an empty one.
struct ChildClock {
	client: Arc<Client>,
	slot_duration: SlotDuration,
}

#[async_trait]
impl CreateInherentDataProviders<Block, ()> for ChildClock {
	type InherentDataProviders = sp_timestamp::InherentDataProvider;

	async fn create_inherent_data_providers(
		&self,
		parent: Hash,
		_: (),
	) -> Result<Self::InherentDataProviders, Box<dyn std::error::Error + Send + Sync>> {
		let header = self.client.expect_header(parent)?;
		let slot = find_pre_digest::<Block, AuthoritySignature>(&header)?;
		next_timestamp(slot, Timestamp::current(), self.slot_duration)
			.map(sp_timestamp::InherentDataProvider::new)
			.ok_or_else(|| format!("slot {slot} leaves no time for the next block").into())
	}
}

/// Makes blocks and finalises them.
pub(crate) struct Sealer {
	pub(crate) client: Arc<Client>,
	pub(crate) pool: Arc<Pool>,
	pub(crate) select_chain: SelectChain,
	pub(crate) proposer: ProposerFactory<Pool, Client>,
	pub(crate) slot_duration: SlotDuration,
}

impl Sealer {
	/// Makes a block whenever `sealing` or a command asks for one; ends when the node does.
	pub(crate) async fn run(
		mut self,
		sealing: Sealing,
		mut commands: mpsc::Receiver<EngineCommand<Hash>>,
	) {
		let mut triggers = sealing.triggers(&self.pool);
		loop {
			tokio::select! {
				command = commands.next() => match command {
					Some(command) => self.execute(command).await,
					None => break,
				},
				trigger = triggers.next() => match trigger {
					Some(()) if sealing == Sealing::Instant => self.drain_pool().await,
					Some(()) => {
						let _ = self.seal_and_log(true).await;
					},
					None => break,
				},
			}
		}
	}

	async fn execute(&mut self, command: EngineCommand<Hash>) {
		match command {
			EngineCommand::SealNewBlock { create_empty, finalize, parent_hash, sender } => {
				self.seal(create_empty, finalize, parent_hash, sender).await
			},
			EngineCommand::FinalizeBlock { hash, sender, justification } => {
				finalize_block(FinalizeBlockParams {
					hash,
					sender,
					justification: justification
						.map(|bytes| (sc_consensus_manual_seal::MANUAL_SEAL_ENGINE_ID, bytes)),
					finalizer: self.client.clone(),
					_phantom: PhantomData,
				})
				.await
			},
		}
	}

	/// Makes blocks until one would be empty: a full block leaves transactions behind, and no
	/// further notification comes for those.
	async fn drain_pool(&mut self) {
		while self.seal_and_log(false).await.is_ok() {}
	}

	async fn seal_and_log(&mut self, create_empty: bool) -> Result<CreatedBlock<Hash>, Error> {
		let (sender, receiver) = oneshot::channel();
		self.seal(create_empty, true, None, Some(sender)).await;
		let sealed = receiver.await.unwrap_or_else(|canceled| Err(canceled.into()));
		match &sealed {
			Ok(_) | Err(Error::EmptyTransactionPool) => {},
			Err(error) => tracing::error!(target: "sealing", "No block could be made: {error}"),
		}
		sealed
	}

	async fn seal(
		&mut self,
		create_empty: bool,
		finalize: bool,
		parent_hash: Option<Hash>,
		sender: Sender<CreatedBlock<Hash>>,
	) {
		seal_block(SealBlockParams {
			create_empty,
			finalize,
			parent_hash,
			sender,
			pool: self.pool.clone(),
			client: self.client.clone(),
			env: &mut self.proposer,
			select_chain: &self.select_chain,
			consensus_data_provider: Some(
				&AuraConsensusDataProvider::<Block>::new_with_slot_duration(self.slot_duration),
			),
			// Not GRANDPA's import: without its voter, its authority set would never advance.
			block_import: &mut self.client.clone(),
			create_inherent_data_providers: &ChildClock {
				client: self.client.clone(),
				slot_duration: self.slot_duration,
			},
		})
		.await
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use sp_runtime::generic::Digest;

	const SLOT: SlotDuration = SlotDuration::from_millis(3000);

	fn next(parent: u64, now: u64) -> u64 {
		next_timestamp(parent.into(), now.into(), SLOT).unwrap().as_millis()
	}

	#[test]
	fn block_takes_the_present_slot_when_the_chain_is_behind() {
		assert_eq!(next(0, 1_000_000_007_123), 1_000_000_005_000);
		assert_eq!(next(100, 303_000), 303_000);
	}

	#[test]
	fn block_takes_the_next_slot_when_the_chain_is_level_or_ahead() {
		assert_eq!(next(100, 300_500), 303_000);
		assert_eq!(next(200, 300_500), 603_000);
	}

	#[test]
	fn every_block_has_a_slot_of_its_own_at_any_pace() {
		let mut slot = 0;
		for now in [5_000, 5_010, 5_020, 60_000, 60_001] {
			let child = Slot::from_timestamp(next(slot, now).into(), SLOT);
			assert!(*child > slot);
			slot = *child;
		}
	}

	#[test]
	fn exhausted_time_is_an_error_and_no_panic() {
		assert_eq!(next_timestamp(u64::MAX.into(), 0.into(), SLOT), None);
	}

	#[test]
	fn sealing_is_for_development_chains_only() {
		let spec = |kind| {
			crate::chain_spec::ChainSpec::builder(&[], None)
				.with_id("some-chain")
				.with_chain_type(kind)
				.build()
		};
		assert_eq!(Sealing::Instant.check_chain(&spec(ChainType::Development)), Ok(()));
		for kind in [ChainType::Local, ChainType::Live] {
			let error = Sealing::Instant.check_chain(&spec(kind)).unwrap_err();
			assert!(error.contains("some-chain") && error.contains("--dev"), "{error}");
		}
	}

	#[test]
	fn headers_are_told_apart_by_their_seal() {
		let header =
			|logs| Header::new(1, Hash::zero(), Hash::zero(), Hash::zero(), Digest { logs });
		assert!(is_sealed(&header(vec![DigestItem::Seal(*b"aura", vec![1])])));
		assert!(!is_sealed(&header(vec![DigestItem::PreRuntime(*b"aura", vec![1])])));
	}
}
