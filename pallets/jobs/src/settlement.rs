// SPDX-License-Identifier: Apache-2.0

//! Settlement: a result's proof is checked against the job's statement, and the pod is paid.

use crate::{escrow, Config, Error, Event, JobOf, Pallet};
use alloc::vec::Vec;
use frame_support::ensure;
use pallet_pods::{EndedJob, JobEnd};
use proofpod_primitives::{
	job::{Lock, Outcome, Phase, Stage},
	statement::{JobStatement, OutputElements},
	Digest, GenesisHash, JobId, ProofBytes, Scalar, VerifyingKeyId,
};
use sp_runtime::{traits::Zero, AccountId32, DispatchError, DispatchResult};

type Models<T> = pallet_models::Pallet<T>;
type Pods<T> = pallet_pods::Pallet<T>;
type Proofs<T> = pallet_proofs::Pallet<T>;

/// A pod's result, which is as good as its proof.
pub(crate) struct Claim<T: Config> {
	/// The key under which the proof must hold.
	pub(crate) key: VerifyingKeyId,
	/// The public inputs for which it must hold.
	pub(crate) inputs: Vec<Scalar>,
	/// Digest of what it proves.
	statement: Digest,
	job: JobOf<T>,
	lock: Lock<AccountId32>,
	output: OutputElements,
}

impl<T: Config> Pallet<T> {
	/// The chain's identity in every [`JobStatement`]: the hash of its first block, which the
	/// system pallet keeps when it prunes the others. Meaningful from block 1 on.
	pub fn genesis_hash() -> GenesisHash {
		let hash = frame_system::Pallet::<T>::block_hash(
			frame_system::pallet_prelude::BlockNumberFor::<T>::zero(),
		);
		let mut bytes = [0u8; 32];
		for (to, from) in bytes.iter_mut().zip(hash.as_ref()) {
			*to = *from;
		}
		GenesisHash(bytes)
	}

	/// Checks go from cheap to expensive, so that a hopeless submission costs the block little.
	pub(crate) fn do_submit_result(
		signer: AccountId32,
		id: JobId,
		proof: ProofBytes,
		output: OutputElements,
	) -> DispatchResult {
		let claim = Self::examine(&signer, id, output)?;
		Proofs::<T>::check(&claim.key, &proof, &claim.inputs)?;
		Self::settle(id, claim)
	}

	/// What a proof of this output must prove, and under which key.
	pub(crate) fn examine(
		signer: &AccountId32,
		id: JobId,
		output: OutputElements,
	) -> Result<Claim<T>, DispatchError> {
		let job = Self::live_job(id)?;
		let Phase::Proving(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotProving.into());
		};
		let lock = lock.clone();
		ensure!(lock.pod == Pods::<T>::acting(signer)?, Error::<T>::NotPod);
		let manifest =
			Models::<T>::manifest(&job.request.model).ok_or(Error::<T>::ModelNotFound)?;
		ensure!(
			u32::try_from(output.len()) == Ok(manifest.output_elements),
			Error::<T>::OutputLengthMismatch
		);
		let statement = JobStatement {
			genesis: Self::genesis_hash(),
			job: id,
			model: job.request.model,
			pod: lock.pod.clone().into(),
			input: job.request.input,
			output_key: job.request.output_key,
			output: &output,
		};
		let (inputs, statement) = (statement.public_inputs(), statement.digest());
		Ok(Claim { key: manifest.verifying_key, inputs, statement, job, lock, output })
	}

	/// Pays the pod whose proof holds, and ends the job.
	pub(crate) fn settle(id: JobId, claim: Claim<T>) -> DispatchResult {
		let Claim { job, lock, statement, output, .. } = claim;
		let (fee, refunded) = escrow::settle::<T>(&job, &lock)?;
		let Lock { pod, price, .. } = lock;
		let bond = job.terms.bond;
		Pods::<T>::job_ended(&pod, EndedJob { end: JobEnd::Settled, bond, lost: 0, price });
		Self::conclude(id, &job, Outcome::Settled { pod: pod.clone(), price, statement, output });
		Self::deposit_event(Event::Settled {
			job: id,
			pod,
			client: job.client.clone(),
			from: Stage::Proving,
			to: Stage::Settled,
			price,
			fee,
			refunded,
			statement,
		});
		Ok(())
	}
}
