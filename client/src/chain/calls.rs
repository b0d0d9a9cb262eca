// SPDX-License-Identifier: Apache-2.0

//! The pallets' calls, made from the types that the rest of the code uses. Submit them with
//! [`Chain::submit`](super::Chain::submit).

use super::runtime::{self, runtime_types::bounded_collections::bounded_vec::BoundedVec};
use subxt::utils::Static;

/// Calls of the registry of verifying keys.
pub mod proofs {
	use super::*;
	use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};
	use runtime::proofs::calls::{RegisterKey, RemoveKey, Verify};
	use subxt::transactions::StaticPayload;

	/// Registers a verifying key, in its canonical bytes, against a deposit.
	pub fn register_key(verifying_key: Vec<u8>) -> StaticPayload<RegisterKey> {
		runtime::tx().proofs().register_key(BoundedVec(verifying_key))
	}

	/// Removes a key of one's own that no model uses; the deposit comes back.
	pub fn remove_key(key: VerifyingKeyId) -> StaticPayload<RemoveKey> {
		runtime::tx().proofs().remove_key(Static(key))
	}

	/// Has the chain verify a proof, outside of any job.
	pub fn verify(
		key: VerifyingKeyId,
		proof: ProofBytes,
		inputs: Vec<Scalar>,
	) -> StaticPayload<Verify> {
		let inputs = BoundedVec(inputs.into_iter().map(Static).collect());
		runtime::tx().proofs().verify(Static(key), Static(proof), inputs)
	}
}

/// Calls of the registry of models.
pub mod models {
	use super::*;
	use proofpod_primitives::{
		manifest::{ArtefactUris, ModelManifest},
		ModelId,
	};
	use runtime::models::calls::{Deprecate, Register, Remove, UpdateUris};
	use subxt::transactions::StaticPayload;

	pub(super) fn bounded(uris: ArtefactUris) -> BoundedVec<BoundedVec<u8>> {
		BoundedVec(uris.into_iter().map(|uri| BoundedVec(uri.into_inner())).collect())
	}

	/// Registers a model, whose verifying key must be registered, against a deposit; perhaps as the
	/// next version of another one of the signer's.
	pub fn register(
		manifest: ModelManifest,
		uris: ArtefactUris,
		replaces: Option<ModelId>,
	) -> StaticPayload<Register> {
		runtime::tx().models().register(Static(manifest), bounded(uris), replaces.map(Static))
	}

	/// Says anew where a model's artefacts lie.
	pub fn update_uris(model: ModelId, uris: ArtefactUris) -> StaticPayload<UpdateUris> {
		runtime::tx().models().update_uris(Static(model), bounded(uris))
	}

	/// Closes a model to new jobs.
	pub fn deprecate(model: ModelId) -> StaticPayload<Deprecate> {
		runtime::tx().models().deprecate(Static(model))
	}

	/// Removes a model that no job uses; the deposit comes back.
	pub fn remove(model: ModelId) -> StaticPayload<Remove> {
		runtime::tx().models().remove(Static(model))
	}
}

/// Several calls in one transaction.
pub mod utility {
	use super::*;
	use proofpod_primitives::{
		manifest::{ArtefactUris, ModelManifest},
		ModelId,
	};
	use runtime::{models::Call as Models, proofs::Call as Proofs, utility::calls::BatchAll, Call};
	use subxt::transactions::StaticPayload;

	/// Registers a verifying key and a model under it: both, or neither.
	pub fn register_key_and_model(
		verifying_key: Vec<u8>,
		manifest: ModelManifest,
		uris: ArtefactUris,
		replaces: Option<ModelId>,
	) -> StaticPayload<BatchAll> {
		let (uris, replaces) = (models::bounded(uris), replaces.map(Static));
		runtime::tx().utility().batch_all(vec![
			Call::Proofs(Proofs::register_key { verifying_key: BoundedVec(verifying_key) }),
			Call::Models(Models::register { manifest: Static(manifest), uris, replaces }),
		])
	}
}

/// Calls of the registry of pods.
pub mod pods {
	use super::*;
	use crate::AccountId;
	use proofpod_primitives::{
		pod::{PodProfile, Tags},
		Balance, Tick,
	};
	use runtime::pods::calls::{
		Attest, BondMore, Heartbeat, Leave, Register, Revoke, SetOperator, Update, Withdraw,
	};
	use subxt::transactions::StaticPayload;

	/// Registers the signer as a pod, against the bond; the operator may work for it.
	pub fn register(profile: PodProfile, operator: Option<AccountId>) -> StaticPayload<Register> {
		runtime::tx().pods().register(Static(profile), operator)
	}

	/// Names the account that may work for the signer's pod, or none.
	pub fn set_operator(operator: Option<AccountId>) -> StaticPayload<SetOperator> {
		runtime::tx().pods().set_operator(operator)
	}

	/// Adds to the bond, and so to what the pod may have at risk.
	pub fn bond_more(amount: Balance) -> StaticPayload<BondMore> {
		runtime::tx().pods().bond_more(amount)
	}

	/// Says that the pod is there.
	pub fn heartbeat() -> StaticPayload<Heartbeat> {
		runtime::tx().pods().heartbeat()
	}

	/// Publishes another profile; a new encryption key starts a new key epoch.
	pub fn update(profile: PodProfile) -> StaticPayload<Update> {
		runtime::tx().pods().update(Static(profile))
	}

	/// Says, for others to rely on, that a pod deserves these tags, against a deposit. An earlier
	/// attestation of the signer for this pod is replaced.
	pub fn attest(pod: AccountId, tags: Tags, expires: Tick) -> StaticPayload<Attest> {
		let tags = BoundedVec(tags.into_iter().map(|tag| BoundedVec(tag.into_inner())).collect());
		runtime::tx().pods().attest(pod, tags, Static(expires))
	}

	/// Takes an attestation back; the deposit comes back.
	pub fn revoke(pod: AccountId) -> StaticPayload<Revoke> {
		runtime::tx().pods().revoke(pod)
	}

	/// Takes no more jobs; the bond can be withdrawn after the unbonding period.
	pub fn leave() -> StaticPayload<Leave> {
		runtime::tx().pods().leave()
	}

	/// Withdraws the bond of a pod that has left.
	pub fn withdraw() -> StaticPayload<Withdraw> {
		runtime::tx().pods().withdraw()
	}
}

/// Calls of the market of jobs.
pub mod jobs {
	use super::*;
	use crate::JobRequest;
	use proofpod_primitives::{statement::OutputElements, Balance, JobId, ProofBytes};
	use runtime::jobs::calls::{
		Acknowledge, Cancel, Discard, Lock, Open, Poke, Release, SubmitResult,
	};
	use subxt::transactions::StaticPayload;

	/// Opens a job and holds its highest price.
	pub fn open(request: JobRequest) -> StaticPayload<Open> {
		runtime::tx().jobs().open(Static(request))
	}

	/// Claims a job for the signer's pod, if its price is at least `min_price` by then.
	pub fn lock(job: JobId, min_price: Balance) -> StaticPayload<Lock> {
		runtime::tx().jobs().lock(Static(job), min_price)
	}

	/// Says that the pod has the input and answers for the result with its bond.
	pub fn acknowledge(job: JobId) -> StaticPayload<Acknowledge> {
		runtime::tx().jobs().acknowledge(Static(job))
	}

	/// Proves the job and gets paid.
	pub fn submit_result(
		job: JobId,
		proof: ProofBytes,
		output: OutputElements,
	) -> StaticPayload<SubmitResult> {
		let output = BoundedVec(output.into_iter().map(Static).collect());
		runtime::tx().jobs().submit_result(Static(job), Static(proof), output)
	}

	/// Withdraws a job that no pod has.
	pub fn cancel(job: JobId) -> StaticPayload<Cancel> {
		runtime::tx().jobs().cancel(Static(job))
	}

	/// Gives an acknowledged job up, for a slash that is the smaller the sooner.
	pub fn discard(job: JobId) -> StaticPayload<Discard> {
		runtime::tx().jobs().discard(Static(job))
	}

	/// Gives the lock back before acknowledging.
	pub fn release(job: JobId) -> StaticPayload<Release> {
		runtime::tx().jobs().release(Static(job))
	}

	/// Moves an overdue job to its end; anybody may.
	pub fn poke(job: JobId) -> StaticPayload<Poke> {
		runtime::tx().jobs().poke(Static(job))
	}
}
