// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! Why a method could not answer, as JSON-RPC error objects.

use crate::service::types::{Block, Hash};
use jsonrpsee::types::ErrorObjectOwned;
use pallet_jobs::runtime_api::JobsApi;
use proofpod_runtime::AccountId;
use serde_json::json;
use sp_api::{ApiError, ProvideRuntimeApi};
use sp_blockchain::HeaderBackend;

/// Code of an error about a block that this node does not have.
pub(super) const UNKNOWN_BLOCK: i32 = 30_001;

/// Code of an error about a block at which the runtime could not be asked.
pub(super) const RUNTIME_UNAVAILABLE: i32 = 30_002;

/// Code of an error about a block whose storage is between two layouts.
pub(super) const MIGRATING: i32 = 30_003;

/// The block that a call names, or the best one; it is certain to be known.
///
/// # Errors
///
/// [`UNKNOWN_BLOCK`].
pub(super) fn block_or_best(
	client: &impl HeaderBackend<Block>,
	at: Option<Hash>,
) -> Result<Hash, ErrorObjectOwned> {
	let Some(at) = at else { return Ok(client.info().best_hash) };
	let detail = match client.number(at) {
		Ok(Some(_)) => return Ok(at),
		Ok(None) => None,
		Err(error) => Some(error.to_string()),
	};
	Err(ErrorObjectOwned::owned(
		UNKNOWN_BLOCK,
		format!("expected the hash of a block that this node has, found {at:?}"),
		Some(json!({
			"block": at,
			"detail": detail,
			"hint": "leave `at` out for the best block, or wait until the node has synchronised",
		})),
	))
}

/// The error of a call into the runtime at a known block.
pub(super) fn runtime_unavailable(at: Hash, error: ApiError) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		RUNTIME_UNAVAILABLE,
		format!("the runtime of block {at:?} could not answer"),
		Some(json!({
			"block": at,
			"detail": error.to_string(),
			"hint": "the state of old blocks is kept with --state-pruning archive; a block from \
					 before a runtime upgrade may lack this method",
		})),
	)
}

/// The error of a question that the runtime cannot answer while it changes its storage: `null`
/// would say that there is nothing of that kind.
fn migrating(at: Hash) -> ErrorObjectOwned {
	ErrorObjectOwned::owned(
		MIGRATING,
		format!("the chain is migrating in block {at:?}; ask again in some blocks"),
		Some(json!({
			"block": at,
			"hint": "after a runtime upgrade the storage changes its layout, a part in every block; \
					 nothing is lost, and deadlines wait",
		})),
	)
}

/// Asks the runtime of a block, by default the best one, a question about jobs or pods.
///
/// # Errors
///
/// [`UNKNOWN_BLOCK`], [`RUNTIME_UNAVAILABLE`], [`MIGRATING`].
pub(super) fn ask<C, R>(
	client: &C,
	at: Option<Hash>,
	question: impl FnOnce(&C::Api, Hash) -> Result<R, ApiError>,
) -> Result<R, ErrorObjectOwned>
where
	C: ProvideRuntimeApi<Block> + HeaderBackend<Block>,
	C::Api: JobsApi<Block, AccountId>,
{
	let at = block_or_best(client, at)?;
	let api = client.runtime_api();
	if api.migrating(at).map_err(|error| runtime_unavailable(at, error))? {
		return Err(migrating(at));
	}
	question(&api, at).map_err(|error| runtime_unavailable(at, error))
}
