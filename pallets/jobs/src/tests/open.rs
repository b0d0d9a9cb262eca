// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs, NextJobId};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{BondTerms, Job, JobRequest, PriceRamp, Requirements, StoredState, Windows, JOB_RULES},
	pod::PrivacyTier,
	InputCommitment, JobId, ModelId, OutputKeyCommitment,
};
use sp_runtime::{AccountId32, DispatchError, TokenError};

/// The order of the scalar field, and the number below it.
const ORDER: [u8; 32] = order(0x01);
const BELOW_ORDER: [u8; 32] = order(0x00);

const fn order(lowest: u8) -> [u8; 32] {
	[
		lowest, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xfe, 0x5b, 0xfe, 0xff, 0x02, 0xa4, 0xbd, 0x53,
		0x05, 0xd8, 0xa1, 0x09, 0x08, 0xd8, 0x39, 0x33, 0x48, 0x7d, 0x9d, 0x29, 0x53, 0xa7, 0xed,
		0x73,
	]
}

fn try_open(request: JobRequest<AccountId32>) -> sp_runtime::DispatchResult {
	JobMarket::open(RuntimeOrigin::signed(client()), request)
}

fn priced(min: u128, max: u128) -> JobRequest<AccountId32> {
	JobRequest { price: PriceRamp { min, max, ramp: 10 }, ..request() }
}

fn windowed(lock: u32, acknowledge: u32, prove: u32) -> JobRequest<AccountId32> {
	JobRequest { windows: Windows { lock, acknowledge, prove }, ..request() }
}

#[test]
fn opening_holds_the_highest_price_and_fixes_the_terms() {
	ext().execute_with(|| {
		go_to(3);
		assert_ok!(try_open(request()));
		let id = JobId(0);
		assert_eq!(
			Jobs::<Test>::get(id),
			Some(Job {
				rules: JOB_RULES,
				client: client(),
				request: request(),
				terms: BondTerms {
					bond: 50,
					missed_slash: 50,
					discard_slash: 13,
					client_share: 400
				},
				opened: 3,
				state: StoredState::Open,
			})
		);
		let model = sealed_model().id();
		assert_eq!(
			events(),
			vec![Event::Opened { job: id, client: client(), model, max_price: 200 }]
		);
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(total(&client()), ENDOWMENT);
		assert_eq!(jobs_of(model), 1);
		assert_eq!(slots(id), vec![24]);
		assert_eq!(NextJobId::<Test>::get(), JobId(1));
		check();
	});
}

#[test]
fn jobs_of_one_client_are_held_side_by_side() {
	ext().execute_with(|| {
		assert_eq!((open(), open()), (JobId(0), JobId(1)));
		assert_eq!(held(HoldReason::JobPayment, &client()), 400);
		check();
	});
}

#[test]
fn bond_is_a_share_of_the_price_above_the_floor() {
	ext().execute_with(|| {
		let bond = |max| Jobs::<Test>::get(open_with(priced(100, max))).unwrap().terms.bond;
		assert_eq!(bond(250), 50);
		assert_eq!(bond(251), 51, "a fifth of 251, rounded up");
		assert_eq!(bond(10_000), 2_000);
	});
}

#[test]
fn open_jobs_keep_the_terms_of_their_opening() {
	ext().execute_with(|| {
		let job = open();
		let terms = Jobs::<Test>::get(job).unwrap().terms;
		BondFloor::set(5_000);
		ClientShare::set(0);
		lock(pod(), job).unwrap();
		assert_eq!(held(HoldReason::JobBond, &pod()), terms.bond);
		assert_eq!(Jobs::<Test>::get(job).unwrap().terms, terms);
		check();
	});
}

#[test]
fn local_jobs_must_name_their_pods() {
	ext().execute_with(|| {
		let local = |pods: Vec<AccountId32>| JobRequest {
			requirements: Requirements {
				tier: PrivacyTier::Local,
				pods: pods.try_into().unwrap(),
				..Requirements::default()
			},
			..request()
		};
		assert_noop!(try_open(local(vec![])), Error::<Test>::LocalNeedsPods);
		assert_ok!(try_open(local(vec![pod()])));
	});
}

#[test]
fn malformed_prices_are_refused() {
	ext().execute_with(|| {
		assert_noop!(try_open(priced(0, 200)), Error::<Test>::MalformedPrice);
		assert_noop!(try_open(priced(201, 200)), Error::<Test>::MalformedPrice);
		assert_ok!(try_open(priced(200, 200)));
	});
}

#[test]
fn price_must_reach_the_chains_minimum() {
	ext().execute_with(|| {
		assert_noop!(try_open(priced(99, 200)), Error::<Test>::PriceTooLow);
		assert_ok!(try_open(priced(100, 200)));
	});
}

#[test]
fn windows_must_lie_within_the_chains_bounds() {
	ext().execute_with(|| {
		assert_noop!(try_open(windowed(1, 5, 30)), Error::<Test>::WindowTooShort);
		assert_noop!(try_open(windowed(20, 1, 30)), Error::<Test>::WindowTooShort);
		assert_noop!(try_open(windowed(20, 5, 1)), Error::<Test>::WindowTooShort);
		assert_noop!(try_open(windowed(51, 5, 30)), Error::<Test>::LockWindowTooLong);
		assert_noop!(try_open(windowed(20, 21, 30)), Error::<Test>::AcknowledgeWindowTooLong);
		assert_noop!(try_open(windowed(20, 5, 41)), Error::<Test>::ProveWindowTooLong);
		assert_noop!(try_open(windowed(u32::MAX, 5, 30)), Error::<Test>::LockWindowTooLong);
		assert_ok!(try_open(windowed(2, 2, 2)));
		assert_ok!(try_open(windowed(50, 20, 40)));
	});
}

#[test]
fn commitments_must_be_canonical_scalars() {
	ext().execute_with(|| {
		for bytes in [ORDER, [0xff; 32]] {
			let input = JobRequest { input: InputCommitment(bytes), ..request() };
			assert_noop!(try_open(input), Error::<Test>::MalformedCommitment);
			let output_key =
				JobRequest { output_key: Some(OutputKeyCommitment(bytes)), ..request() };
			assert_noop!(try_open(output_key), Error::<Test>::MalformedCommitment);
		}
		assert_ok!(try_open(JobRequest {
			input: InputCommitment(BELOW_ORDER),
			output_key: Some(OutputKeyCommitment(BELOW_ORDER)),
			..request()
		}));
	});
}

#[test]
fn output_key_is_given_exactly_when_the_output_is_sealed() {
	ext().execute_with(|| {
		let without = JobRequest { output_key: None, ..request() };
		assert_noop!(try_open(without.clone()), Error::<Test>::OutputKeyMismatch);
		let public = public_model().id();
		let with = JobRequest { model: public, ..request() };
		assert_noop!(try_open(with), Error::<Test>::OutputKeyMismatch);
		assert_ok!(try_open(JobRequest { model: public, ..without }));
	});
}

#[test]
fn model_must_take_jobs() {
	ext().execute_with(|| {
		let unknown = JobRequest { model: ModelId([8; 32]), ..request() };
		assert_noop!(try_open(unknown), pallet_models::Error::<Test>::ModelUnknown);
		Models::deprecate(RuntimeOrigin::signed(publisher()), sealed_model().id()).unwrap();
		assert_noop!(try_open(request()), pallet_models::Error::<Test>::ModelDeprecated);
	});
}

#[test]
fn client_must_cover_the_highest_price_and_stay_alive() {
	ext().execute_with(|| {
		let poor = account(20);
		Balances::force_set_balance(RuntimeOrigin::root(), poor.clone(), 200 + ED - 1).unwrap();
		let origin = RuntimeOrigin::signed(poor.clone());
		assert_noop!(JobMarket::open(origin.clone(), request()), TokenError::FundsUnavailable);
		Balances::force_set_balance(RuntimeOrigin::root(), poor, 200 + ED).unwrap();
		assert_ok!(JobMarket::open(origin, request()));
		check();
	});
}

#[test]
fn absurd_price_is_refused_without_overflow() {
	ext().execute_with(|| {
		assert_noop!(try_open(priced(100, u128::MAX)), TokenError::FundsUnavailable);
		assert_noop!(try_open(priced(u128::MAX, u128::MAX)), TokenError::FundsUnavailable);
	});
}

#[test]
fn numbers_of_jobs_never_wrap() {
	ext().execute_with(|| {
		NextJobId::<Test>::put(JobId(u64::MAX - 1));
		assert_ok!(try_open(request()));
		assert_noop!(try_open(request()), Error::<Test>::JobIdsExhausted);
		check();
	});
}

#[test]
fn origin_must_be_signed() {
	ext().execute_with(|| {
		for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
			assert_noop!(JobMarket::open(origin, request()), DispatchError::BadOrigin);
		}
	});
}
