// SPDX-License-Identifier: Apache-2.0

//! What can be tried with proofs: garbage, others' proofs, old proofs, changed proofs.

use super::{attack, pod_amount, Parties, PRICE};
use crate::{
	chain::pass_ticks,
	scenario::{acknowledge, garbage, lock, open, output, prove, request, result, valid_result},
};
use ark_bls12_381::{Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use frame_support::{dispatch::GetDispatchInfo, weights::WeightToFee};
use pallet_jobs::Error as JobsError;
use pallet_pods::Error as PodsError;
use pallet_proofs::Error as ProofsError;
use proofpod_primitives::{JobId, ProofBytes};
use proofpod_runtime::{Balance, Jobs, Runtime, RuntimeCall};
use sp_runtime::DispatchError;

/// A job that the honest pod has acknowledged.
fn proving(parties: &mut Parties) -> JobId {
	let (client, pod) = (parties.client.clone(), parties.pod.clone());
	let job = open(&client, request());
	parties.does(&pod, lock(job));
	parties.does(&pod, acknowledge(job));
	job
}

/// The fee for the weight that a call declares.
fn declared_fee(call: &RuntimeCall) -> Balance {
	let weight = call.get_dispatch_info().call_weight;
	<Runtime as pallet_transaction_payment::Config>::WeightToFee::weight_to_fee(&weight)
}

/// (r⁻¹·A, r·B, C) proves what (A, B, C) proves.
fn re_randomised(proof: ProofBytes) -> ProofBytes {
	let mut bytes = proof.0.as_slice();
	let (a, b, c) = <(G1Affine, G2Affine, G1Affine)>::deserialize_compressed(&mut bytes).unwrap();
	let r = Fr::from(7);
	let (a, b) = ((a * (Fr::from(1) / r)).into_affine(), (b * r).into_affine());
	let mut bytes = [0; ProofBytes::SIZE];
	(a, b, c).serialize_compressed(bytes.as_mut_slice()).unwrap();
	ProofBytes(bytes)
}

#[test]
fn garbage_proofs_cost_the_full_fee_of_a_verification_each() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = proving(parties);
		let call = result(job, garbage());
		let verification = declared_fee(&call);
		let mut before = parties.costs.fees(&pod);
		for _ in 0..5 {
			parties.is_refused(&pod, call.clone(), ProofsError::<Runtime>::InvalidProof);
			let fee = parties.costs.fees(&pod) - before;
			assert!(fee >= verification, "{fee} for {verification}");
			before = parties.costs.fees(&pod);
		}
		println!("a garbage proof costs {verification} and more");
		// The right one is still accepted, and free of charge.
		parties.does(&pod, valid_result(job, &pod.account));
		assert_eq!(parties.costs.fees(&pod), before);
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
		assert_eq!(client.held(), 0);
	});
}

#[test]
fn garbage_proofs_do_not_keep_a_pod_from_being_slashed() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = proving(parties);
		let invalid = DispatchError::from(ProofsError::<Runtime>::InvalidProof);
		parties.is_refused(&pod, result(job, garbage()), invalid);
		pass_ticks(51);
		parties.is_refused(&pod, result(job, garbage()), JobsError::<Runtime>::JobNotFound);
		parties.have_lost(&[(&pod, pod_amount(PRICE))]);
		assert_eq!(client.held(), 0);
	});
}

#[test]
fn whoever_does_not_have_the_job_pays_for_a_verification_that_is_not_done() {
	attack(|parties| {
		let (stranger, rogue) = (parties.stranger.clone(), parties.rogues[0].clone());
		let job = proving(parties);
		let call = result(job, garbage());
		let verification = declared_fee(&call);
		parties.is_refused(&rogue, call.clone(), JobsError::<Runtime>::NotPod);
		parties.is_refused(&stranger, call, PodsError::<Runtime>::NotRegistered);
		for who in [&rogue, &stranger] {
			assert!(parties.costs.fees(who) >= verification);
		}
	});
}

#[test]
fn a_stolen_proof_pays_nobody_but_the_pod_that_made_it() {
	attack(|parties| {
		let (pod, thief) = (parties.pod.clone(), parties.rogues[0].clone());
		let stranger = parties.stranger.clone();
		let job = proving(parties);
		// Seen among the transactions that wait, and sent with more haste.
		let seen = valid_result(job, &pod.account);
		parties.is_refused(&thief, seen.clone(), JobsError::<Runtime>::NotPod);
		parties.is_refused(&stranger, seen.clone(), PodsError::<Runtime>::NotRegistered);

		// For a job of the thief's own, with the same input and the same model.
		let client = parties.client.clone();
		let own = open(&client, request());
		parties.does(&thief, lock(own));
		parties.does(&thief, acknowledge(own));
		let stolen = prove(job, &pod.account, &output(1));
		let invalid = DispatchError::from(ProofsError::<Runtime>::InvalidProof);
		parties.is_refused(&thief, result(own, stolen), invalid);
		// Even for that very job: the proof names the pod.
		let foreign = prove(own, &pod.account, &output(1));
		parties.is_refused(&thief, result(own, foreign), invalid);

		parties.does(&pod, seen);
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100)), (&thief, 0), (&stranger, 0)]);
	});
}

#[test]
fn an_old_proof_is_not_replayed_for_another_job_of_the_same_pod() {
	attack(|parties| {
		let pod = parties.pod.clone();
		let old = proving(parties);
		let proof = prove(old, &pod.account, &output(1));
		parties.does(&pod, result(old, proof));
		let new = proving(parties);
		let invalid = DispatchError::from(ProofsError::<Runtime>::InvalidProof);
		parties.is_refused(&pod, result(new, proof), invalid);
		parties.is_refused(&pod, result(old, proof), JobsError::<Runtime>::JobNotFound);
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
	});
}

#[test]
fn a_re_randomised_proof_is_as_good_as_the_first_and_the_job_pays_once() {
	attack(|parties| {
		let (pod, client) = (parties.pod.clone(), parties.client.clone());
		let jobs = [proving(parties), proving(parties)];
		let proofs = jobs.map(|job| prove(job, &pod.account, &output(1)));
		let others = proofs.map(re_randomised);
		assert!(proofs[0] != others[0] && proofs[1] != others[1]);
		let ended = DispatchError::from(JobsError::<Runtime>::JobNotFound);
		parties.does(&pod, result(jobs[0], others[0]));
		parties.is_refused(&pod, result(jobs[0], proofs[0]), ended);
		parties.does(&pod, result(jobs[1], proofs[1]));
		parties.is_refused(&pod, result(jobs[1], others[1]), ended);
		parties.have_lost(&[(&pod, -2 * pod_amount(PRICE - PRICE / 100))]);
		assert_eq!(client.held(), 0);
		assert!(jobs.iter().all(|job| Jobs::receipt(*job).is_some()));
	});
}

#[test]
fn a_proof_of_another_output_or_input_is_refused() {
	attack(|parties| {
		let pod = parties.pod.clone();
		let job = proving(parties);
		let invalid = DispatchError::from(ProofsError::<Runtime>::InvalidProof);
		let other_output = vec![proofpod_primitives::Scalar([8; 32])].try_into().unwrap();
		let proof = prove(job, &pod.account, &other_output);
		parties.is_refused(&pod, result(job, proof), invalid);
		let longer = pallet_jobs::Call::submit_result { job, proof, output: output(2) };
		parties.is_refused(&pod, longer, JobsError::<Runtime>::OutputLengthMismatch);
		parties.does(&pod, valid_result(job, &pod.account));
	});
}
