// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, HoldReason, Jobs, NextJobId};
use frame_support::{assert_noop, assert_ok};
use proofpod_primitives::{
	job::{
		Job, JobRequest, JobTerms, PriceRamp, RequiredTag, Requirements, Stage, StoredState,
		Windows, JOB_RULES,
	},
	pod::{PrivacyTier, Region},
	InputCommitment, JobId, ModelId, OutputKeyCommitment, Tick,
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
	let windows = Windows { lock, acknowledge, prove, failover: 0 };
	JobRequest { windows, ..request() }
}

fn with_failover(failover: u32) -> JobRequest<AccountId32> {
	JobRequest { windows: Windows { failover, ..request().windows }, ..request() }
}

#[test]
fn opening_holds_price_and_deposit_and_fixes_the_terms() {
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
				terms: JobTerms {
					bond: 50,
					missed_slash: 50,
					discard_slash: 13,
					client_share: 400,
					lapse_fee: FEE,
					max_lapses: 3,
					deposit: DEPOSIT,
					market_fee: 20,
				},
				opened: Tick(3),
				lapses: 0,
				failure: None,
				barred: Default::default(),
				state: StoredState::Open,
			})
		);
		let model = sealed_model().id();
		assert_eq!(
			events(),
			vec![Event::Opened {
				job: id,
				client: client(),
				model,
				to: Stage::Open,
				max_price: 200,
				deposit: DEPOSIT,
			}]
		);
		assert_eq!(held(HoldReason::JobPayment, &client()), 200);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT);
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
		assert_eq!(held(HoldReason::JobDeposit, &client()), 2 * DEPOSIT);
		assert_eq!(JobMarket::live_of(client()), 2);
		check();
	});
}

#[test]
fn a_client_has_so_many_jobs_and_no_more() {
	ext().execute_with(|| {
		MaxJobsPerClient::set(2);
		let (first, _) = (open(), open());
		assert_noop!(try_open(request()), Error::<Test>::TooManyJobs);
		let other = RuntimeOrigin::signed(account(4));
		assert_ok!(JobMarket::open(other, request()));
		cancel(client(), first).unwrap();
		let second = open();
		// What is overdue counts until somebody has done what is due.
		go_to(22);
		assert_noop!(try_open(request()), Error::<Test>::TooManyJobs);
		poke(second).unwrap();
		assert_ok!(try_open(request()));
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
fn a_lapses_fee_is_a_share_of_the_price_above_the_floor_and_the_deposit_covers_them_all() {
	ext().execute_with(|| {
		let terms = |max| Jobs::<Test>::get(open_with(priced(100, max))).unwrap().terms;
		assert_eq!((terms(200).lapse_fee, terms(200).deposit), (4, 30 + 3 * 4));
		assert_eq!((terms(201).lapse_fee, terms(201).deposit), (5, 30 + 3 * 5), "rounded up");
		assert_eq!((terms(10_000).lapse_fee, terms(10_000).deposit), (200, 30 + 3 * 200));
		check();
	});
}

#[test]
fn open_jobs_keep_the_terms_of_their_opening() {
	ext().execute_with(|| {
		let job = open();
		let terms = Jobs::<Test>::get(job).unwrap().terms;
		BondFloor::set(5_000);
		ClientShare::set(0);
		LapseFeeFloor::set(1_000);
		MaxLapses::set(1);
		JobDeposit::set(7);
		MarketFee::set(500);
		lock(pod(), job).unwrap();
		assert_eq!(held(HoldReason::JobBond, &pod()), terms.bond);
		go_to(7);
		poke(job).unwrap();
		assert_eq!(Jobs::<Test>::get(job).unwrap().terms, terms);
		assert_eq!(held(HoldReason::JobDeposit, &client()), DEPOSIT - FEE);
		take(rival(), job);
		settle(rival(), job).unwrap();
		assert_eq!(Balances::free_balance(client()), ENDOWMENT - FEE - 160);
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
		assert_noop!(try_open(windowed(20, 5, 2)), Error::<Test>::ProveWindowTooShort);
		assert_noop!(try_open(windowed(51, 5, 30)), Error::<Test>::LockWindowTooLong);
		assert_noop!(try_open(windowed(20, 21, 30)), Error::<Test>::AcknowledgeWindowTooLong);
		assert_noop!(try_open(windowed(20, 5, 41)), Error::<Test>::ProveWindowTooLong);
		assert_noop!(try_open(windowed(u32::MAX, 5, 30)), Error::<Test>::LockWindowTooLong);
		assert_ok!(try_open(windowed(2, 2, 3)));
		assert_ok!(try_open(windowed(50, 20, 40)));
	});
}

#[test]
fn a_failover_must_leave_time_to_lock_and_end() {
	ext().execute_with(|| {
		assert_noop!(try_open(with_failover(1)), Error::<Test>::FailoverTooShort);
		assert_noop!(try_open(with_failover(56)), Error::<Test>::FailoverTooShort);
		assert_noop!(try_open(with_failover(151)), Error::<Test>::FailoverTooLong);
		assert_noop!(try_open(with_failover(u32::MAX)), Error::<Test>::FailoverTooLong);
		assert_ok!(try_open(with_failover(0)));
		assert_ok!(try_open(with_failover(57)));
		assert_ok!(try_open(with_failover(150)));
		check();
	});
}

#[test]
fn required_regions_must_be_regions() {
	ext().execute_with(|| {
		for malformed in [*b"ch", *b"C1", [0xff, 0xfe]] {
			let regions = vec![Region(*b"CH"), Region(malformed)].try_into().unwrap();
			let requirements = Requirements { regions, ..Requirements::default() };
			let request = JobRequest { requirements, ..request() };
			assert_noop!(try_open(request), Error::<Test>::MalformedRegion);
		}
	});
}

#[test]
fn required_tags_must_be_tags() {
	ext().execute_with(|| {
		let tagged = |tags: &[&str]| {
			let required = |tag: &&str| RequiredTag {
				tag: tag.as_bytes().to_vec().try_into().unwrap(),
				attested_by: None,
			};
			let tags = tags.iter().map(required).collect::<Vec<_>>().try_into().unwrap();
			let requirements = Requirements { tags, ..Requirements::default() };
			JobRequest { requirements, ..request() }
		};
		for malformed in ["", "GPU", "a b"] {
			assert_noop!(try_open(tagged(&["gpu:h100", malformed])), Error::<Test>::MalformedTag);
		}
		assert_ok!(try_open(tagged(&["gpu:h100", "iso-27001"])));
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
fn client_must_cover_price_and_deposit_and_stay_alive() {
	ext().execute_with(|| {
		let (poor, needed) = (account(20), 200 + DEPOSIT + ED);
		Balances::force_set_balance(RuntimeOrigin::root(), poor.clone(), needed - 1).unwrap();
		let origin = RuntimeOrigin::signed(poor.clone());
		assert_noop!(JobMarket::open(origin.clone(), request()), TokenError::FundsUnavailable);
		Balances::force_set_balance(RuntimeOrigin::root(), poor, needed).unwrap();
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
