// SPDX-License-Identifier: Apache-2.0

//! What can go wrong between a client and a node.

use proofpod_primitives::BlockNumber;
use subxt::{
	error::{BackendError, DispatchError, ExtrinsicError, RpcError, TransactionEventsError},
	rpcs,
};

/// Why the node could not be asked, or refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
	/// The URL cannot be a node's.
	#[error(
		"expected a node's WebSocket URL such as ws://127.0.0.1:9944, found {url:?}: {reason}"
	)]
	Url {
		/// The URL.
		url: String,
		/// What is wrong with it.
		reason: String,
	},
	/// Nobody answers.
	#[error("no node answers at {url}: {reason}; start a node or name another with --url")]
	Unreachable {
		/// The URL.
		url: String,
		/// Why.
		reason: String,
	},
	/// The node runs another chain.
	#[error(
		"the node at {url} does not run the Proofpod chain: its runtime has no pallet {pallet}"
	)]
	NotProofpod {
		/// The URL.
		url: String,
		/// First pallet that is missing.
		pallet: &'static str,
	},
	/// The node's runtime is another version than this program was built for.
	#[error("the node's runtime and this program do not fit together ({what}): use matching versions of both")]
	Incompatible {
		/// What differs.
		what: String,
	},
	/// The node does not have the block.
	#[error("the node does not have block {block}")]
	NoSuchBlock {
		/// Its number or hash.
		block: String,
	},
	/// The chain's storage is between two layouts.
	#[error("the chain is migrating in block {block}: what is live may look as if it were not, and deadlines wait; ask again in some blocks")]
	Migrating {
		/// Its number.
		block: BlockNumber,
	},
	/// The node or the connection failed.
	#[error("the node did not answer as expected: {reason}")]
	Node {
		/// What it said.
		reason: String,
	},
	/// The transaction pool did not take the transaction.
	#[error("the node refused the transaction: {reason}")]
	Refused {
		/// What it said.
		reason: String,
	},
	/// The transaction did not get into a block.
	#[error("the transaction {what} was not included within {blocks} blocks: its effect did not happen, submit it again")]
	NotIncluded {
		/// Its hash.
		what: String,
		/// Blocks waited for.
		blocks: u32,
	},
	/// The pool took the transaction and then gave it up.
	#[error("the node took the transaction {what} and then refused it: {reason}; it is in no block so far")]
	GivenUp {
		/// Its hash.
		what: String,
		/// What the node says.
		reason: String,
	},
	/// A pallet refused the call.
	#[error("{pallet}.{error}: {documentation}")]
	Pallet {
		/// The pallet, as the runtime names it.
		pallet: String,
		/// The error, as the pallet names it.
		error: String,
		/// The error's documentation, in one line.
		documentation: String,
	},
	/// The runtime refused the call.
	#[error("the runtime refused the call: {reason}")]
	Dispatch {
		/// Why.
		reason: String,
	},
}

impl ChainError {
	/// Whether a pallet refused the call with this error.
	pub fn is(&self, pallet: &str, error: &str) -> bool {
		matches!(self, Self::Pallet { pallet: p, error: e, .. } if p == pallet && e == error)
	}

	/// Whether asking again later can help: the node or the connection failed, or the chain is
	/// migrating; nothing was refused.
	pub fn is_transient(&self) -> bool {
		matches!(
			self,
			Self::Unreachable { .. }
				| Self::Node { .. }
				| Self::NotIncluded { .. }
				| Self::Migrating { .. }
		)
	}

	/// Whether nothing is wrong and it takes as long as it takes: the chain is migrating.
	pub fn is_migration(&self) -> bool {
		matches!(self, Self::Migrating { .. })
	}

	pub(crate) fn node(error: impl Into<subxt::Error>) -> Self {
		let error = error.into();
		let text = error.to_string();
		if text.contains("not compatible with the live chain") {
			return Self::Incompatible { what: text };
		}
		match error {
			subxt::Error::ExtrinsicError(ExtrinsicError::ErrorSubmittingTransaction(
				BackendError::Rpc(RpcError::ClientError(rpcs::Error::User(error))),
			)) => Self::Refused {
				reason: match &error.data {
					Some(data) => format!("{error}: {}", data.get().trim_matches('"')),
					None => error.to_string(),
				},
			},
			subxt::Error::TransactionEventsError(TransactionEventsError::ExtrinsicFailed(
				error,
			)) => Self::dispatch(&error),
			error => Self::Node { reason: innermost(&error) },
		}
	}

	pub(super) fn dispatch(error: &DispatchError) -> Self {
		let DispatchError::Module(module) = error else {
			return Self::Dispatch { reason: error.to_string() };
		};
		match module.details() {
			Ok(details) => Self::Pallet {
				pallet: details.pallet.name().into(),
				error: details.variant.name.clone(),
				documentation: one_line(&details.variant.docs.join(" ")),
			},
			Err(_) => Self::Dispatch { reason: one_line(&module.details_string()) },
		}
	}
}

/// What layers say that only pass an error on.
const LAYERS: [&str; 3] = ["Backend error: ", "RPC error: ", "client error: "];

/// The text of the last cause: what a person can act on. Outer layers only say who passed it on,
/// some as a source, some as a prefix.
pub(super) fn innermost(error: &dyn std::error::Error) -> String {
	let mut last = error;
	while let Some(source) = last.source() {
		last = source;
	}
	let text = one_line(&last.to_string());
	let mut rest = text.as_str();
	while let Some(inner) = LAYERS.iter().find_map(|layer| rest.strip_prefix(layer)) {
		rest = inner;
	}
	rest.to_string()
}

fn one_line(text: &str) -> String {
	text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn a_refusal_by_the_pool_keeps_the_reason() {
		let error = serde_json::from_str::<rpcs::UserError>(
			r#"{"code":1010,"message":"Invalid Transaction","data":"Inability to pay some fees"}"#,
		)
		.unwrap();
		let error = ExtrinsicError::ErrorSubmittingTransaction(rpcs::Error::User(error).into());
		assert_eq!(
			ChainError::node(error).to_string(),
			"the node refused the transaction: Invalid Transaction (1010): Inability to pay some fees"
		);
	}

	#[test]
	fn layers_that_pass_an_error_on_are_left_out() {
		let error = rpcs::Error::Client("RPC error: client error: Connection refused".into());
		assert_eq!(innermost(&error), "Connection refused");
	}

	#[test]
	fn codegen_that_does_not_fit_is_named_as_such() {
		assert!(matches!(
			ChainError::node(ExtrinsicError::IncompatibleCodegen),
			ChainError::Incompatible { .. }
		));
		assert!(matches!(
			ChainError::node(subxt::error::StorageError::IncompatibleCodegen),
			ChainError::Incompatible { .. }
		));
	}

	#[test]
	fn refusals_that_a_token_or_a_pallet_causes_are_not_transient() {
		let refused = ChainError::node(subxt::Error::from(TransactionEventsError::from(
			DispatchError::Token(subxt::error::TokenError::FundsUnavailable),
		)));
		assert_eq!(
			refused.to_string(),
			"the runtime refused the call: Token error: Funds are unavailable."
		);
		assert!(!refused.is_transient());
		assert!(ChainError::Node { reason: "gone".into() }.is_transient());
		let migrating = ChainError::Migrating { block: 7 };
		assert!(migrating.is_transient() && migrating.is_migration());
		assert!(migrating.to_string().contains("block 7"), "{migrating}");
	}
}
