// SPDX-License-Identifier: Apache-2.0

use super::circuit;
use crate::{mock::*, Error, Event, HoldReason, Jobs, Receipts};
use frame_support::{
	assert_noop, assert_ok,
	dispatch::{DispatchResultWithPostInfo, Pays},
	traits::{LockableCurrency, WithdrawReasons},
};
use proofpod_primitives::{
	job::{JobRequest, Outcome, PriceRamp, Receipt, Stage},
	statement::{JobStatement, OutputElements},
	GenesisHash, InputCommitment, JobId, OutputKeyCommitment, ProofBytes, Scalar,
};
use sp_runtime::{AccountId32, DispatchError};

type ProofsError = pallet_proofs::Error<Test>;

fn submit(
	who: AccountId32,
	job: JobId,
	proof: ProofBytes,
	output: OutputElements,
) -> DispatchResultWithPostInfo {
	JobMarket::submit_result(RuntimeOrigin::signed(who), job, proof, output)
}

/// Asserts that the pod's submission is refused at the full fee, changes nothing, and that the
/// valid one still settles.
fn refused(job: JobId, proof: ProofBytes, output: OutputElements, error: ProofsError) {
	let root = sp_io::storage::root(sp_runtime::StateVersion::V1);
	let refusal = submit(pod(), job, proof, output).unwrap_err();
	assert_eq!(refusal.error, error.into());
	assert_eq!(refusal.post_info.pays_fee, Pays::Yes);
	assert_eq!(refusal.post_info.actual_weight, None);
	assert_eq!(sp_io::storage::root(sp_runtime::StateVersion::V1), root);
	assert_ok!(settle(pod(), job));
	check();
}

#[test]
fn valid_proof_settles_free_of_charge() {
	ext().execute_with(|| {
		let job = open();
		go_to(5);
		lock(pod(), job).unwrap();
		acknowledge(pod(), job).unwrap();
		let statement = statement(job, &pod(), &output()).digest();
		go_to(9);
		events();
		let issuance = Balances::total_issuance();
		assert_eq!(settle(pod(), job).unwrap().pays_fee, Pays::No);
		// Two hundredths of 140, rounded down, are the market's.
		assert_eq!(
			events(),
			vec![Event::Settled {
				job,
				pod: pod(),
				client: client(),
				from: Stage::Proving,
				to: Stage::Settled,
				price: 140,
				fee: 2,
				refunded: 60 + DEPOSIT,
				statement,
			}]
		);
		assert_eq!(Balances::total_issuance(), issuance - 2);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - 140);
		assert_eq!(Balances::free_balance(pod()), ENDOWMENT - POD_BOND + 138);
		assert_eq!(held(HoldReason::JobDeposit, &client()), 0);
		assert_eq!(held(HoldReason::JobPayment, &client()), 0);
		assert_eq!(held(HoldReason::JobBond, &pod()), 0);
		let record = pod_record(&pod());
		assert_eq!((record.live_jobs, record.exposure, record.record.settled), (0, 0, 1));
		let model = sealed_model().id();
		assert_eq!((slots(job), jobs_of(model)), (vec![], 0));
		assert!(!Jobs::<Test>::contains_key(job));
		let outcome = Outcome::Settled { pod: pod(), price: 140, statement, output: output() };
		assert_eq!(
			Receipts::<Test>::get(job),
			Some(Receipt { client: client(), model, block: block(9), outcome })
		);
		check();
	});
}

#[test]
fn public_outputs_settle_too() {
	ext().execute_with(|| {
		let model = public_model().id();
		let job = open_with(JobRequest { model, output_key: None, ..request() });
		lock(pod(), job).unwrap();
		acknowledge(pod(), job).unwrap();
		let output: OutputElements = vec![Scalar([9; 32])].try_into().unwrap();
		assert_ok!(submit(pod(), job, proof(job, &pod(), &output), output));
		check();
	});
}

#[test]
fn only_the_price_of_the_lock_is_paid() {
	ext().execute_with(|| {
		let (cheap, dear) = (proving(), open());
		go_to(11);
		lock(pod(), dear).unwrap();
		acknowledge(pod(), dear).unwrap();
		assert_ok!(settle(pod(), cheap));
		assert_eq!(total(&client()), ENDOWMENT - 100);
		assert_ok!(settle(pod(), dear));
		assert_eq!(total(&client()), ENDOWMENT - 300);
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - 300);
		check();
	});
}

#[test]
fn client_that_is_its_own_pod_pays_the_markets_fee() {
	ext().execute_with(|| {
		register(client(), profile(*b"CH"));
		let job = open();
		lock(client(), job).unwrap();
		acknowledge(client(), job).unwrap();
		assert_ok!(submit(client(), job, proof(job, &client(), &output()), output()));
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - POD_BOND - 2);
		check();
	});
}

#[test]
fn a_market_without_a_fee_burns_nothing() {
	ext().execute_with(|| {
		MarketFee::set(0);
		let job = proving();
		let issuance = Balances::total_issuance();
		assert_ok!(settle(pod(), job));
		assert_eq!(total(&pod()), ENDOWMENT + 100);
		assert_eq!(Balances::total_issuance(), issuance);
		check();
	});
}

#[test]
fn what_lapses_have_cost_stays_lost() {
	ext().execute_with(|| {
		let job = locked();
		go_to(7);
		take(rival(), job);
		assert_ok!(settle(rival(), job));
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - 160 - FEE);
		check();
	});
}

#[test]
fn an_operators_submission_pays_its_pod() {
	ext().execute_with(|| {
		let job = proving();
		Pods::set_operator(RuntimeOrigin::signed(pod()), Some(operator())).unwrap();
		// The statement names the pod, whoever sends it.
		let own = proof(job, &operator(), &output());
		assert_noop!(submit(operator(), job, own, output()), ProofsError::InvalidProof);
		assert_ok!(submit(operator(), job, proof(job, &pod(), &output()), output()));
		assert_eq!(total(&pod()), ENDOWMENT + 98);
		assert_eq!(total(&operator()), ENDOWMENT);
		check();
	});
}

#[test]
fn last_tick_to_prove_is_the_deadlines_own() {
	ext().execute_with(|| {
		let (early, late) = (proving(), proving());
		go_to(36);
		assert_ok!(settle(pod(), early));
		go_to(37);
		let valid = proof(late, &pod(), &output());
		assert_noop!(submit(pod(), late, valid, output()), Error::<Test>::NotProving);
		check();
	});
}

#[test]
fn result_before_the_acknowledgement_is_refused() {
	ext().execute_with(|| {
		let job = open();
		let valid = proof(job, &pod(), &output());
		assert_noop!(submit(pod(), job, valid, output()), Error::<Test>::NotProving);
		lock(pod(), job).unwrap();
		assert_noop!(submit(pod(), job, valid, output()), Error::<Test>::NotProving);
	});
}

#[test]
fn stolen_proof_pays_nobody_else() {
	ext().execute_with(|| {
		let job = proving();
		let stolen = proof(job, &pod(), &output());
		assert_noop!(submit(rival(), job, stolen, output()), Error::<Test>::NotPod);
		assert_noop!(submit(client(), job, stolen, output()), PodsError::NotRegistered);
		assert_ok!(submit(pod(), job, stolen, output()));
	});
}

#[test]
fn proof_made_for_another_pod_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		refused(job, proof(job, &rival(), &output()), output(), ProofsError::InvalidProof);
	});
}

#[test]
fn proof_made_for_another_job_is_refused() {
	ext().execute_with(|| {
		let (first, second) = (proving(), proving());
		let replayed = proof(first, &pod(), &output());
		assert_ok!(submit(pod(), first, replayed, output()));
		refused(second, replayed, output(), ProofsError::InvalidProof);
	});
}

#[test]
fn proof_made_for_another_chain_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		let (pod, output) = (pod(), output());
		let elsewhere =
			JobStatement { genesis: GenesisHash([0; 32]), ..statement(job, &pod, &output) };
		let proof = circuit::prove(&elsewhere.public_inputs());
		refused(job, proof, output.clone(), ProofsError::InvalidProof);
	});
}

#[test]
fn proof_made_for_another_model_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		let (pod, output) = (pod(), output());
		let twin = JobStatement { model: twin_model().id(), ..statement(job, &pod, &output) };
		let proof = circuit::prove(&twin.public_inputs());
		refused(job, proof, output.clone(), ProofsError::InvalidProof);
	});
}

#[test]
fn proof_about_other_commitments_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		let (pod, output) = (pod(), output());
		let base = statement(job, &pod, &output);
		let others = [
			JobStatement { input: InputCommitment([3; 32]), ..base.clone() },
			JobStatement { output_key: Some(OutputKeyCommitment([3; 32])), ..base },
		];
		for other in others {
			let proof = circuit::prove(&other.public_inputs());
			assert_noop!(
				submit(pod.clone(), job, proof, output.clone()),
				ProofsError::InvalidProof
			);
		}
	});
}

#[test]
fn swapped_output_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		let valid = proof(job, &pod(), &output());
		let swapped: OutputElements = vec![output()[1], output()[0]].try_into().unwrap();
		refused(job, valid, swapped, ProofsError::InvalidProof);
	});
}

#[test]
fn output_that_is_no_canonical_scalar_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		let valid = proof(job, &pod(), &output());
		let broken: OutputElements = vec![Scalar([0xff; 32]), output()[1]].try_into().unwrap();
		refused(job, valid, broken, ProofsError::MalformedInput);
	});
}

#[test]
fn malformed_proof_is_refused() {
	ext().execute_with(|| {
		let job = proving();
		refused(job, ProofBytes([0; 192]), output(), ProofsError::MalformedProof);
	});
}

#[test]
fn output_must_have_the_models_length() {
	ext().execute_with(|| {
		let job = proving();
		let valid = proof(job, &pod(), &output());
		for elements in [0, 1, 3, 16] {
			let output: OutputElements = vec![Scalar([6; 32]); elements].try_into().unwrap();
			assert_noop!(submit(pod(), job, valid, output), Error::<Test>::OutputLengthMismatch);
		}
	});
}

#[test]
fn rerandomised_proof_pays_once() {
	ext().execute_with(|| {
		let job = proving();
		let first = proof(job, &pod(), &output());
		let second = circuit::rerandomise(5, &first);
		assert_ne!(first, second);
		assert_ok!(submit(pod(), job, second, output()));
		let paid = total(&pod());
		assert_noop!(submit(pod(), job, first, output()), Error::<Test>::JobNotFound);
		assert_noop!(submit(pod(), job, second, output()), Error::<Test>::JobNotFound);
		assert_eq!(total(&pod()), paid);
		check();
	});
}

#[test]
fn pod_may_leave_and_renew_its_key_while_it_proves() {
	ext().execute_with(|| {
		let job = proving();
		let origin = RuntimeOrigin::signed(pod());
		let renewed = proofpod_primitives::pod::PodProfile {
			encryption_key: proofpod_primitives::EncryptionKey([2; 32]),
			..profile(*b"FR")
		};
		Pods::update(origin.clone(), renewed).unwrap();
		Pods::leave(origin).unwrap();
		assert_ok!(settle(pod(), job));
		check();
	});
}

#[test]
fn model_stays_until_its_last_job_has_ended() {
	ext().execute_with(|| {
		let job = proving();
		let origin = RuntimeOrigin::signed(publisher());
		let model = sealed_model().id();
		Models::deprecate(origin.clone(), model).unwrap();
		let in_use = pallet_models::Error::<Test>::ModelInUse;
		assert_noop!(Models::remove(origin.clone(), model), in_use);
		assert_ok!(settle(pod(), job));
		assert_ok!(Models::remove(origin, model));
		check();
	});
}

#[test]
fn model_that_vanished_is_reported() {
	ext().execute_with(|| {
		let job = proving();
		let valid = proof(job, &pod(), &output());
		pallet_models::Models::<Test>::remove(sealed_model().id());
		assert_noop!(submit(pod(), job, valid, output()), Error::<Test>::ModelNotFound);
	});
}

#[test]
fn frozen_client_pays_all_the_same() {
	ext().execute_with(|| {
		let job = proving();
		Balances::set_lock(*b"everyth.", &client(), u128::MAX, WithdrawReasons::all());
		assert_ok!(settle(pod(), job));
		assert_eq!(total(&pod()), ENDOWMENT + 98);
		check();
	});
}

#[test]
fn client_without_free_balance_cannot_keep_its_pod_from_being_paid() {
	ext().execute_with(|| {
		let price = PriceRamp { min: 100, max: 104, ramp: 9 };
		let job = open_with(JobRequest { price, ..request() });
		take(pod(), job);
		empty(&client());
		assert_ok!(settle(pod(), job));
		assert_eq!(total(&pod()), ENDOWMENT + 98);
		assert_eq!(
			total(&client()),
			DEPOSIT + 4,
			"the deposit comes first, so the rest can follow"
		);
		check();
	});
}

#[test]
fn pod_without_free_balance_is_paid() {
	ext().execute_with(|| {
		let job = proving();
		empty(&pod());
		assert_ok!(settle(pod(), job));
		assert_eq!(Balances::free_balance(pod()), 148);
		check();
	});
}

#[test]
fn unknown_jobs_and_origins_are_refused() {
	ext().execute_with(|| {
		let job = proving();
		let valid = proof(job, &pod(), &output());
		assert_noop!(submit(pod(), JobId(7), valid, output()), Error::<Test>::JobNotFound);
		assert_noop!(
			JobMarket::submit_result(RuntimeOrigin::none(), job, valid, output()),
			DispatchError::BadOrigin
		);
	});
}
