// SPDX-License-Identifier: Apache-2.0

//! What can be tried with proofs: garbage, others' proofs, old proofs, changed proofs.

use super::{attack, opened, pod_amount, proving, take, Parties, PRICE};
use crate::{
	chain::pass_ticks,
	scenario::{
		garbage, inputs_of, key, model, output, prove, public_inputs, request, result, second_key,
		valid_result, INPUTS,
	},
};
use ark_bls12_381::{Fr, G1Affine, G2Affine};
use ark_ec::CurveGroup;
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use pallet_jobs::Error as JobsError;
use pallet_pods::Error as PodsError;
use pallet_proofs::{Error as ProofsError, WeightInfo};
use proofpod_primitives::{
	job::{JobRequest, Outcome},
	manifest::OutputVisibility,
	statement::OutputElements,
	InputCommitment, JobId, OutputKeyCommitment, ProofBytes, Scalar,
};
use proofpod_runtime::{Balance, Jobs, Runtime, TransactionPayment};
use sp_runtime::DispatchError;

/// The honest pod's proofs for a job that are no proofs of it, at the full fee of each.
fn are_refused(parties: &mut Parties, job: JobId, proofs: &[ProofBytes]) {
	let pod = parties.pod.clone();
	let before = parties.costs.fees(&pod);
	for proof in proofs {
		parties.is_refused(&pod, result(job, *proof), ProofsError::<Runtime>::InvalidProof);
	}
	let full = pod.fee(result(job, garbage()));
	assert_eq!(parties.costs.fees(&pod) - before, proofs.len() as Balance * full);
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
		let weight = <Runtime as pallet_proofs::Config>::WeightInfo::verify_proof(INPUTS);
		let (fee, verification) =
			(pod.fee(result(job, garbage())), TransactionPayment::weight_to_fee(weight));
		println!("a garbage proof costs {fee}, of which {verification} are its verification's");
		assert!(fee > verification);
		let before = parties.costs.fees(&pod);
		are_refused(parties, job, &[garbage(); 5]);
		// Bytes that are no points take less work, and cost as much.
		let nothing = ProofBytes([0; ProofBytes::SIZE]);
		let malformed = ProofsError::<Runtime>::MalformedProof;
		parties.is_refused(&pod, result(job, nothing), malformed);
		assert_eq!(parties.costs.fees(&pod) - before, 6 * fee);
		// The right one is still accepted, and free of charge.
		parties.does(&pod, valid_result(job, &pod.account));
		assert_eq!(parties.costs.fees(&pod) - before, 6 * fee);
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
		parties.is_refused(&rogue, call.clone(), JobsError::<Runtime>::NotPod);
		parties.is_refused(&stranger, call.clone(), PodsError::<Runtime>::NotRegistered);
		for who in [&rogue, &stranger] {
			assert_eq!(parties.costs.fees(who), who.fee(call.clone()));
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
		let own = opened(parties, request());
		take(parties, &thief, own);
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
fn a_sealed_output_is_paid_for_as_it_was_proved_and_stands_on_the_chain() {
	attack(|parties| {
		let pod = parties.pod.clone();
		let job = proving(parties);
		let proof = prove(job, &pod.account, &output(1));
		let element = |byte| OutputElements::truncate_from(vec![Scalar([byte; 32])]);
		let with = |output| pallet_jobs::Call::submit_result { job, proof, output };
		let invalid = ProofsError::<Runtime>::InvalidProof;
		parties.is_refused(&pod, with(element(8)), invalid);
		parties.is_refused(&pod, with(element(0xff)), ProofsError::<Runtime>::MalformedInput);
		for length in [0, 2] {
			let mismatch = JobsError::<Runtime>::OutputLengthMismatch;
			parties.is_refused(&pod, with(output(length)), mismatch);
		}
		are_refused(parties, job, &[prove(job, &pod.account, &element(8))]);

		parties.does(&pod, with(output(1)));
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
		let Outcome::Settled { output: delivered, .. } = Jobs::receipt(job).unwrap().outcome else {
			panic!("the job must be settled");
		};
		assert_eq!(delivered, output(1), "nobody can say that it was not delivered");
	});
}

#[test]
fn a_proof_of_another_input_or_model_is_refused() {
	attack(|parties| {
		let pod = parties.pod.clone();
		let job = proving(parties);
		let asked = Jobs::job(job).unwrap().request;
		let of = |request: JobRequest<_>, elements| {
			key().prove(&inputs_of(&request, job, &pod.account, &output(elements)))
		};
		let sealed = model(2, OutputVisibility::Sealed).id();
		let public = model(2, OutputVisibility::Public).id();
		let others = [
			of(JobRequest { input: InputCommitment([9; 32]), ..asked.clone() }, 1),
			of(JobRequest { output_key: Some(OutputKeyCommitment([9; 32])), ..asked.clone() }, 1),
			of(JobRequest { model: sealed, ..asked.clone() }, 1),
			of(JobRequest { model: public, output_key: None, ..asked.clone() }, 2),
			// The right statement, under a key of somebody else's model.
			second_key().prove(&public_inputs(job, &pod.account, &output(1))),
		];
		are_refused(parties, job, &others);
		parties.does(&pod, result(job, of(asked, 1)));
		parties.have_lost(&[(&pod, -pod_amount(PRICE - PRICE / 100))]);
	});
}
