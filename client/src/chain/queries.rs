// SPDX-License-Identifier: Apache-2.0

//! Typed reads of the state of one block.

use super::{runtime, BlockRef, ChainError, JobEvent};
use crate::{AccountId, Job, Receipt};
use proofpod_primitives::{
	job::JobTerms,
	manifest::{ArtefactUris, ModelManifest},
	pod::{PodProfile, PodState, TrackRecord},
	Balance, JobId, ModelId, ProofBytes, Scalar, Tick, VerifyingKeyId,
};
use serde::Serialize;
use subxt::{client::OnlineClientAtBlock, utils::Static, SubstrateConfig};

/// Whether a pod takes jobs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub enum PodStatus {
	/// It does.
	Active,
	/// It has left.
	Leaving {
		/// First tick in which it may withdraw its bond.
		withdrawable_from: Tick,
	},
}

/// A registered pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRecord {
	/// Its account.
	pub account: AccountId,
	/// What it says of itself.
	pub profile: PodProfile,
	/// Counts its encryption keys.
	pub key_epoch: u32,
	/// The account that works for it, beside its own.
	pub operator: Option<AccountId>,
	/// What it has bonded.
	pub bond: Balance,
	/// Whether it takes jobs.
	pub status: PodStatus,
	/// Jobs that it holds now.
	pub live_jobs: u32,
	/// Sum of the bonds of those jobs.
	pub exposure: Balance,
	/// What its jobs have lost since its own account bonded more or named the operator: it counts
	/// against what it may take.
	pub lost: Balance,
	/// When it last did something that a living pod does.
	pub last_seen: Tick,
	/// First tick in which it is not suspended.
	pub suspended_until: Tick,
	/// How its jobs ended.
	pub record: TrackRecord,
}

impl PodRecord {
	/// The endpoint as text. The chain only admits ASCII; anything else is replaced.
	pub fn endpoint(&self) -> String {
		String::from_utf8_lossy(&self.profile.endpoint).into_owned()
	}
}

/// A registered pod, and what holds of it for a call that is sent now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodView {
	/// Its record.
	pub record: PodRecord,
	/// Whether it is there, and may take jobs.
	pub state: PodState,
	/// When that was.
	pub now: Tick,
	/// Reputation in thousandths.
	pub reputation: u16,
	/// Sum of the bonds of jobs that it may lock besides those that it has.
	pub headroom: Balance,
	/// When its next heartbeat is due.
	pub heartbeat_due: Tick,
}

/// A registered model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelRecord {
	/// Its identity.
	pub id: ModelId,
	/// Who registered it.
	pub owner: AccountId,
	/// Held from the owner.
	pub deposit: Balance,
	/// How many models it follows, and itself.
	pub version: u32,
	/// The model that it replaces.
	pub replaces: Option<ModelId>,
	/// The model that replaces it.
	pub replaced_by: Option<ModelId>,
	/// What it is.
	pub manifest: ModelManifest,
	/// Where its artefacts lie.
	pub uris: ArtefactUris,
	/// Whether it is closed to new jobs.
	pub deprecated: bool,
	/// Live jobs that use it.
	pub jobs: u32,
}

impl ModelRecord {
	/// The model's name as text.
	pub fn name(&self) -> String {
		String::from_utf8_lossy(&self.manifest.name).into_owned()
	}

	/// Where its artefacts lie, as text.
	pub fn uris(&self) -> Vec<String> {
		self.uris.iter().map(|uri| String::from_utf8_lossy(uri).into_owned()).collect()
	}
}

/// What an account has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AccountBalance {
	/// To spend, fees included.
	pub free: Balance,
	/// Held for jobs, bonds and deposits.
	pub held: Balance,
}

/// The state of one block. Everything read from one view belongs together.
#[derive(Clone, Debug)]
pub struct View {
	client: OnlineClientAtBlock<SubstrateConfig>,
	block: BlockRef,
}

impl View {
	pub(super) fn new(client: OnlineClientAtBlock<SubstrateConfig>, block: BlockRef) -> Self {
		Self { client, block }
	}

	/// The block.
	pub fn block(&self) -> BlockRef {
		self.block
	}

	/// The view, unless its block lies within a migration: then jobs, pods and models that are live
	/// may look as if there were none.
	///
	/// # Errors
	/// [`ChainError::Migrating`], or when the node does not answer.
	pub async fn settled(self) -> Result<Self, ChainError> {
		let storage = runtime::storage();
		let cursor = self.client.storage().try_fetch(storage.migrations().cursor(), ()).await;
		let is_under_way = cursor.map_err(ChainError::node)?.is_some();
		let last = self.fetch(storage.system().last_runtime_upgrade(), ()).await?;
		let last = last.map(|last| last.spec_version);
		if is_migrating(is_under_way, last, self.client.spec_version()) {
			return Err(ChainError::Migrating { block: self.block.number });
		}
		Ok(self)
	}

	/// The client at this block, for what has no function of its own here.
	pub fn client(&self) -> &OnlineClientAtBlock<SubstrateConfig> {
		&self.client
	}

	async fn fetch<Address: subxt::storage::Address>(
		&self,
		address: Address,
		key: Address::KeyParts,
	) -> Result<Option<Address::Value>, ChainError> {
		let value =
			self.client.storage().try_fetch(address, key).await.map_err(ChainError::node)?;
		value.map(|value| value.decode()).transpose().map_err(ChainError::node)
	}

	async fn entries<Address, Key>(
		&self,
		address: Address,
	) -> Result<Vec<(Key, Address::Value)>, ChainError>
	where
		Address: subxt::storage::Address<KeyParts = (Key,)>,
		(Key,): subxt::ext::frame_decode::storage::IntoEncodableValues
			+ subxt::ext::frame_decode::storage::IntoDecodableValues,
		(): subxt::storage::PrefixOf<(Key,)>,
	{
		let mut stream = self.client.storage().iter(address, ()).await.map_err(ChainError::node)?;
		let mut entries = Vec::new();
		while let Some(entry) = stream.next().await {
			let entry = entry.map_err(ChainError::node)?;
			let (key,) = entry.key().and_then(|key| key.decode()).map_err(ChainError::node)?;
			entries.push((key, entry.value().decode().map_err(ChainError::node)?));
		}
		Ok(entries)
	}

	/// The market's clock: what [`Job::phase`] is asked with.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn tick(&self) -> Result<Tick, ChainError> {
		let ticks = self.fetch(runtime::storage().clock().ticks(), ()).await?;
		Ok(ticks.map_or(Tick::default(), |ticks| ticks.0))
	}

	/// A live job, or one that is over but not yet tidied away: its phase now says which.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn job(&self, job: JobId) -> Result<Option<Job>, ChainError> {
		let job = self.fetch(runtime::storage().jobs().jobs(), (Static(job),)).await?;
		Ok(job.map(|job| job.0))
	}

	/// All jobs that have a record, by number.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn jobs(&self) -> Result<Vec<(JobId, Job)>, ChainError> {
		let jobs = self.entries(runtime::storage().jobs().jobs()).await?;
		let mut jobs: Vec<_> = jobs.into_iter().map(|(id, job)| (id.0, job.0)).collect();
		jobs.sort_by_key(|(id, _)| *id);
		Ok(jobs)
	}

	/// The receipt of a job that has ended.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn receipt(&self, job: JobId) -> Result<Option<Receipt>, ChainError> {
		let receipt = self.fetch(runtime::storage().jobs().receipts(), (Static(job),)).await?;
		Ok(receipt.map(|receipt| receipt.0))
	}

	/// All receipts, by number.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn receipts(&self) -> Result<Vec<(JobId, Receipt)>, ChainError> {
		let receipts = self.entries(runtime::storage().jobs().receipts()).await?;
		let mut receipts: Vec<_> =
			receipts.into_iter().map(|(id, receipt)| (id.0, receipt.0)).collect();
		receipts.sort_by_key(|(id, _)| *id);
		Ok(receipts)
	}

	/// A registered model.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn model(&self, model: ModelId) -> Result<Option<ModelRecord>, ChainError> {
		let record = self.fetch(runtime::storage().models().models(), (Static(model),)).await?;
		record.map(|record| model_record(model, record)).transpose()
	}

	/// All registered models.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn models(&self) -> Result<Vec<ModelRecord>, ChainError> {
		let models = self.entries(runtime::storage().models().models()).await?;
		models.into_iter().map(|(id, record)| model_record(id.0, record)).collect()
	}

	/// The canonical bytes of a registered verifying key.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn verifying_key(&self, key: VerifyingKeyId) -> Result<Option<Vec<u8>>, ChainError> {
		let bytes = self.fetch(runtime::storage().proofs().key_bytes(), (Static(key),)).await?;
		Ok(bytes.map(|bytes| bytes.0))
	}

	/// A registered pod.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn pod(&self, account: AccountId) -> Result<Option<PodRecord>, ChainError> {
		let record = self.fetch(runtime::storage().pods().pods(), (account,)).await?;
		Ok(record.map(|record| pod_record(account, record)))
	}

	/// A registered pod, and what holds of it.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn pod_view(&self, account: AccountId) -> Result<Option<PodView>, ChainError> {
		let question = runtime::runtime_apis().pods_api().view(account);
		let view = self.client.runtime_apis().call(question).await.map_err(ChainError::node)?;
		Ok(view.map(|view| PodView {
			record: pod_record(account, view.record),
			state: view.state.0,
			now: view.now.0,
			reputation: view.reputation,
			headroom: view.headroom,
			heartbeat_due: view.heartbeat_due.0,
		}))
	}

	/// The terms of a job with this highest price, if it were opened now.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn job_terms(&self, max_price: Balance) -> Result<JobTerms, ChainError> {
		let question = runtime::runtime_apis().jobs_api().terms(max_price);
		let terms = self.client.runtime_apis().call(question).await.map_err(ChainError::node)?;
		Ok(terms.0)
	}

	/// All registered pods.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn pods(&self) -> Result<Vec<PodRecord>, ChainError> {
		let pods = self.entries(runtime::storage().pods().pods()).await?;
		Ok(pods.into_iter().map(|(account, record)| pod_record(account, record)).collect())
	}

	/// What an account has; nothing for an account that does not exist.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn balance(&self, account: AccountId) -> Result<AccountBalance, ChainError> {
		let account = self.fetch(runtime::storage().system().account(), (account,)).await?;
		Ok(account.map_or_else(Default::default, |account| AccountBalance {
			free: account.data.free,
			held: account.data.reserved,
		}))
	}

	/// What this block says about jobs, in order.
	///
	/// # Errors
	/// When the node does not answer.
	pub async fn job_events(&self) -> Result<Vec<JobEvent>, ChainError> {
		let events = self.client.events().fetch().await.map_err(ChainError::node)?;
		JobEvent::among(events.iter())
	}

	/// The proofs that this block's transactions submitted for a job, the successful one among
	/// them if there is one: calls made directly, in a batch, or through a proxy.
	///
	/// # Errors
	/// When the node does not answer or does not have the block's body.
	pub async fn submitted_results(
		&self,
		job: JobId,
	) -> Result<Vec<(ProofBytes, Vec<Scalar>)>, ChainError> {
		let extrinsics = self.client.extrinsics().fetch().await.map_err(ChainError::node)?;
		let mut results = Vec::new();
		for extrinsic in extrinsics.iter() {
			let extrinsic = extrinsic.map_err(ChainError::node)?;
			let call = extrinsic.decode_call_data_as().map_err(ChainError::node)?;
			collect_results(call, job, &mut results);
		}
		Ok(results)
	}
}

/// Whether the storage is not yet that of the code: changes are under way, or, in the block of an
/// upgrade, have not begun.
fn is_migrating(is_under_way: bool, last_upgrade: Option<u32>, spec_version: u32) -> bool {
	is_under_way || last_upgrade.is_some_and(|last| last < spec_version)
}

fn collect_results(call: runtime::Call, job: JobId, results: &mut Vec<(ProofBytes, Vec<Scalar>)>) {
	use runtime::{jobs::Call as Jobs, proxy::Call as Proxy, utility::Call as Utility, Call};
	match call {
		Call::Jobs(Jobs::submit_result { job: Static(found), proof, output }) if found == job => {
			results.push((proof.0, output.0.into_iter().map(|scalar| scalar.0).collect()));
		},
		Call::Utility(
			Utility::batch { calls }
			| Utility::batch_all { calls }
			| Utility::force_batch { calls },
		) => calls.into_iter().for_each(|call| collect_results(call, job, results)),
		Call::Proxy(Proxy::proxy { call, .. } | Proxy::proxy_announced { call, .. }) => {
			collect_results(*call, job, results);
		},
		_ => {},
	}
}

fn model_record(
	id: ModelId,
	record: runtime::models::storage::models::Output,
) -> Result<ModelRecord, ChainError> {
	let too_long = |_| ChainError::Incompatible { what: "a model's URIs are too long".into() };
	let uris = record
		.uris
		.0
		.into_iter()
		.map(|uri| uri.0.try_into().map_err(too_long))
		.collect::<Result<Vec<_>, _>>()?;
	let uris = uris
		.try_into()
		.map_err(|_| ChainError::Incompatible { what: "a model has too many URIs".into() })?;
	Ok(ModelRecord {
		id,
		owner: record.owner,
		deposit: record.deposit,
		version: record.version,
		replaces: record.replaces.map(|model| model.0),
		replaced_by: record.replaced_by.map(|model| model.0),
		manifest: record.manifest.0,
		uris,
		deprecated: record.deprecated,
		jobs: record.jobs,
	})
}

fn pod_record(account: AccountId, record: runtime::pods::storage::pods::Output) -> PodRecord {
	use runtime::runtime_types::pallet_pods::record::PodStatus as Stored;
	PodRecord {
		account,
		profile: record.profile.0,
		key_epoch: record.key_epoch,
		operator: record.operator,
		bond: record.bond,
		status: match record.status {
			Stored::Active => PodStatus::Active,
			Stored::Leaving { withdrawable_from } => {
				PodStatus::Leaving { withdrawable_from: withdrawable_from.0 }
			},
		},
		live_jobs: record.live_jobs,
		exposure: record.exposure,
		lost: record.lost,
		last_seen: record.last_seen.0,
		suspended_until: record.suspended_until.0,
		record: record.record.0,
	}
}

#[cfg(test)]
mod tests {
	use super::is_migrating;

	#[test]
	fn migrations_last_from_the_block_of_the_upgrade_until_the_last_change() {
		assert!(is_migrating(false, Some(1), 2), "the code is new, the storage is not");
		assert!(is_migrating(true, Some(2), 2));
		assert!(!is_migrating(false, Some(2), 2));
		assert!(!is_migrating(false, None, 2), "a chain that was never upgraded");
	}
}
