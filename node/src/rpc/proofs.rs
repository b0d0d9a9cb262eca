// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! `proofs_…`: verification of proofs without a transaction.

use super::error::{block_or_best, runtime_unavailable};
use crate::service::types::{Block, Hash};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use pallet_proofs::runtime_api::ProofsApi;
use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};
use serde::Serialize;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// Whether a proof holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Verdict {
	/// Whether the chain would accept the proof.
	pub(crate) valid: bool,
	/// Why it would not.
	pub(crate) reason: Option<String>,
}

/// Methods about proofs.
#[rpc(server)]
pub(crate) trait ProofsRpc {
	/// Verifies a proof against a registered verifying key, exactly as a block would.
	///
	/// `key_id` and `inputs` are 32 bytes each, `proof` is 192, all hexadecimal; `at` is the hash
	/// of the block whose registry is asked, the best one by default. A proof that does not hold is
	/// a verdict, not an error.
	#[method(name = "proofs_verify", blocking)]
	fn verify(
		&self,
		key_id: VerifyingKeyId,
		proof: ProofBytes,
		inputs: Vec<Scalar>,
		at: Option<Hash>,
	) -> RpcResult<Verdict>;
}

/// Answers from the runtime of a client.
pub(crate) struct Proofs<C> {
	client: Arc<C>,
}

impl<C> Proofs<C> {
	/// Answers from `client`.
	pub(crate) fn new(client: Arc<C>) -> Self {
		Self { client }
	}
}

impl<C> ProofsRpcServer for Proofs<C>
where
	C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + Send + Sync + 'static,
	C::Api: ProofsApi<Block>,
{
	fn verify(
		&self,
		key_id: VerifyingKeyId,
		proof: ProofBytes,
		inputs: Vec<Scalar>,
		at: Option<Hash>,
	) -> RpcResult<Verdict> {
		let at = block_or_best(&*self.client, at)?;
		let verdict = self
			.client
			.runtime_api()
			.verify(at, key_id, proof, inputs)
			.map_err(|error| runtime_unavailable(at, error))?;
		let reason = verdict.err().map(|reason| String::from_utf8_lossy(&reason).into_owned());
		Ok(Verdict { valid: reason.is_none(), reason })
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::test_client::{call, TestClient, BEST, BROKEN, KEY, UNKNOWN},
		*,
	};
	use serde_json::{json, Value};

	async fn verify(params: Value) -> Result<Value, (i32, Value)> {
		call(Proofs::new(Arc::new(TestClient)).into_rpc(), "proofs_verify", params).await
	}

	fn bytes(byte: u8, size: usize) -> String {
		format!("0x{}", format!("{byte:02x}").repeat(size))
	}

	#[tokio::test]
	async fn accepted_proof_has_no_reason() {
		let verdict = verify(json!([KEY, bytes(0, 192), [bytes(1, 32)]])).await;
		assert_eq!(verdict, Ok(json!({ "valid": true, "reason": null })));
		let at = verify(json!([KEY, bytes(0, 192), [bytes(1, 32)], BEST])).await;
		assert_eq!(at, verdict);
	}

	#[tokio::test]
	async fn parameters_may_be_named() {
		let params = json!({ "key_id": KEY, "proof": bytes(0, 192), "inputs": [bytes(1, 32)] });
		assert_eq!(verify(params).await, Ok(json!({ "valid": true, "reason": null })));
	}

	#[tokio::test]
	async fn refused_proof_is_a_verdict_with_the_runtimes_reason() {
		let verdict = verify(json!([bytes(9, 32), bytes(0, 192), []])).await;
		assert_eq!(verdict, Ok(json!({ "valid": false, "reason": "unknown key" })));
	}

	#[tokio::test]
	async fn malformed_parameters_name_what_was_expected() {
		for (params, expected) in [
			(json!([bytes(0, 31), bytes(0, 192), []]), "expected 64 hexadecimal digits"),
			(json!([KEY, bytes(0, 193), []]), "expected 384 hexadecimal digits"),
			(json!([KEY, bytes(0, 192), ["0xzz"]]), "expected 64 hexadecimal digits"),
			(json!([KEY, bytes(0, 192), "0x"]), "expected a sequence"),
			(json!([KEY]), "No more params"),
		] {
			let (code, error) = verify(params.clone()).await.unwrap_err();
			assert_eq!(code, -32602, "{params}");
			assert!(error.to_string().contains(expected), "{params}: {error}");
		}
	}

	#[tokio::test]
	async fn unknown_block_and_failing_runtime_are_told_apart() {
		let at = |block| json!([KEY, bytes(0, 192), [], block]);
		let (code, error) = verify(at(UNKNOWN)).await.unwrap_err();
		assert_eq!((code, &error["data"]["block"]), (30_001, &json!(UNKNOWN)));
		let (code, error) = verify(at(BROKEN)).await.unwrap_err();
		assert_eq!((code, &error["data"]["detail"]), (30_002, &json!("state discarded")));
	}
}
