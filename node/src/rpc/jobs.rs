// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! `jobs_…`: what the chain knows of a job.

use super::error::{ask, block_or_best, runtime_unavailable};
use crate::service::types::{Block, Hash};
use jsonrpsee::{core::RpcResult, proc_macros::rpc};
use pallet_jobs::runtime_api::JobsApi;
use proofpod_primitives::{
	job::{Job, JobTerms, JobView, Receipt},
	Balance, JobId, Tick,
};
use proofpod_runtime::AccountId;
use sp_api::ProvideRuntimeApi;
use sp_blockchain::HeaderBackend;
use std::sync::Arc;

/// Methods about jobs. Each takes, optionally and last, the hash of the block to look at, by
/// default the best one. Those that take a job's number answer `null` when the chain has nothing of
/// that kind.
#[rpc(server)]
pub(crate) trait JobsRpc {
	/// A live job's record; `null` once it has ended.
	#[method(name = "jobs_job")]
	fn job(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<Job<AccountId>>>;

	/// A live job's record with what holds of it for a call that is sent now; `null` once it has
	/// ended.
	#[method(name = "jobs_view")]
	fn view(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<JobView<AccountId>>>;

	/// The terms of a job with this highest price, if it were opened now.
	#[method(name = "jobs_terms")]
	fn terms(&self, max_price: Balance, at: Option<Hash>) -> RpcResult<JobTerms>;

	/// The market's clock: the ticks in which a job's moments and windows are counted.
	#[method(name = "jobs_tick")]
	fn tick(&self, at: Option<Hash>) -> RpcResult<Tick>;

	/// What holds for a job, in one word: `open`, `locked`, `proving`, or how it ends: `settled`,
	/// `cancelled`, `expired` or `failed`.
	#[method(name = "jobs_phase")]
	fn phase(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<String>>;

	/// How a job ended; `null` while it lives.
	#[method(name = "jobs_receipt")]
	fn receipt(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<Receipt<AccountId>>>;
}

/// Answers from the runtime of a client.
pub(crate) struct Jobs<C> {
	client: Arc<C>,
}

impl<C> Jobs<C> {
	/// Answers from `client`.
	pub(crate) fn new(client: Arc<C>) -> Self {
		Self { client }
	}
}

impl<C> JobsRpcServer for Jobs<C>
where
	C: ProvideRuntimeApi<Block> + HeaderBackend<Block> + Send + Sync + 'static,
	C::Api: JobsApi<Block, AccountId>,
{
	fn job(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<Job<AccountId>>> {
		ask(&*self.client, at, |api, at| api.job(at, id))
	}

	fn view(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<JobView<AccountId>>> {
		ask(&*self.client, at, |api, at| api.view(at, id))
	}

	fn terms(&self, max_price: Balance, at: Option<Hash>) -> RpcResult<JobTerms> {
		let at = block_or_best(&*self.client, at)?;
		let terms = self.client.runtime_api().terms(at, max_price);
		terms.map_err(|error| runtime_unavailable(at, error))
	}

	fn tick(&self, at: Option<Hash>) -> RpcResult<Tick> {
		let at = block_or_best(&*self.client, at)?;
		let tick = self.client.runtime_api().tick(at);
		tick.map_err(|error| runtime_unavailable(at, error))
	}

	fn phase(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<String>> {
		let phase = ask(&*self.client, at, |api, at| api.phase(at, id))?;
		Ok(phase.map(|name| String::from_utf8_lossy(&name).into_owned()))
	}

	fn receipt(&self, id: JobId, at: Option<Hash>) -> RpcResult<Option<Receipt<AccountId>>> {
		let at = block_or_best(&*self.client, at)?;
		let receipt = self.client.runtime_api().receipt(at, id);
		receipt.map_err(|error| runtime_unavailable(at, error))
	}
}

#[cfg(test)]
mod tests {
	use super::{
		super::test_client::{
			call, response, TestClient, BEST, BROKEN, CLIENT, MIGRATING, POD, UNKNOWN,
		},
		*,
	};
	use serde_json::{json, Value};

	async fn ask(method: &str, params: Value) -> Result<Value, (i32, Value)> {
		call(Jobs::new(Arc::new(TestClient)).into_rpc(), method, params).await
	}

	#[tokio::test]
	async fn live_job_shows_its_record_with_accounts_in_ss58() {
		let job = ask("jobs_job", json!([1])).await.unwrap();
		assert_eq!((&job["client"], &job["opened"]), (&json!(CLIENT), &json!(7)));
		assert_eq!(job["request"]["requirements"]["pods"], json!([POD]));
		assert_eq!(job["state"], json!("open"));
		assert_eq!(ask("jobs_phase", json!([1])).await, Ok(json!("open")));
		assert_eq!(ask("jobs_receipt", json!([1])).await, Ok(Value::Null));
	}

	#[tokio::test]
	async fn live_job_shows_what_holds_of_it() {
		let view = ask("jobs_view", json!([1])).await.unwrap();
		assert_eq!((&view["stage"], &view["now"]), (&json!("open"), &json!(8)));
		assert_eq!((&view["open_until"], &view["due_from"]), (&json!(27), &json!(28)));
		assert_eq!(view["job"], ask("jobs_job", json!([1])).await.unwrap());
		assert_eq!(ask("jobs_view", json!([2])).await, Ok(Value::Null));
		assert_eq!(ask("jobs_tick", json!([])).await, Ok(json!(8)));
		assert_eq!(ask("jobs_tick", json!([UNKNOWN])).await.unwrap_err().0, 30_001);
	}

	#[tokio::test]
	async fn terms_follow_the_price() {
		let terms = ask("jobs_terms", json!([u64::MAX])).await.unwrap();
		assert_eq!((&terms["bond"], &terms["deposit"]), (&json!(u64::MAX), &json!(10)));
		for params in [json!([]), json!([-1]), json!(["1 POD"])] {
			assert_eq!(ask("jobs_terms", params).await.unwrap_err().0, -32602);
		}
		assert_eq!(ask("jobs_terms", json!([1, BROKEN])).await.unwrap_err().0, 30_002);
	}

	#[tokio::test]
	async fn ended_job_shows_its_receipt() {
		let receipt = ask("jobs_receipt", json!([2, BEST])).await.unwrap();
		assert_eq!((&receipt["client"], &receipt["block"]), (&json!(CLIENT), &json!(9)));
		assert_eq!(receipt["outcome"], json!("cancelled"));
		assert_eq!(ask("jobs_phase", json!([2])).await, Ok(json!("cancelled")));
		assert_eq!(ask("jobs_job", json!([2])).await, Ok(Value::Null));
	}

	#[tokio::test]
	async fn amounts_beyond_64_bits_survive() {
		let module = Jobs::new(Arc::new(TestClient)).into_rpc();
		let text = response(module, "jobs_job", json!([1])).await;
		assert!(text.contains(r#""max":18446744073709551616,"#), "{text}");
	}

	#[tokio::test]
	async fn unknown_job_is_null() {
		for method in ["jobs_job", "jobs_view", "jobs_phase", "jobs_receipt"] {
			assert_eq!(ask(method, json!([404])).await, Ok(Value::Null));
		}
	}

	#[tokio::test]
	async fn malformed_parameters_name_what_was_expected() {
		for method in ["jobs_job", "jobs_view", "jobs_phase", "jobs_receipt"] {
			for (params, expected) in [
				(json!(["one"]), "expected u64"),
				(json!([-1]), "expected u64"),
				(json!([]), "No more params"),
				(json!([1, "0x12"]), "invalid length"),
			] {
				let (code, error) = ask(method, params.clone()).await.unwrap_err();
				assert_eq!(code, -32602, "{method} {params}");
				assert!(error.to_string().contains(expected), "{method} {params}: {error}");
			}
		}
	}

	#[tokio::test]
	async fn what_a_migration_hides_is_an_error_and_not_null() {
		for method in ["jobs_job", "jobs_view", "jobs_phase"] {
			let (code, error) = ask(method, json!([1, MIGRATING])).await.unwrap_err();
			assert_eq!(code, 30_003, "{method}");
			let text = error.to_string();
			assert!(text.contains("migrating") && text.contains("ask again"), "{text}");
		}
		assert_eq!(ask("jobs_tick", json!([MIGRATING])).await, Ok(json!(8)));
	}

	#[tokio::test]
	async fn unknown_block_and_failing_runtime_are_told_apart() {
		for method in ["jobs_job", "jobs_view", "jobs_phase", "jobs_receipt"] {
			assert_eq!(ask(method, json!([1, UNKNOWN])).await.unwrap_err().0, 30_001);
			assert_eq!(ask(method, json!([1, BROKEN])).await.unwrap_err().0, 30_002);
		}
	}
}
