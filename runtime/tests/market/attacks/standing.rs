// SPDX-License-Identifier: Apache-2.0

//! What can be tried with a pod's standing: bought reputation, prices that weigh it, failures made
//! up for, tags that are not true.

use super::{attack, opened, pod_amount, priced, take, Parties, DISCARD, PRICE};
use crate::{
	chain::{next_block, now, skip_ticks, Signer},
	scenario::{discard, lock, profile, request, valid_result},
};
use codec::Encode;
use pallet_jobs::Error as JobsError;
use pallet_pods::{AveragePrice, Error as PodsError};
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, RequiredTag},
	pod::{PodProfile, Tag, Tags},
	Tick,
};
use proofpod_runtime::{
	configs::market::{AttestationDepositBase, AttestationDepositPerByte, MinPrice},
	units::MILLI_POD,
	AccountId, Balance, Jobs, Pods, Runtime,
};
use sp_runtime::DispatchError;

/// Settles so many jobs of this price between the client and a pod; gives the pod's reputation.
fn settle_own(parties: &mut Parties, pod: &Signer, price: Balance, jobs: u32) -> u16 {
	for _ in 0..jobs {
		let job = opened(parties, priced(price, request()));
		take(parties, pod, job);
		parties.does(pod, valid_result(job, &pod.account));
	}
	Pods::reputation(pod.account.clone()).unwrap()
}

#[test]
fn reputation_bought_from_oneself_costs_a_hundredth_of_the_prices_that_give_it_weight() {
	attack(|parties| {
		let client = parties.client.clone();
		let [dear, cheap] = [parties.rogues[0].clone(), parties.rogues[1].clone()];
		// Cheap jobs weigh next to nothing, however many.
		let bought = settle_own(parties, &cheap, MinPrice::get(), 20);
		assert!(bought < 100, "{bought}");
		let fee = 20 * MinPrice::get() / 100;
		assert_eq!(parties.costs.lost(&client) + parties.costs.lost(&cheap), pod_amount(fee));
		let fees = parties.costs.fees(&client) + parties.costs.fees(&cheap);
		assert!(fees > fee, "transactions cost more than that");

		let before = parties.costs.lost(&client);
		let bought = settle_own(parties, &dear, PRICE, 20);
		assert!(bought > 600, "{bought}");
		assert_eq!(
			parties.costs.lost(&client) - before + parties.costs.lost(&dear),
			pod_amount(20 * PRICE / 100)
		);
	});
}

fn average() -> Balance {
	AveragePrice::<Runtime>::get()
}

#[test]
fn a_job_moves_the_average_by_less_than_a_four_hundredth_however_dear_it_is() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let mut fees = 0;
		for multiple in [4, 40, 900] {
			let before = average();
			settle_own(parties, &rogue, multiple * before, 1);
			// It counts as four times the average, with a weight of four fifths.
			let step = average() - before;
			assert_eq!(step, 3 * before * 4 / 5 / 1_024);
			assert!(400 * step < before);
			fees += multiple * before / 100;
		}
		// A cheap one lowers it by less than a thousandth of what is paid for it.
		for price in [MinPrice::get(), average() / 10, average() / 2] {
			let before = average();
			settle_own(parties, &rogue, price, 1);
			assert!(average() < before && 1_024 * (before - average()) < price);
			fees += price / 100;
		}
		let together = parties.costs.lost(&client) + parties.costs.lost(&rogue);
		assert_eq!(together, pod_amount(fees));
	});
}

#[test]
fn doubling_the_average_costs_a_hundredth_of_1710_times_of_it() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let (start, mut jobs, mut paid, mut burned) = (average(), 0, 0, 0);
		while average() < 2 * start {
			// No other price does it for less.
			let price = 4 * average();
			settle_own(parties, &rogue, price, 1);
			(jobs, paid, burned) = (jobs + 1, paid + price, burned + price / 100);
			// A few in a block, so that fees do not rise.
			if jobs % 8 == 0 {
				next_block();
			}
		}
		assert!((1_705..1_715).contains(&(paid / start)), "{paid}");
		let together = parties.costs.lost(&client) + parties.costs.lost(&rogue);
		assert_eq!(together, pod_amount(burned));
		let fees = parties.costs.fees(&client) + parties.costs.fees(&rogue);
		println!("{jobs} jobs burned {} mPOD, and {} fees", burned / MILLI_POD, fees / MILLI_POD);
	});
}

#[test]
fn jobs_make_up_for_a_failure_when_they_come_to_its_price() {
	attack(|parties| {
		let client = parties.client.clone();
		let [cheap, dear, patient] = [0, 1, 2].map(|index| parties.rogues[index].clone());
		let fail = |parties: &mut Parties, pod: &Signer| {
			let job = opened(parties, request());
			take(parties, pod, job);
			parties.does(pod, discard(job));
		};
		let plays = [(&cheap, PRICE / 2, 1), (&dear, PRICE, 1), (&patient, PRICE / 2, 2)];
		for (pod, price, jobs) in plays {
			fail(parties, pod);
			settle_own(parties, pod, price, jobs);
			fail(parties, pod);
			let earned = pod_amount(price - price / 100) * i128::from(jobs);
			parties.have_lost(&[(pod, pod_amount(2 * DISCARD) - earned)]);
		}
		let job = opened(parties, request());
		parties.is_refused(&cheap, lock(job), PodsError::<Runtime>::PodIsSuspended);
		for pod in [&dear, &patient] {
			let job = opened(parties, request());
			parties.does(pod, lock(job));
		}
		let paid = pod_amount(PRICE / 2 + PRICE + PRICE);
		parties.have_lost(&[(&client, paid - pod_amount(6 * DISCARD / 2))]);
	});
}

#[test]
fn a_failure_counts_by_the_highest_price_however_low_the_lock_was() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let price = PriceRamp { min: MinPrice::get(), max: PRICE, ramp: 10 };
		let fail = |parties: &mut Parties| {
			let job = opened(parties, JobRequest { price, ..request() });
			take(parties, &rogue, job);
			assert_eq!(Jobs::view(job).unwrap().job.state.lock().unwrap().price, MinPrice::get());
			parties.does(&rogue, discard(job));
		};
		fail(parties);
		settle_own(parties, &rogue, MinPrice::get(), 1);
		fail(parties);
		let job = opened(parties, request());
		parties.is_refused(&rogue, lock(job), PodsError::<Runtime>::PodIsSuspended);
		let burned = 2 * (DISCARD / 2) + MinPrice::get() / 100;
		let together = parties.costs.lost(&client) + parties.costs.lost(&rogue);
		assert_eq!(together, pod_amount(burned));
	});
}

/// A tag, alone and as all that a pod has.
fn tag() -> (Tag, Tags) {
	let tag: Tag = b"iso-27001".to_vec().try_into().unwrap();
	(tag.clone(), vec![tag].try_into().unwrap())
}

/// A request for pods that carry the tag by this issuer's word.
fn attested_by(issuer: &Signer) -> JobRequest<AccountId> {
	let required = RequiredTag { tag: tag().0, attested_by: Some(issuer.account.clone()) };
	let mut asked = request();
	asked.requirements.tags = vec![required].try_into().unwrap();
	asked
}

#[test]
fn a_tag_that_a_pod_gives_itself_is_no_attestation_and_an_old_one_counts_no_more() {
	attack(|parties| {
		let (rogue, issuer) = (parties.rogues[0].clone(), parties.stranger.clone());
		let tags = tag().1;
		let job = opened(parties, attested_by(&issuer));
		let refused = DispatchError::from(JobsError::<Runtime>::RequirementsNotMet);

		// Its own word, as a profile and as an attestation.
		let profile = PodProfile { tags: tags.clone(), ..profile(9) };
		parties.does(&rogue, pallet_pods::Call::update { profile });
		let attest = |expires| pallet_pods::Call::attest {
			pod: rogue.account.clone(),
			tags: tags.clone(),
			expires: Tick(expires),
		};
		parties.does(&rogue, attest(now() + 100));
		parties.is_refused(&rogue, lock(job), refused);

		parties.does(&issuer, attest(now() + 5));
		skip_ticks(5);
		parties.is_refused(&rogue, lock(job), refused);
		parties.does(&issuer, attest(now() + 5));
		parties.does(&rogue, lock(job));
		let pod = rogue.account.clone();
		parties.does(&issuer, pallet_pods::Call::revoke { pod });
		parties.have_lost(&[(&issuer, 0)]);
	});
}

#[test]
fn a_liars_word_counts_for_those_alone_who_named_the_liar_and_until_it_is_revoked() {
	attack(|parties| {
		let (client, liar) = (parties.client.clone(), parties.stranger.clone());
		let [rogue, trusted] = [parties.rogues[0].clone(), parties.rogues[1].clone()];
		let (pod, tags) = (rogue.account.clone(), tag().1);
		let deposit = AttestationDepositPerByte::get() * tags.encoded_size() as Balance;
		let [named, other, late] =
			[&liar, &trusted, &liar].map(|issuer| opened(parties, attested_by(issuer)));
		let refused = DispatchError::from(JobsError::<Runtime>::RequirementsNotMet);

		let attest = pallet_pods::Call::attest { pod: pod.clone(), tags, expires: Tick(u32::MAX) };
		parties.does(&liar, attest);
		assert_eq!(liar.held(), AttestationDepositBase::get() + deposit);
		parties.is_refused(&rogue, lock(other), refused);
		take(parties, &rogue, named);
		parties.does(&liar, pallet_pods::Call::revoke { pod });
		parties.is_refused(&rogue, lock(late), refused);
		// What it has locked it may finish.
		parties.does(&rogue, valid_result(named, &rogue.account));
		assert_eq!(liar.held(), 0);
		parties.have_lost(&[
			(&liar, 0),
			(&client, pod_amount(PRICE)),
			(&rogue, -pod_amount(PRICE - PRICE / 100)),
		]);
	});
}
