// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{clock::Ticks, pod::Region, InputCommitment, ModelId};
use proptest::prelude::*;

const KEY: EncryptionKey = EncryptionKey([9; 32]);

fn job(state: StoredState<u8>) -> Job<u8> {
	Job {
		rules: JOB_RULES,
		client: 1,
		request: JobRequest {
			model: ModelId([0; 32]),
			input: InputCommitment([0; 32]),
			output_key: None,
			price: PriceRamp { min: 10, max: 110, ramp: 10 },
			windows: Windows { lock: 20, acknowledge: 5, prove: 30, failover: 0 },
			requirements: Requirements::default(),
		},
		terms: JobTerms {
			bond: 50,
			missed_slash: 50,
			discard_slash: 10,
			client_share: 500,
			lapse_fee: 2,
			max_lapses: 3,
			deposit: 26,
			market_fee: 10,
		},
		opened: Tick(100),
		lapses: 0,
		failure: None,
		barred: Default::default(),
		state,
	}
}

fn lock(at: u32) -> Lock<u8> {
	job(StoredState::Open).lock_at(Tick(at), 2, 0, KEY)
}

fn failure() -> Failure<u8> {
	Failure { pod: 2, reason: FailureReason::Missed, slashed: 50, compensation: 25 }
}

fn with_failover(failover: Ticks, state: StoredState<u8>) -> Job<u8> {
	let mut job = job(state);
	job.request.windows.failover = failover;
	job
}

#[test]
fn open_job_expires_after_its_lock_deadline() {
	let job = job(StoredState::Open);
	assert_eq!(job.phase(Tick(120)), Phase::Open { undone: None });
	assert_eq!(job.phase(Tick(121)), Phase::Expired { lapsed: None, failed: false });
	assert_eq!(job.due_from(), Tick(121));
	assert_eq!(job.expired(), Outcome::Expired);
}

#[test]
fn unacknowledged_lock_lapses_back_to_open() {
	let claim = lock(110);
	let job = job(StoredState::Locked(claim));
	assert_eq!(job.phase(Tick(115)), Phase::Locked(&claim));
	assert_eq!(job.phase(Tick(116)), Phase::Open { undone: Some(Undone::Lapsed(&claim)) });
	assert_eq!(job.phase(Tick(121)), Phase::Expired { lapsed: Some(&claim), failed: false });
	assert_eq!(job.due_from(), Tick(116));
}

#[test]
fn a_job_expires_with_its_last_lapse() {
	let claim = lock(110);
	let second = Job { lapses: 1, ..job(StoredState::Locked(claim)) };
	assert_eq!(second.phase(Tick(116)), Phase::Open { undone: Some(Undone::Lapsed(&claim)) });
	let third = Job { lapses: 2, ..job(StoredState::Locked(claim)) };
	assert_eq!(third.phase(Tick(116)), Phase::Expired { lapsed: Some(&claim), failed: false });
	assert_eq!((third.deposit_held(), third.terms.deposit_after(3)), (22, 20));
}

#[test]
fn lock_near_the_deadline_still_has_its_whole_window() {
	let claim = lock(120);
	let job = job(StoredState::Locked(claim));
	assert_eq!(job.phase(Tick(125)), Phase::Locked(&claim));
	assert_eq!(job.phase(Tick(126)), Phase::Expired { lapsed: Some(&claim), failed: false });
	assert_eq!(job.due_from(), Tick(126));
}

#[test]
fn acknowledged_job_is_missed_after_its_prove_deadline() {
	let claim = lock(110);
	let job = job(StoredState::Proving(claim));
	assert_eq!(claim.prove_by, Tick(145));
	assert_eq!(job.phase(Tick(145)), Phase::Proving(&claim));
	assert_eq!(job.phase(Tick(146)), Phase::Missed(&claim));
}

#[test]
fn giving_up_costs_ever_more_until_it_costs_what_a_miss_does() {
	let claim = lock(110);
	let job = job(StoredState::Proving(claim));
	let JobTerms { discard_slash: least, missed_slash: most, .. } = job.terms;
	assert_eq!((claim.acknowledge_by, claim.prove_by), (Tick(115), Tick(145)));
	let at = |tick| job.discard_slash_at(&claim, Tick(tick));
	assert_eq!((at(110), at(115)), (least, least));
	assert_eq!(at(130), least + (most - least) / 2);
	assert_eq!((at(145), at(u32::MAX)), (most, most));
	assert!((115..145).all(|tick| at(tick) < at(tick + 1)));
	let before = Job { rules: 2, ..job.clone() };
	assert_eq!(before.discard_slash_at(&claim, Tick(145)), least);
}

#[test]
fn missed_job_opens_again_where_the_client_asked_for_it() {
	let claim = lock(110);
	let missed = with_failover(80, StoredState::Proving(claim));
	assert_eq!(missed.phase(Tick(146)), Phase::Open { undone: Some(Undone::Missed(&claim)) });
	assert_eq!(missed.phase(Tick(180)), Phase::Open { undone: Some(Undone::Missed(&claim)) });
	assert_eq!(missed.phase(Tick(181)), Phase::Missed(&claim));
	let reopened = Job { failure: Some(failure()), ..with_failover(80, StoredState::Open) };
	assert_eq!(reopened.phase(Tick(180)), Phase::Open { undone: None });
	assert_eq!(reopened.phase(Tick(181)), Phase::Expired { lapsed: None, failed: true });
	let outcome = reopened.expired();
	assert_eq!(outcome.stage(), Stage::Failed, "what became of the first pod stays");
}

#[test]
fn price_rises_from_min_to_max() {
	let job = job(StoredState::Open);
	assert_eq!(job.price_at(Tick(100)), 10);
	assert_eq!(job.price_at(Tick(105)), 60);
	assert_eq!(job.price_at(Tick(110)), 110);
	assert_eq!(job.price_at(Tick(u32::MAX)), 110);
}

#[test]
fn requirements_admit_by_account_region_reputation_and_tags() {
	let regions = |codes: &[&[u8; 2]]| codes.iter().map(|code| Region(**code)).collect::<Vec<_>>();
	let admits = |requirements: &Requirements<u8>, pod, codes: &[&[u8; 2]], reputation| {
		requirements.admit(&pod, &regions(codes), reputation, |tag| tag.attested_by == Some(5))
	};
	let any = Requirements::<u8>::default();
	assert!(admits(&any, 1, &[b"CH"], 0));
	let hire = Requirements { pods: vec![7].try_into().unwrap(), ..any.clone() };
	assert!(admits(&hire, 7, &[b"CH"], 0) && !admits(&hire, 8, &[b"CH"], 0));
	let swiss = Requirements { regions: regions(&[b"CH"]).try_into().unwrap(), ..any.clone() };
	assert!(admits(&swiss, 7, &[b"CH"], 0) && !admits(&swiss, 7, &[b"DE"], 0));
	assert!(!admits(&swiss, 7, &[b"CH", b"DE"], 0), "it may read the input elsewhere");
	assert!(!admits(&swiss, 7, &[], 0));
	let proven = Requirements { min_reputation: 900, ..any.clone() };
	assert!(admits(&proven, 7, &[b"CH"], 900) && !admits(&proven, 7, &[b"CH"], 899));
	let tagged = |attested_by| Requirements {
		tags: vec![RequiredTag { tag: b"gpu".to_vec().try_into().unwrap(), attested_by }]
			.try_into()
			.unwrap(),
		..any.clone()
	};
	assert!(admits(&tagged(Some(5)), 7, &[b"CH"], 0) && !admits(&tagged(None), 7, &[b"CH"], 0));
}

/// Carries out what is due, as the chain does, at some moment; gives the outcome when that ends the
/// job.
fn carry_out(job: &mut Job<u8>, now: Tick) -> Option<Outcome<u8>> {
	let (missed, lapsed) = match job.phase(now) {
		Phase::Open { undone: Some(Undone::Missed(lock)) } => (Some(*lock), None),
		Phase::Open { undone: Some(Undone::Lapsed(lock)) } => (None, Some(*lock)),
		Phase::Open { undone: None } | Phase::Locked(_) | Phase::Proving(_) => return None,
		Phase::Expired { .. } => return Some(job.expired()),
		Phase::Missed(lock) => {
			let Failure { reason, slashed, compensation, .. } = failure();
			return Some(Outcome::Failed { pod: lock.pod, reason, slashed, compensation });
		},
	};
	job.lapses += u8::from(lapsed.is_some());
	job.failure = missed.map(|lock| Failure { pod: lock.pod, ..failure() }).or(job.failure);
	job.state = StoredState::Open;
	None
}

prop_compose! {
	fn jobs()(
		stored in 0u8..3,
		locked_at in 100u32..=180,
		failover in prop::sample::select(vec![0, 60, 90]),
		lapses in 0u8..3,
		failed in any::<bool>(),
	) -> Job<u8> {
		let claim = lock(locked_at);
		let job = with_failover(failover, match stored {
			0 => StoredState::Open,
			1 => StoredState::Locked(claim),
			_ => StoredState::Proving(claim),
		});
		Job { lapses, failure: (failed && failover > 0).then(failure), ..job }
	}
}

proptest! {
	#[test]
	fn price_is_monotone_and_within_bounds(
		min: u128,
		max: u128,
		ramp: u32,
		a: u32,
		b: u32,
	) {
		let ramp = PriceRamp { min: min.min(max), max: min.max(max), ramp };
		let (early, late) = (ramp.after(a.min(b)), ramp.after(a.max(b)));
		prop_assert!(ramp.min <= early && early <= late && late <= ramp.max);
	}

	#[test]
	fn shares_lose_nothing(amount: u128, thousandths: u16) {
		let terms = job(StoredState::Open).terms;
		let terms = JobTerms { client_share: thousandths, market_fee: thousandths, ..terms };
		for (share, rest) in [terms.split(amount), terms.fee(amount)] {
			prop_assert_eq!(share.checked_add(rest), Some(amount));
		}
	}

	#[test]
	fn something_is_due_exactly_when_the_agenda_says(job in jobs(), now in 100u32..300) {
		prop_assert_eq!(job.phase(Tick(now)).is_due(), Tick(now) >= job.due_from());
	}

	/// Carrying out what is due at one moment or at another changes neither the end nor what holds
	/// then.
	#[test]
	fn it_does_not_matter_when_what_is_due_is_carried_out(
		job in jobs(),
		mut moments in prop::collection::vec(100u32..400, 0..6),
	) {
		moments.sort_unstable();
		let (mut prompt, mut ended) = (job.clone(), None);
		for now in moments.into_iter().map(Tick) {
			let late = job.phase(now);
			if ended.is_none() {
				prop_assert_eq!(prompt.phase(now).stage(), late.stage());
				ended = carry_out(&mut prompt, now);
				if ended.is_none() {
					prop_assert!(!prompt.phase(now).is_due(), "it is done at once");
					prop_assert!(prompt.due_from() > now, "and has a place on the agenda to come");
				}
			}
			if let Some(outcome) = &ended {
				prop_assert_eq!(carry_out(&mut job.clone(), now), Some(outcome.clone()));
			}
		}
	}
}
