// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! `pods_…`: what the chain knows of a pod.

use super::error::ask;
use crate::service::types::{Block, Hash};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use pallet_jobs::runtime_api::JobsApi;
use pallet_pods::{runtime_api::PodsApi, PodView};
use proofpod_runtime::AccountId;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// Methods about pods.
#[rpc(server)]
pub(crate) trait PodsRpc {
	/// A pod's record with what holds of it for a call that is sent now, at a block, by default the
	/// best one; `null` when the account is not a registered pod.
	#[method(name = "pods_view")]
	fn view(&self, pod: AccountId, at: Option<Hash>) -> RpcResult<Option<PodView>>;
}

/// Answers from the runtime of a client.
pub(crate) struct Pods<C> {
	client: Arc<C>,
}

impl<C> Pods<C> {
	/// Answers from `client`.
	pub(crate) fn new(client: Arc<C>) -> Self {
		Self { client }
	}
}

impl<C> PodsRpcServer for Pods<C>
where
	C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + Send + Sync + 'static,
	C::Api: PodsApi<Block> + JobsApi<Block, AccountId>,
{
	fn view(&self, pod: AccountId, at: Option<Hash>) -> RpcResult<Option<PodView>> {
		ask(&*self.client, at, |api, at| PodsApi::view(api, at, pod))
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::test_client::{call, TestClient, BROKEN, CLIENT, MIGRATING, POD, UNKNOWN},
		*,
	};
	use serde_json::{json, Value};

	async fn ask(params: Value) -> Result<Value, (i32, Value)> {
		call(Pods::new(Arc::new(TestClient)).into_rpc(), "pods_view", params).await
	}

	#[tokio::test]
	async fn pod_shows_its_record_and_what_holds_of_it() {
		let view = ask(json!([POD])).await.unwrap();
		assert_eq!(view["state"], json!({ "suspended": { "until": 50 } }));
		assert_eq!((&view["headroom"], &view["heartbeat_due"]), (&json!(900), &json!(7)));
		assert_eq!(
			(&view["record"]["exposure"], &view["record"]["lost"]),
			(&json!(100), &json!(50))
		);
		assert_eq!(view["record"]["operator"], json!(CLIENT));
		assert_eq!(view["record"]["profile"]["endpoint"], json!("https://pod.example"));
	}

	#[tokio::test]
	async fn account_that_is_no_pod_is_null() {
		assert_eq!(ask(json!([CLIENT])).await, Ok(Value::Null));
	}

	#[tokio::test]
	async fn bad_parameters_and_blocks_are_refused() {
		for params in [json!([]), json!(["Alice"]), json!([POD, "0x12"])] {
			assert_eq!(ask(params.clone()).await.unwrap_err().0, -32602, "{params}");
		}
		assert_eq!(ask(json!([POD, UNKNOWN])).await.unwrap_err().0, 30_001);
		assert_eq!(ask(json!([POD, BROKEN])).await.unwrap_err().0, 30_002);
		assert_eq!(ask(json!([POD, MIGRATING])).await.unwrap_err().0, 30_003);
	}
}
