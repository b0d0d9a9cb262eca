// SPDX-License-Identifier: Apache-2.0

//! Settlement: a result's proof is checked against the job's statement, and the pod is paid.

use crate::{escrow, Config, Error, Event, Pallet};
use frame_support::ensure;
use pallet_pods::{EndedJob, JobEnd};
use proofpod_primitives::{
	job::{Outcome, Phase, Stage},
	statement::{JobStatement, OutputElements},
	GenesisHash, JobId, ProofBytes,
};
use sp_runtime::{traits::Zero, AccountId32, DispatchResult};

type Models<T> = pallet_models::Pallet<T>;
type Pods<T> = pallet_pods::Pallet<T>;
type Proofs<T> = pallet_proofs::Pallet<T>;

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
		let job = Self::live_job(id)?;
		let Phase::Proving(lock) = job.phase(Self::now()) else {
			return Err(Error::<T>::NotProving.into());
		};
		let pod = Pods::<T>::acting(&signer)?;
		ensure!(lock.pod == pod, Error::<T>::NotPod);
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
			pod: pod.clone().into(),
			input: job.request.input,
			output_key: job.request.output_key,
			output: &output,
		};
		Proofs::<T>::check(&manifest.verifying_key, &proof, &statement.public_inputs())?;
		let statement = statement.digest();

		let (fee, refunded) = escrow::settle::<T>(&job, lock)?;
		let price = lock.price;
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
