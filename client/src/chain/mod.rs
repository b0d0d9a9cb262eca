// SPDX-License-Identifier: Apache-2.0

//! A connection to a Proofpod node.
//!
//! * [`Chain`] connects, and goes on after the connection was lost;
//! * [`View`] reads the state of one block: [`Chain::at`] picks it;
//! * [`Blocks`] follows finalised or best blocks without a gap;
//! * [`calls`] makes the pallets' calls, [`Chain::submit`] signs, submits and waits;
//! * [`JobEvent`] is what blocks and submissions say about jobs.
//!
//! The node is asked over its classic JSON-RPC methods (`chain_*`, `state_*`, `author_*`), because
//! they answer for every block that the node still has; the newer `chainHead_*` methods answer for
//! pinned blocks only.

pub mod calls;
mod error;
mod events;
mod follow;
mod queries;
pub mod runtime;
mod submit;

pub use error::ChainError;
pub use events::JobEvent;
pub use follow::{Block, Blocks};
pub use queries::{AccountBalance, ModelRecord, PodRecord, PodStatus, PodView, View};
pub use submit::{Included, Inclusion};
/// A pallet's call, as [`calls`] makes it.
pub use subxt::transactions::Payload as Call;

use proofpod_primitives::{BlockNumber, GenesisHash};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use subxt::{
	backend::{utils::retry, LegacyBackend},
	rpcs::client::{
		reconnecting_rpc_client::{ExponentialBackoff, RpcClient as ReconnectingClient},
		rpc_params, RpcClient,
	},
	utils::H256,
	OnlineClient, SubstrateConfig,
};

/// Hash of a block.
pub type BlockHash = H256;

/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// Longest pause between two attempts to reconnect.
const MAX_RECONNECT_PAUSE: Duration = Duration::from_secs(5);
/// Attempts to reconnect before requests fail: about five minutes.
const RECONNECT_ATTEMPTS: usize = 64;

/// A block by number and hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct BlockRef {
	/// Its height.
	pub number: BlockNumber,
	/// Its hash.
	pub hash: BlockHash,
}

/// Which block a [`View`] reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
	/// The newest block of the longest chain: it may still be replaced.
	Best,
	/// The newest finalised block.
	Finalised,
	/// The finalised block of this height.
	Number(BlockNumber),
	/// The block with this hash.
	Hash(BlockHash),
}

/// A connection to a node. Clones share it.
#[derive(Clone)]
pub struct Chain {
	client: OnlineClient<SubstrateConfig>,
	rpc: RpcClient,
	url: Arc<str>,
	/// Held from reading an account's next nonce until the node has the transaction, so that two
	/// tasks with one signer do not draw the same nonce.
	submission: Arc<tokio::sync::Mutex<()>>,
}

impl std::fmt::Debug for Chain {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "Chain({})", self.url)
	}
}

impl Chain {
	/// Connects to a node: `ws://` or `wss://`. When the connection is lost later, requests wait
	/// until it is back, for about five minutes; then they fail.
	///
	/// # Errors
	/// When the URL is no WebSocket URL, no node answers within ten seconds, or the node runs
	/// another chain than Proofpod's.
	pub async fn connect(url: &str) -> Result<Self, ChainError> {
		let bad_url = |reason: &str| ChainError::Url { url: url.into(), reason: reason.into() };
		if !(url.starts_with("ws://") || url.starts_with("wss://")) {
			return Err(bad_url("found another scheme"));
		}
		let unreachable = |reason: String| ChainError::Unreachable { url: url.into(), reason };
		let late = |_| unreachable(format!("no answer within {} s", CONNECT_TIMEOUT.as_secs()));
		// The reconnecting client retries quietly even the first time; a plain one first says at
		// once when nobody listens.
		let probe = tokio::time::timeout(CONNECT_TIMEOUT, RpcClient::from_insecure_url(url));
		drop(probe.await.map_err(late)?.map_err(|error| unreachable(error::innermost(&error)))?);
		let policy = ExponentialBackoff::from_millis(100)
			.max_delay(MAX_RECONNECT_PAUSE)
			.take(RECONNECT_ATTEMPTS);
		let reconnecting = ReconnectingClient::builder()
			.retry_policy(policy)
			.request_timeout(REQUEST_TIMEOUT)
			.build(url);
		let reconnecting = tokio::time::timeout(CONNECT_TIMEOUT, reconnecting)
			.await
			.map_err(late)?
			.map_err(|error| unreachable(error::innermost(&error)))?;
		let rpc = RpcClient::new(reconnecting);
		let backend = LegacyBackend::builder().build(rpc.clone());
		let client =
			OnlineClient::from_backend(Arc::new(backend)).await.map_err(ChainError::node)?;
		let chain = Self { client, rpc, url: url.into(), submission: Arc::default() };
		chain.check_pallets().await?;
		Ok(chain)
	}

	async fn check_pallets(&self) -> Result<(), ChainError> {
		let view = self.at(At::Finalised).await?;
		let metadata = view.client().metadata();
		let missing = ["Proofs", "Models", "Pods", "Jobs", "Clock"]
			.into_iter()
			.find(|pallet| metadata.pallet_by_name(pallet).is_none());
		match missing {
			None => Ok(()),
			Some(pallet) => Err(ChainError::NotProofpod { url: self.url.to_string(), pallet }),
		}
	}

	/// The node's URL, as given.
	pub fn url(&self) -> &str {
		&self.url
	}

	/// The chain's identity.
	pub fn genesis(&self) -> GenesisHash {
		GenesisHash(self.client.genesis_hash().0)
	}

	/// Time between two blocks when validators make them in turn: the length of an Aura slot.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn block_time(&self) -> Result<Duration, ChainError> {
		let address = runtime::constants().aura().slot_duration();
		let view = self.at(At::Finalised).await?;
		let milliseconds = view.client().constants().entry(&address).map_err(ChainError::node)?;
		Ok(Duration::from_millis(milliseconds))
	}

	/// The newest finalised block.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn finalised(&self) -> Result<BlockRef, ChainError> {
		let hash = self.request("chain_getFinalizedHead", Parameter::None).await?;
		self.block_ref(hash).await
	}

	/// The newest block of the longest chain.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn best(&self) -> Result<BlockRef, ChainError> {
		let hash = self.request("chain_getBlockHash", Parameter::None).await?;
		self.block_ref(hash).await
	}

	/// The state of one block, to read from.
	///
	/// # Errors
	/// When the node does not answer or does not have the block.
	pub async fn at(&self, at: At) -> Result<View, ChainError> {
		let block = match at {
			At::Best => self.best().await?,
			At::Finalised => self.finalised().await?,
			At::Hash(hash) => self.block_ref(hash).await?,
			At::Number(number) => {
				let hash: Option<BlockHash> =
					self.request("chain_getBlockHash", Parameter::Number(number)).await?;
				let hash = hash.ok_or(ChainError::NoSuchBlock { block: number.to_string() })?;
				BlockRef { number, hash }
			},
		};
		self.view(block).await
	}

	pub(crate) async fn view(&self, block: BlockRef) -> Result<View, ChainError> {
		let client = self
			.client
			.at_block_hash_and_number(
				subxt::backend::BlockRef::from_hash(block.hash),
				block.number.into(),
			)
			.await
			.map_err(ChainError::node)?;
		Ok(View::new(client, block))
	}

	/// Follows finalised blocks, from the newest on.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn follow_finalised(&self) -> Result<Blocks, ChainError> {
		Blocks::finalised(self.clone(), None).await
	}

	/// Follows finalised blocks from this height on: blocks that are already finalised come first.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn follow_finalised_from(&self, first: BlockNumber) -> Result<Blocks, ChainError> {
		Blocks::finalised(self.clone(), Some(first)).await
	}

	/// Follows best blocks, from the newest on. A height can come twice when the chain reorganises.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn follow_best(&self) -> Result<Blocks, ChainError> {
		Blocks::best(self.clone()).await
	}

	async fn block_ref(&self, hash: BlockHash) -> Result<BlockRef, ChainError> {
		#[derive(serde::Deserialize)]
		struct Header {
			number: String,
		}
		let header: Option<Header> = self.request("chain_getHeader", Parameter::Hash(hash)).await?;
		let header = header.ok_or(ChainError::NoSuchBlock { block: format!("{hash:?}") })?;
		let digits = header.number.trim_start_matches("0x");
		let number = BlockNumber::from_str_radix(digits, 16)
			.map_err(|_| ChainError::Node { reason: "a block's number does not decode".into() })?;
		Ok(BlockRef { number, hash })
	}

	/// One request, repeated when the connection broke meanwhile.
	async fn request<T: serde::de::DeserializeOwned>(
		&self,
		method: &str,
		parameter: Parameter,
	) -> Result<T, ChainError> {
		retry(|| async {
			let params = match parameter {
				Parameter::None => rpc_params![],
				Parameter::Hash(hash) => rpc_params![hash],
				Parameter::Number(number) => rpc_params![number],
			};
			Ok(self.rpc.request(method, params).await?)
		})
		.await
		.map_err(ChainError::node)
	}
}

/// What [`Chain::request`] sends along.
#[derive(Clone, Copy)]
enum Parameter {
	None,
	Hash(BlockHash),
	Number(BlockNumber),
}
