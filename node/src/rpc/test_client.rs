// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! A client with canned answers, for tests of the methods' JSON: parameters, results, errors.

use crate::service::types::{Block, Hash, Header};
use jsonrpsee::RpcModule;
use pallet_jobs::runtime_api::JobsApi;
use pallet_pods::{runtime_api::PodsApi, PodRecord, PodStatus, PodView};
use pallet_proofs::runtime_api::ProofsApi;
use proofpod_primitives::{
	job::{
		Job, JobRequest, JobTerms, JobView, Outcome, PriceRamp, Receipt, Requirements, StoredState,
		Windows, JOB_RULES,
	},
	pod::{PodProfile, PodState, Region},
	Balance, EncryptionKey, InputCommitment, JobId, ModelId, ProofBytes, Scalar, Tick,
	VerifyingKeyId,
};
use proofpod_runtime::AccountId;
use serde_json::Value;
use sp_api::{ApiError, ApiRef, ProvideRuntimeApi};
use sp_blockchain::{BlockStatus, HeaderBackend, Info};

/// The best block.
pub(super) const BEST: &str = "0x0101010101010101010101010101010101010101010101010101010101010101";
/// A block whose state is gone.
pub(super) const BROKEN: &str =
	"0x0202020202020202020202020202020202020202020202020202020202020202";
/// A block that the client does not have.
pub(super) const UNKNOWN: &str =
	"0x0303030303030303030303030303030303030303030303030303030303030303";
/// A block whose storage is between two layouts.
pub(super) const MIGRATING: &str =
	"0x0505050505050505050505050505050505050505050505050505050505050505";
/// The only registered verifying key.
pub(super) const KEY: &str = "0x0404040404040404040404040404040404040404040404040404040404040404";
/// The account `[1; 32]`.
pub(super) const CLIENT: &str = "5C62Ck4UrFPiBtoCmeSrgF7x9yv9mn38446dhCpsi2mLHiFT";
/// The account `[2; 32]`.
pub(super) const POD: &str = "5C7LYpP2ZH3tpKbvVvwiVe54AapxErdPBbvkYhe6y9ZBkqWt";

/// The client, and its runtime.
pub(super) struct TestClient;

fn hash(text: &str) -> Hash {
	text.parse().unwrap()
}

fn answer<T>(at: Hash, value: T) -> Result<T, ApiError> {
	if at == hash(BEST) || at == hash(MIGRATING) {
		Ok(value)
	} else {
		Err(ApiError::Application("state discarded".into()))
	}
}

fn terms(bond: Balance) -> JobTerms {
	JobTerms {
		bond,
		missed_slash: bond,
		discard_slash: 10,
		client_share: 500,
		lapse_fee: 1,
		max_lapses: 4,
		deposit: 10,
		market_fee: 10,
	}
}

fn job() -> Job<AccountId> {
	Job {
		rules: JOB_RULES,
		client: AccountId::new([1; 32]),
		request: JobRequest {
			model: ModelId([3; 32]),
			input: InputCommitment([4; 32]),
			output_key: None,
			price: PriceRamp { min: 1, max: u128::from(u64::MAX) + 1, ramp: 10 },
			windows: Windows { lock: 20, acknowledge: 5, prove: 30, failover: 0 },
			requirements: Requirements {
				pods: vec![AccountId::new([2; 32])].try_into().unwrap(),
				..Default::default()
			},
		},
		terms: terms(50),
		opened: Tick(7),
		lapses: 0,
		failure: None,
		barred: Default::default(),
		state: StoredState::Open,
	}
}

fn pod() -> PodView {
	let until = Tick(50);
	PodView {
		state: PodState::Suspended { until },
		now: Tick(8),
		reputation: 500,
		headroom: 900,
		heartbeat_due: Tick(7),
		record: PodRecord {
			profile: PodProfile {
				endpoint: b"https://pod.example".to_vec().try_into().unwrap(),
				encryption_key: EncryptionKey([9; 32]),
				regions: vec![Region(*b"CH")].try_into().unwrap(),
				models: Default::default(),
				tags: Default::default(),
			},
			key_epoch: 0,
			operator: Some(AccountId::new([1; 32])),
			bond: 100,
			status: PodStatus::Active,
			live_jobs: 1,
			exposure: 100,
			lost: 50,
			last_seen: Tick(2),
			suspended_until: until,
			faults: 2,
			fault_price: 10,
			record: Default::default(),
		},
	}
}

fn receipt() -> Receipt<AccountId> {
	Receipt {
		client: AccountId::new([1; 32]),
		model: ModelId([3; 32]),
		block: 9,
		outcome: Outcome::Cancelled,
	}
}

sp_api::mock_impl_runtime_apis! {
	impl ProofsApi<Block> for TestClient {
		#[advanced]
		fn verify(
			at: Hash,
			key: VerifyingKeyId,
			_proof: ProofBytes,
			_inputs: Vec<Scalar>,
		) -> Result<Result<(), Vec<u8>>, ApiError> {
			let known = key == KEY.parse().unwrap();
			answer(at, known.then_some(()).ok_or_else(|| b"unknown key".to_vec()))
		}
	}

	impl PodsApi<Block> for TestClient {
		#[advanced]
		fn view(at: Hash, account: AccountId) -> Result<Option<PodView>, ApiError> {
			answer(at, (account == AccountId::new([2; 32])).then(pod))
		}
	}

	impl JobsApi<Block, AccountId> for TestClient {
		#[advanced]
		fn job(at: Hash, id: JobId) -> Result<Option<Job<AccountId>>, ApiError> {
			answer(at, (id == JobId(1)).then(job))
		}

		#[advanced]
		fn view(at: Hash, id: JobId) -> Result<Option<JobView<AccountId>>, ApiError> {
			answer(at, (id == JobId(1)).then(|| job().view(id, Tick(8))))
		}

		#[advanced]
		fn terms(at: Hash, max_price: Balance) -> Result<JobTerms, ApiError> {
			answer(at, terms(max_price))
		}

		#[advanced]
		fn migrating(at: Hash) -> Result<bool, ApiError> {
			answer(at, at == hash(MIGRATING))
		}

		#[advanced]
		fn tick(at: Hash) -> Result<Tick, ApiError> {
			answer(at, Tick(8))
		}

		#[advanced]
		fn phase(at: Hash, id: JobId) -> Result<Option<Vec<u8>>, ApiError> {
			answer(at, match id {
				JobId(1) => Some(b"open".to_vec()),
				JobId(2) => Some(b"cancelled".to_vec()),
				_ => None,
			})
		}

		#[advanced]
		fn receipt(at: Hash, id: JobId) -> Result<Option<Receipt<AccountId>>, ApiError> {
			answer(at, (id == JobId(2)).then(receipt))
		}
	}
}

impl ProvideRuntimeApi<Block> for TestClient {
	type Api = Self;

	fn runtime_api(&self) -> ApiRef<'_, Self> {
		TestClient.into()
	}
}

impl HeaderBackend<Block> for TestClient {
	fn header(&self, _: Hash) -> sp_blockchain::Result<Option<Header>> {
		Ok(None)
	}

	fn info(&self) -> Info<Block> {
		Info {
			best_hash: hash(BEST),
			best_number: 1,
			finalized_hash: hash(BEST),
			finalized_number: 1,
			genesis_hash: hash(BROKEN),
			finalized_state: None,
			number_leaves: 1,
			block_gap: None,
		}
	}

	fn status(&self, at: Hash) -> sp_blockchain::Result<BlockStatus> {
		Ok(self.number(at)?.map_or(BlockStatus::Unknown, |_| BlockStatus::InChain))
	}

	fn number(&self, at: Hash) -> sp_blockchain::Result<Option<u32>> {
		Ok([(BROKEN, 0), (BEST, 1), (MIGRATING, 2)]
			.into_iter()
			.find_map(|(text, number)| (hash(text) == at).then_some(number)))
	}

	fn hash(&self, number: u32) -> sp_blockchain::Result<Option<Hash>> {
		Ok([BROKEN, BEST].get(number as usize).map(|text| hash(text)))
	}
}

/// Sends a request with these parameters through the module, as a connection would: the response.
pub(super) async fn response<T: Send + Sync + 'static>(
	module: RpcModule<T>,
	method: &str,
	params: Value,
) -> String {
	let request = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
	module.raw_json_request(&request, 1).await.unwrap().0
}

/// The result of a request, or its error's code and the whole error object.
pub(super) async fn call<T: Send + Sync + 'static>(
	module: RpcModule<T>,
	method: &str,
	params: Value,
) -> Result<Value, (i32, Value)> {
	let response = response(module, method, params).await;
	let mut response: Value = serde_json::from_str(&response).unwrap();
	match response.get("error").cloned() {
		None => Ok(response["result"].take()),
		Some(error) => Err((error["code"].as_i64().unwrap() as i32, error)),
	}
}
