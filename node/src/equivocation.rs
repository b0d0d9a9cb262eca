// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Watches the blocks that come in for authors that make two in one slot, and reports them.
//!
//! The import queue of Aura only logs these, and looks at headers without their seals, which prove
//! nothing. So its check is off, and this one stands around the import of every block, where the
//! seal has been verified and is still at hand.

use crate::service::types::{Block, Header};
use jsonrpsee::core::async_trait;
use pallet_validators::runtime_api::ValidatorsApi;
use sc_client_api::{AuxStore, HeaderBackend};
use sc_consensus::{BlockCheckParams, BlockImport, BlockImportParams, ImportResult};
use sc_consensus_aura::{find_pre_digest, standalone::slot_author};
use sc_consensus_slots::check_equivocation;
use sc_transaction_pool_api::OffchainTransactionPoolFactory;
use sp_api::{ApiExt, ProvideRuntimeApi};
use sp_blockchain::Error;
use sp_consensus_aura::{
	sr25519::{AuthorityId, AuthorityPair, AuthoritySignature},
	AuraApi, Slot, SlotDuration,
};
use sp_consensus_slots::EquivocationProof;
use sp_core::{crypto::key_types::AURA, ByteArray};
use sp_keystore::KeystorePtr;
use sp_runtime::traits::Header as _;
use sp_timestamp::Timestamp;
use std::sync::Arc;
use tracing::{error, info, warn};

const LOG_TARGET: &str = "equivocation";

/// The proof that an author made two blocks in one slot.
type Proof = EquivocationProof<Header, AuthorityId>;

/// What it takes to see and report equivocations.
pub(crate) struct Watch<Client> {
	/// Remembers the headers of recent slots, and answers for the runtime.
	pub(crate) client: Arc<Client>,
	/// Where reports are put; `None` on a node that writes no blocks, for only its own blocks could
	/// bring them in.
	pub(crate) pool: Option<OffchainTransactionPoolFactory<Block>>,
	/// This node's keys: it does not report itself.
	pub(crate) keystore: KeystorePtr,
	/// Length of a slot.
	pub(crate) slot_duration: SlotDuration,
}

impl<Client> Watch<Client>
where
	Client: ProvideRuntimeApi<Block> + AuxStore,
	Client::Api: AuraApi<Block, AuthorityId>,
{
	/// The proof that the author of a block whose seal has been verified has made another one in
	/// the same slot, and is somebody else.
	fn offence(&self, block: &BlockImportParams<Block>) -> Result<Option<Proof>, Error> {
		// Blocks without execution, which come with a state or below it, have not had their seals
		// verified. What is caught up with counts: in a partition each side saw one block of two.
		if block.with_state() || block.state_action.skip_execution_checks() {
			return Ok(None);
		}
		let sealed = block.post_header();
		let slot = find_pre_digest::<Block, AuthoritySignature>(&sealed)
			.map_err(|error| Error::Application(Box::new(error)))?;
		let authorities = self.client.runtime_api().authorities(*sealed.parent_hash())?;
		let Some(author) = slot_author::<AuthorityPair>(slot, &authorities) else {
			return Ok(None);
		};
		let now = Slot::from_timestamp(Timestamp::current(), self.slot_duration);
		let Some(proof) = check_equivocation(&*self.client, now, slot, &sealed, author)? else {
			return Ok(None);
		};
		let headers = [proof.first_header.hash(), proof.second_header.hash()];
		let [first, second] = [&proof.first_header, &proof.second_header].map(|header| {
			let mut header = header.clone();
			header.digest.pop();
			header.hash()
		});
		if first == second {
			// Seals are random: another one of the same block is no second block.
			return Ok(None);
		}
		if self.keystore.has_keys(&[(author.to_raw_vec(), AURA)]) {
			error!(
				target: LOG_TARGET,
				"This node's key {author} has sealed two blocks in slot {slot}: {headers:?}. Is \
				 another node running with the same keys? Stop one of them: validators are slashed \
				 for this"
			);
			return Ok(None);
		}
		warn!(
			target: LOG_TARGET,
			"The author {author} has sealed two blocks in slot {slot}: {headers:?}"
		);
		Ok(Some(proof))
	}
}

impl<Client> Watch<Client>
where
	Client: ProvideRuntimeApi<Block> + HeaderBackend<Block> + AuxStore,
	Client::Api: AuraApi<Block, AuthorityId> + ValidatorsApi<Block>,
{
	/// Looks at a block, and has its author reported if that is due. Nothing that goes wrong here
	/// concerns the block's import.
	fn see(&self, block: &BlockImportParams<Block>) {
		let result = self.offence(block).and_then(|proof| match (proof, &self.pool) {
			(Some(proof), Some(pool)) => self.report(proof, pool),
			_ => Ok(()),
		});
		if let Err(error) = result {
			warn!(target: LOG_TARGET, "Could not check or report an equivocation: {error}");
		}
	}

	fn report(
		&self,
		proof: Proof,
		pool: &OffchainTransactionPoolFactory<Block>,
	) -> Result<(), Error> {
		let best = self.client.info().best_hash;
		let mut runtime = self.client.runtime_api();
		runtime.register_extension(pool.offchain_transaction_pool(best));
		match runtime.submit_report_aura_equivocation(best, proof)? {
			Some(()) => info!(target: LOG_TARGET, "Submitted a report of it"),
			None => info!(target: LOG_TARGET, "The report was not accepted, or is known"),
		}
		Ok(())
	}
}

/// Import of blocks that lets a [`Watch`] see them first.
pub(crate) struct WatchedImport<Inner, Client> {
	inner: Inner,
	watch: Arc<Watch<Client>>,
}

impl<Inner, Client> WatchedImport<Inner, Client> {
	/// Puts a watch before an import.
	pub(crate) fn new(inner: Inner, watch: Watch<Client>) -> Self {
		Self { inner, watch: Arc::new(watch) }
	}
}

impl<Inner: Clone, Client> Clone for WatchedImport<Inner, Client> {
	fn clone(&self) -> Self {
		Self { inner: self.inner.clone(), watch: self.watch.clone() }
	}
}

#[async_trait]
impl<Inner, Client> BlockImport<Block> for WatchedImport<Inner, Client>
where
	Inner: BlockImport<Block> + Send + Sync,
	Client: ProvideRuntimeApi<Block> + HeaderBackend<Block> + AuxStore + Send + Sync,
	Client::Api: AuraApi<Block, AuthorityId> + ValidatorsApi<Block>,
{
	type Error = Inner::Error;

	async fn check_block(
		&self,
		block: BlockCheckParams<Block>,
	) -> Result<ImportResult, Self::Error> {
		self.inner.check_block(block).await
	}

	async fn import_block(
		&self,
		block: BlockImportParams<Block>,
	) -> Result<ImportResult, Self::Error> {
		self.watch.see(&block);
		self.inner.import_block(block).await
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::service::types::Hash;
	use sc_consensus::StateAction;
	use sp_api::ApiRef;
	use sp_consensus::BlockOrigin;
	use sp_consensus_aura::digests::CompatibleDigestItem;
	use sp_core::Pair;
	use sp_keystore::{testing::MemoryKeystore, Keystore};
	use sp_runtime::{generic::Digest, DigestItem};
	use std::{collections::HashMap, sync::Mutex};

	const SLOT_DURATION: SlotDuration = SlotDuration::from_millis(3_000);

	/// A client of a chain with two authorities, [`key`]s 0 and 1.
	#[derive(Clone, Default)]
	struct TestClient {
		aux: Arc<Mutex<HashMap<Vec<u8>, Vec<u8>>>>,
	}

	fn key(number: u8) -> AuthorityPair {
		AuthorityPair::from_seed(&[number; 32])
	}

	sp_api::mock_impl_runtime_apis! {
		impl AuraApi<Block, AuthorityId> for TestClient {
			fn slot_duration() -> SlotDuration {
				SLOT_DURATION
			}

			fn authorities() -> Vec<AuthorityId> {
				vec![key(0).public(), key(1).public()]
			}
		}
	}

	impl ProvideRuntimeApi<Block> for TestClient {
		type Api = Self;

		fn runtime_api(&self) -> ApiRef<'_, Self> {
			self.clone().into()
		}
	}

	impl AuxStore for TestClient {
		fn insert_aux<
			'a,
			'b: 'a,
			'c: 'a,
			I: IntoIterator<Item = &'a (&'c [u8], &'c [u8])>,
			D: IntoIterator<Item = &'a &'b [u8]>,
		>(
			&self,
			insert: I,
			delete: D,
		) -> sp_blockchain::Result<()> {
			let mut aux = self.aux.lock().unwrap();
			for (key, value) in insert {
				aux.insert(key.to_vec(), value.to_vec());
			}
			for key in delete {
				aux.remove(*key);
			}
			Ok(())
		}

		fn get_aux(&self, key: &[u8]) -> sp_blockchain::Result<Option<Vec<u8>>> {
			Ok(self.aux.lock().unwrap().get(key).cloned())
		}
	}

	fn watch_with(keystore: MemoryKeystore) -> Watch<TestClient> {
		Watch {
			client: Arc::default(),
			pool: None,
			keystore: Arc::new(keystore),
			slot_duration: SLOT_DURATION,
		}
	}

	fn watch() -> Watch<TestClient> {
		watch_with(MemoryKeystore::new())
	}

	/// A recent slot whose author is key `number`. Not one to come, whose headers are not compared.
	fn slot_of(number: u64) -> Slot {
		let now = Slot::from_timestamp(Timestamp::current(), SLOT_DURATION);
		Slot::from(*now - *now % 2 - 2 + number)
	}

	/// A block as the import queue hands it over: the seal apart from the header.
	fn block(slot: Slot, mark: u8, author: u8, origin: BlockOrigin) -> BlockImportParams<Block> {
		let pre_digest = CompatibleDigestItem::<AuthoritySignature>::aura_pre_digest(slot);
		let header = Header::new(
			1,
			Hash::default(),
			Hash::repeat_byte(mark),
			Hash::default(),
			Digest { logs: vec![pre_digest] },
		);
		let seal = DigestItem::aura_seal(key(author).sign(header.hash().as_ref()));
		let mut block = BlockImportParams::new(origin, header);
		block.post_digests.push(seal);
		block
	}

	/// What a watch makes of blocks, of which it must find no fault in any but the last.
	fn last(watch: &Watch<TestClient>, blocks: &[BlockImportParams<Block>]) -> Option<Proof> {
		let (last, others) = blocks.split_last().unwrap();
		for block in others {
			assert!(watch.offence(block).unwrap().is_none());
		}
		watch.offence(last).unwrap()
	}

	#[test]
	fn two_blocks_of_one_slot_are_found_with_their_seals() {
		let slot = slot_of(1);
		let blocks = [1, 2].map(|mark| block(slot, mark, 1, BlockOrigin::NetworkBroadcast));
		let proof = last(&watch(), &blocks).unwrap();
		assert_eq!((proof.slot, &proof.offender), (slot, &key(1).public()));
		for mut header in [proof.first_header, proof.second_header] {
			let seal: AuthoritySignature =
				header.digest.pop().and_then(|item| item.as_aura_seal()).unwrap();
			assert!(AuthorityPair::verify(&seal, header.hash(), &proof.offender));
		}
	}

	#[test]
	fn one_block_that_comes_twice_is_no_offence() {
		let slot = slot_of(1);
		let mut blocks = [1, 1].map(|mark| block(slot, mark, 1, BlockOrigin::NetworkBroadcast));
		assert!(last(&watch(), &blocks).is_none(), "another seal makes no other block");
		blocks[1].post_digests = blocks[0].post_digests.clone();
		assert!(last(&watch(), &blocks).is_none());
	}

	#[test]
	fn blocks_of_two_slots_are_no_offence() {
		let blocks = [0, 1].map(|author| {
			block(slot_of(author.into()), author, author, BlockOrigin::NetworkBroadcast)
		});
		assert!(last(&watch(), &blocks).is_none());
	}

	#[test]
	fn this_nodes_own_key_is_not_reported() {
		let keystore = MemoryKeystore::new();
		keystore.insert(AURA, "", key(1).public().as_slice()).unwrap();
		let slot = slot_of(1);
		let blocks =
			[block(slot, 1, 1, BlockOrigin::Own), block(slot, 2, 1, BlockOrigin::NetworkBroadcast)];
		assert!(last(&watch_with(keystore), &blocks).is_none());
	}

	#[test]
	fn what_is_caught_up_with_is_seen() {
		let slot = slot_of(1);
		let blocks = [
			block(slot, 1, 1, BlockOrigin::NetworkBroadcast),
			block(slot, 2, 1, BlockOrigin::NetworkInitialSync),
		];
		assert!(last(&watch(), &blocks).is_some());
	}

	#[test]
	fn what_was_not_verified_is_passed_over() {
		let slot = slot_of(1);
		let blocks = [1, 2].map(|mark| {
			let mut block = block(slot, mark, 1, BlockOrigin::NetworkBroadcast);
			block.state_action = StateAction::Skip;
			block
		});
		assert!(last(&watch(), &blocks).is_none());
	}

	#[test]
	fn a_block_without_a_slot_is_an_error() {
		let mut block = block(slot_of(1), 1, 1, BlockOrigin::NetworkBroadcast);
		block.header.digest.logs.clear();
		assert!(watch().offence(&block).is_err());
	}
}
