// SPDX-License-Identifier: Apache-2.0

//! What the jobs pallet asks and tells.

use super::*;
use crate::{
	market::next_average, AveragePrice, Discipline, Error, Event, JobEnd, SuspensionReason,
};
use frame_support::assert_noop;
use proofpod_primitives::{pod::TrackRecord, Balance};
use proptest::prelude::*;

/// A job with this bond comes, and ends at once.
fn job(bond: Balance, end: JobEnd, price: Balance) {
	Pods::job_locked(&CAROL, bond);
	Pods::job_ended(&CAROL, bond, end, price);
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
		Pods::job_ended(&CAROL, 2_000, JobEnd::Released, 10);
		assert_ok!(Pods::admit(&CAROL, 3_000));
		assert_noop!(Pods::admit(&DAVE, 0), Error::<Test>::NotRegistered);
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
		Pods::job_ended(&CAROL, 3_000, JobEnd::Settled, 10);
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
				Pods::job_ended(&CAROL, 7, end, 100);
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
		Pods::job_ended(&CAROL, 5, JobEnd::Released, 1);
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
		});
		job(0, JobEnd::Missed, 1);
		assert_eq!(record().faults, u8::MAX);
		job(0, JobEnd::Settled, 1);
		assert_eq!(record().record.settled, u32::MAX);
	});
}

#[test]
fn accounts_that_are_no_pods_are_left_alone() {
	build_and_execute(|| {
		Pods::seen(&DAVE);
		Pods::job_locked(&DAVE, 1);
		Pods::job_ended(&DAVE, 1, JobEnd::Missed, 1);
		assert_eq!(Pods::pod(DAVE), None);
		assert_eq!(crate::Pods::<Test>::count(), 0);
	});
}

#[test]
fn deadlines_missed_in_a_row_suspend_for_longer_and_longer() {
	build_and_execute(|| {
		registered();
		job(1, JobEnd::Missed, 1);
		assert_eq!(state(), PodState::Live, "one miss is forgiven");
		assert!(take_events().is_empty());
		let mut now = 1;
		// Ten ticks, twice as many, and then as many as there may be at most.
		for term in [10, 20, 35, 35] {
			job(1, JobEnd::Missed, 1);
			assert_eq!(state(), suspended(now + term));
			let [Event::PodSuspended { pod, to, reason, .. }] = &take_events()[..] else {
				panic!("there must be one event");
			};
			assert_eq!(
				(pod, to, reason),
				(&CAROL, &suspended(now + term), &SuspensionReason::Missed)
			);
			assert_noop!(Pods::admit(&CAROL, 0), Error::<Test>::PodIsSuspended);
			now += term;
			go_to(now);
			assert_ok!(Pods::admit(&CAROL, 0));
		}
	});
}

#[test]
fn a_settled_job_ends_the_row() {
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
fn what_a_client_can_cause_or_a_pod_admits_does_not_suspend() {
	build_and_execute(|| {
		registered();
		for end in [JobEnd::Unacknowledged, JobEnd::Discarded, JobEnd::Released] {
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
			Pods::job_ended(&CAROL, 1, JobEnd::Missed, 1);
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
		job(0, JobEnd::Settled, 6_500);
		assert_eq!(AveragePrice::<Test>::get(), 100 + 98);
	});
}

/// A flood of cheap jobs moves the average by no more than a sixty-fourth of what they cost.
#[test]
fn cheap_jobs_barely_move_the_average() {
	let mut average: Balance = 1_000_000;
	for _ in 0..10_000 {
		average = next_average(average, 100);
	}
	assert!(average > 1_000_000 - 10_000 * 100 / 64, "{average}");
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
