// SPDX-License-Identifier: Apache-2.0

//! What the jobs pallet asks and tells.

use super::*;
use crate::{market::next_average, AveragePrice, Discipline, Error, Event, SuspensionReason};
use frame_support::assert_noop;
use proofpod_primitives::pod::TrackRecord;
use proptest::prelude::*;

/// A job with this bond comes, and ends at once.
fn job(bond: Balance, end: JobEnd, price: Balance) {
	Pods::job_locked(&CAROL, bond);
	ended(&CAROL, bond, end, price);
}

#[test]
fn a_pod_speaks_for_itself_and_its_operator_for_it() {
	build_and_execute(|| {
		operated();
		assert_eq!(Pods::acting(&CAROL), Ok(CAROL));
		assert_eq!(Pods::acting(&HOT), Ok(CAROL));
		assert_noop!(Pods::acting(&DAVE), Error::<Test>::NotRegistered);
	});
}

#[test]
fn pods_are_admitted_up_to_their_cap() {
	build_and_execute(|| {
		registered();
		assert_eq!(Pods::admit(&CAROL, 3_000), Ok(record()));
		assert_noop!(Pods::admit(&CAROL, 3_001), Error::<Test>::Overcommitted);
		Pods::job_locked(&CAROL, 2_000);
		assert_eq!(Pods::pod_view(CAROL).unwrap().headroom, 1_000);
		assert_ok!(Pods::admit(&CAROL, 1_000));
		assert_noop!(Pods::admit(&CAROL, 1_001), Error::<Test>::Overcommitted);
		ended(&CAROL, 2_000, JobEnd::Released, 10);
		assert_ok!(Pods::admit(&CAROL, 3_000));
		assert_noop!(Pods::admit(&DAVE, 0), Error::<Test>::NotRegistered);
	});
}

#[test]
fn what_jobs_have_lost_is_not_risked_again() {
	build_and_execute(|| {
		registered();
		for lost in [700, 500] {
			Pods::job_locked(&CAROL, 1_000);
			let job = EndedJob { end: JobEnd::Unacknowledged, bond: 1_000, lost, price: 1 };
			Pods::job_ended(&CAROL, job);
		}
		let view = Pods::pod_view(CAROL).unwrap();
		assert_eq!((view.record.lost, view.record.exposure, view.headroom), (1_200, 0, 1_800));
		assert_ok!(Pods::admit(&CAROL, 1_800));
		assert_noop!(Pods::admit(&CAROL, 1_801), Error::<Test>::Overcommitted);
		// Neither work nor time brings it back.
		job(1_000, JobEnd::Settled, 100);
		go_to(1_000);
		assert_noop!(Pods::admit(&CAROL, 1_801), Error::<Test>::Overcommitted);
	});
}

#[test]
fn a_smaller_cap_takes_no_job_away() {
	build_and_execute(|| {
		registered();
		Pods::job_locked(&CAROL, 3_000);
		MaxExposure::set(2);
		assert_eq!(Pods::pod_view(CAROL).unwrap().headroom, 0);
		assert_noop!(Pods::admit(&CAROL, 1), Error::<Test>::Overcommitted);
		ended(&CAROL, 3_000, JobEnd::Settled, 10);
		assert_ok!(Pods::admit(&CAROL, 2_000));
	});
}

#[test]
fn every_end_is_entered_under_its_own_name() {
	build_and_execute(|| {
		registered();
		SuspensionThreshold::set(200);
		let ends = [
			(JobEnd::Settled, 4),
			(JobEnd::Unacknowledged, 3),
			(JobEnd::Discarded, 2),
			(JobEnd::Missed, 1),
			(JobEnd::Released, 5),
		];
		for (end, times) in ends {
			for _ in 0..times {
				Pods::job_locked(&CAROL, 7);
				assert_eq!((record().live_jobs, record().exposure), (1, 7));
				ended(&CAROL, 7, end, 100);
				assert_eq!((record().live_jobs, record().exposure), (0, 0));
			}
		}
		let mut expected = TrackRecord {
			settled: 4,
			unacknowledged: 3,
			discarded: 2,
			missed: 1,
			..TrackRecord::default()
		};
		for proved in [true, true, true, true, false, false, false] {
			expected.note(proved, 500_000);
		}
		assert_eq!(record().record, expected);
		assert_eq!(Pods::reputation(CAROL), Some(expected.reputation()));
		assert!((300..400).contains(&expected.reputation()), "{}", expected.reputation());
		assert_eq!(Pods::reputation(DAVE), None);
	});
}

#[test]
fn neither_jobs_nor_exposure_underflow() {
	build_and_execute(|| {
		registered();
		ended(&CAROL, 5, JobEnd::Released, 1);
		assert_eq!((record().live_jobs, record().exposure), (0, 0));
	});
}

#[test]
fn counters_stop_at_their_end() {
	build_and_execute(|| {
		registered();
		tamper(|record| {
			record.record.settled = u32::MAX;
			record.faults = u8::MAX;
			record.lost = Balance::MAX;
		});
		job(0, JobEnd::Missed, 1);
		assert_eq!((record().faults, record().lost), (u8::MAX, Balance::MAX));
		job(0, JobEnd::Settled, 1);
		assert_eq!(record().record.settled, u32::MAX);
	});
}

#[test]
fn accounts_that_are_no_pods_are_left_alone() {
	build_and_execute(|| {
		Pods::seen(&DAVE);
		Pods::job_locked(&DAVE, 1);
		ended(&DAVE, 1, JobEnd::Missed, 1);
		assert_eq!(Pods::pod(DAVE), None);
		assert_eq!(crate::Pods::<Test>::count(), 0);
	});
}

#[test]
fn failures_in_a_row_suspend_for_longer_and_longer() {
	build_and_execute(|| {
		registered();
		job(1, JobEnd::Missed, 1);
		assert_eq!(state(), PodState::Live, "one miss is forgiven");
		assert!(take_events().is_empty());
		let mut now = 1;
		// Ten ticks, twice as many, and then as many as there may be at most.
		let ends = [JobEnd::Missed, JobEnd::Discarded, JobEnd::Discarded, JobEnd::Missed];
		for (term, end) in [10, 20, 35, 35].into_iter().zip(ends) {
			job(1, end, 1);
			assert_eq!(state(), suspended(now + term));
			let [Event::PodSuspended { pod, to, reason, .. }] = &take_events()[..] else {
				panic!("there must be one event");
			};
			assert_eq!(
				(pod, to, reason),
				(&CAROL, &suspended(now + term), &SuspensionReason::Failures)
			);
			assert_noop!(Pods::admit(&CAROL, 0), Error::<Test>::PodIsSuspended);
			now += term;
			go_to(now);
			assert_ok!(Pods::admit(&CAROL, 0));
		}
	});
}

#[test]
fn a_settled_job_makes_up_for_one_as_dear() {
	build_and_execute(|| {
		registered();
		for _ in 0..5 {
			job(1, JobEnd::Missed, 1);
			job(1, JobEnd::Settled, 1);
		}
		assert_eq!((record().faults, state()), (0, PodState::Live));
	});
}

#[test]
fn cheap_jobs_make_up_for_a_dear_one_only_when_they_come_to_as_much() {
	build_and_execute(|| {
		registered();
		for _ in 0..2 {
			job(1, JobEnd::Discarded, 90);
			job(1, JobEnd::Settled, 89);
			assert_eq!((record().faults, record().fault_price), (1, 1));
			job(1, JobEnd::Settled, 1);
			assert_eq!((record().faults, record().fault_price), (0, 0));
		}
		// A further failure is to be made up for whole.
		job(1, JobEnd::Missed, 10);
		job(1, JobEnd::Settled, 9);
		job(1, JobEnd::Missed, 10);
		assert_eq!((record().faults, record().fault_price), (2, 10));
		// What is not proved while suspended is no further fault, and as dear.
		job(1, JobEnd::Missed, 500);
		assert_eq!((record().faults, record().fault_price), (2, 500));
		job(1, JobEnd::Settled, 499);
		assert_eq!(record().faults, 2);
		job(1, JobEnd::Settled, 1);
		assert_eq!((record().faults, state()), (0, suspended(11)));
	});
}

#[test]
fn what_a_client_can_cause_does_not_suspend() {
	build_and_execute(|| {
		registered();
		for end in [JobEnd::Unacknowledged, JobEnd::Released] {
			for _ in 0..5 {
				job(1, end, 1);
			}
		}
		assert_eq!((record().faults, state()), (0, PodState::Live));
	});
}

#[test]
fn one_outage_is_punished_once() {
	build_and_execute(|| {
		registered();
		for _ in 0..10 {
			Pods::job_locked(&CAROL, 1);
		}
		for _ in 0..10 {
			ended(&CAROL, 1, JobEnd::Missed, 1);
		}
		assert_eq!((record().faults, state()), (2, suspended(11)));
		assert_eq!(record().record.missed, 10);
		assert_eq!(take_events().len(), 1);
	});
}

#[test]
fn misses_never_shorten_a_suspension() {
	build_and_execute(|| {
		registered();
		assert_ok!(Pods::suspend(RuntimeOrigin::root(), CAROL, Tick(500)));
		for _ in 0..5 {
			job(1, JobEnd::Missed, 1);
		}
		assert_eq!(state(), suspended(500));
	});
}

#[test]
fn the_average_follows_what_was_paid_and_nothing_else() {
	build_and_execute(|| {
		registered();
		assert_eq!(AveragePrice::<Test>::get(), 100);
		for end in [JobEnd::Missed, JobEnd::Discarded, JobEnd::Unacknowledged, JobEnd::Released] {
			job(0, end, 1_000_000);
		}
		assert_eq!(AveragePrice::<Test>::get(), 100);
		AveragePrice::<Test>::put(10_240);
		job(0, JobEnd::Settled, 3 * 10_240);
		assert_eq!(AveragePrice::<Test>::get(), 10_240 + 15);
	});
}

/// How much of the average, in thousandths, must be paid for jobs of `share` thousandths of it
/// until it has come to `target` thousandths of what it was.
fn cost_of_moving(share: Balance, target: Balance) -> Balance {
	const START: Balance = 1_000_000_000_000;
	let (mut average, mut paid) = (START, 0);
	let is_there = |average: Balance| match target > 1_000 {
		true => average >= START / 1_000 * target,
		false => average <= START / 1_000 * target,
	};
	while !is_there(average) {
		let price = average / 1_000 * share;
		paid += price;
		average = next_average(average, price);
	}
	paid / (START / 1_000)
}

#[test]
fn moving_the_average_takes_hundreds_of_times_its_worth() {
	// No price does it for less.
	let least = |shares: &[Balance], target| {
		shares.iter().map(|share| cost_of_moving(*share, target)).min().unwrap()
	};
	let doubling = least(&[1_500, 2_000, 3_000, 4_000, 5_000, 40_000], 2_000);
	let halving = least(&[10, 100, 500, 900], 500);
	println!(
		"doubling takes jobs for {doubling}, halving for {halving} thousandths of the average"
	);
	assert!((1_700_000..1_720_000).contains(&doubling), "{doubling}");
	assert!((515_000..530_000).contains(&halving), "{halving}");
}

#[test]
fn no_single_job_moves_the_average_far() {
	let average: Balance = 1_000_000;
	let most = average + average / 400;
	assert!(next_average(average, Balance::MAX) < most);
	assert_eq!(next_average(average, Balance::MAX), next_average(average, 4 * average));
}

#[test]
fn terms_double_up_to_the_longest() {
	let discipline = Discipline { threshold: 2, base: 600, most: 100_000 };
	let terms: Vec<_> = (0..=12).map(|faults| discipline.term(faults)).collect();
	assert_eq!(terms[..3], [None, None, Some(600)]);
	assert_eq!(terms[3..6], [Some(1_200), Some(2_400), Some(4_800)]);
	assert_eq!(terms[10..], [Some(100_000), Some(100_000), Some(100_000)]);
	assert_eq!(discipline.term(u8::MAX), Some(100_000));
}

proptest! {
	#[test]
	fn terms_never_shrink_and_never_exceed_the_longest(
		threshold in 1u8..,
		base in 1u32..,
		extra: u32,
		faults: u8,
	) {
		let discipline = Discipline { threshold, base, most: base.saturating_add(extra) };
		let term = discipline.term(faults);
		prop_assert_eq!(term.is_some(), faults >= threshold);
		prop_assert!(term.unwrap_or(base) >= base);
		prop_assert!(term <= Some(discipline.most));
		prop_assert!(faults == u8::MAX || discipline.term(faults + 1) >= term);
	}

	#[test]
	fn the_average_stays_between_itself_and_the_price(average: Balance, price: Balance) {
		let next = next_average(average, price);
		prop_assert!((average.min(price)..=average.max(price)).contains(&next));
	}
}
