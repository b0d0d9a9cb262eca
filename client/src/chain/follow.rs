// SPDX-License-Identifier: Apache-2.0

//! Streams of blocks that survive a lost connection without a gap.

use super::{BlockRef, Chain, ChainError, JobEvent, Parameter, View};
use proofpod_primitives::BlockNumber;
use subxt::SubstrateConfig;

/// One block of a stream.
#[derive(Clone, Debug)]
pub struct Block {
	/// Its number and hash.
	pub reference: BlockRef,
	chain: Chain,
}

impl Block {
	/// The block's height.
	pub fn number(&self) -> BlockNumber {
		self.reference.number
	}

	/// The block's state.
	///
	/// # Errors
	/// When the node does not answer or has pruned the state.
	pub async fn view(&self) -> Result<View, ChainError> {
		self.chain.view(self.reference).await
	}

	/// What the block says about jobs, in order.
	///
	/// # Errors
	/// When the node does not answer or has pruned the state.
	pub async fn job_events(&self) -> Result<Vec<JobEvent>, ChainError> {
		self.view().await?.job_events().await
	}
}

/// Blocks as they come: finalised ones each exactly once and in order, or best ones.
pub struct Blocks {
	chain: Chain,
	stream: subxt::client::Blocks<SubstrateConfig>,
	kind: Kind,
}

enum Kind {
	Best,
	Finalised {
		/// Height of the next block to give, once it is known.
		next: Option<BlockNumber>,
		/// Newest block that the node has announced.
		head: Option<BlockRef>,
	},
}

impl Blocks {
	pub(super) async fn finalised(
		chain: Chain,
		next: Option<BlockNumber>,
	) -> Result<Self, ChainError> {
		let stream = chain.client.stream_blocks().await.map_err(ChainError::node)?;
		let head = match next {
			Some(_) => Some(chain.finalised().await?),
			None => None,
		};
		Ok(Self { chain, stream, kind: Kind::Finalised { next, head } })
	}

	pub(super) async fn best(chain: Chain) -> Result<Self, ChainError> {
		let stream = chain.client.stream_best_blocks().await.map_err(ChainError::node)?;
		Ok(Self { chain, stream, kind: Kind::Best })
	}

	/// The next block. Waits for it; an error skips nothing: the next call goes on where this one
	/// would have.
	///
	/// # Errors
	/// When the node does not answer. When the connection could not be restored, every further
	/// call fails too: connect anew.
	pub async fn next(&mut self) -> Result<Block, ChainError> {
		loop {
			// Blocks that the node did not announce, because it finalises several at once or
			// because the connection was lost, are asked for by height.
			if let Kind::Finalised { next: Some(number), head: Some(head) } = self.kind {
				if number <= head.number {
					let reference = if number == head.number {
						head
					} else {
						let hash = self
							.chain
							.request::<Option<_>>("chain_getBlockHash", Parameter::Number(number))
							.await?
							.ok_or(ChainError::NoSuchBlock { block: number.to_string() })?;
						BlockRef { number, hash }
					};
					self.kind =
						Kind::Finalised { next: Some(number.saturating_add(1)), head: Some(head) };
					return Ok(Block { reference, chain: self.chain.clone() });
				}
			}
			let block = self
				.stream
				.next()
				.await
				.ok_or_else(|| ChainError::Node { reason: "its stream of blocks ended".into() })?
				.map_err(ChainError::node)?;
			let number = BlockNumber::try_from(block.number())
				.map_err(|_| ChainError::Node { reason: "a block's number is too large".into() })?;
			let newest = BlockRef { number, hash: block.hash() };
			match &mut self.kind {
				Kind::Best => return Ok(Block { reference: newest, chain: self.chain.clone() }),
				Kind::Finalised { next, head } => {
					next.get_or_insert(number);
					*head = Some(newest);
				},
			}
		}
	}
}
