// SPDX-License-Identifier: Apache-2.0

//! What malicious pods try.

use super::{attack, opened, pod_amount, priced, take, Parties, DISCARD, LAPSE, PRICE};
use crate::{
	chain::{next_block, now, pass_ticks, skip_ticks, Signer},
	scenario::{
		acknowledge, cancel, discard, lock, poke, profile, register, release, request,
		request_with_failover, valid_result,
	},
};
use pallet_jobs::Error as JobsError;
use pallet_pods::Error as PodsError;
use proofpod_primitives::{
	job::{JobRequest, Outcome, PriceRamp, Stage, Windows},
	JobId, Tick,
};
use proofpod_runtime::{
	configs::market::{HeartbeatPeriod, MaxExposure, MinPrice, PodBond, PodUnbondingPeriod},
	units::POD,
	Balance, Jobs, Pods, Runtime,
};
use sp_runtime::DispatchError;

fn stage(job: JobId) -> Stage {
	match Jobs::view(job) {
		Some(view) => view.stage,
		None => Jobs::receipt(job).unwrap().outcome.stage(),
	}
}

#[test]
fn squatting_costs_the_pod_what_it_costs_the_client_and_works_once() {
	attack(|parties| {
		let (client, pod, stranger) =
			(parties.client.clone(), parties.pod.clone(), parties.stranger.clone());
		let rogue = parties.rogues[0].clone();
		let job = opened(parties, request());
		parties.does(&rogue, lock(job));
		pass_ticks(11);
		// Nobody needs to be asked: the sweep has burned both fees.
		assert_eq!(stage(job), Stage::Open);
		parties.have_lost(&[(&client, pod_amount(LAPSE)), (&rogue, pod_amount(LAPSE))]);
		parties.is_refused(&rogue, lock(job), JobsError::<Runtime>::Barred);

		take(parties, &pod, job);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[
			(&client, pod_amount(PRICE + LAPSE)),
			(&pod, -pod_amount(PRICE - PRICE / 100)),
			(&rogue, pod_amount(LAPSE)),
			(&stranger, 0),
		]);
	});
}

#[test]
fn many_squatters_need_as_many_bonded_pods_and_cost_the_client_four_fees() {
	attack(|parties| {
		let (client, rogues) = (parties.client.clone(), parties.rogues.clone());
		let request = request();
		let job = opened(
			parties,
			JobRequest { windows: Windows { lock: 1_000, ..request.windows }, ..request },
		);
		for rogue in &rogues[..4] {
			assert!(rogue.held() >= PodBond::get(), "each has a bond of its own");
			parties.does(rogue, lock(job));
			pass_ticks(11);
		}
		assert_eq!(Jobs::receipt(job).unwrap().outcome, Outcome::Expired, "the fourth ends it");
		assert_eq!(client.held(), 0, "and all else is given back");
		parties.have_lost(&[(&client, pod_amount(4 * LAPSE))]);
		for rogue in &rogues[..4] {
			parties.have_lost(&[(rogue, pod_amount(LAPSE))]);
		}
		assert_eq!(4 * LAPSE, PRICE / 25, "at most a twenty-fifth of the price");
	});
}

#[test]
fn squatting_by_lock_and_release_costs_the_pod_alone() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let job = opened(parties, request());
		for rogue in parties.rogues.clone() {
			parties.does(&rogue, lock(job));
			parties.does(&rogue, release(job));
			parties.is_refused(&rogue, lock(job), JobsError::<Runtime>::Barred);
			parties.have_lost(&[(&rogue, pod_amount(LAPSE)), (&client, 0)]);
		}
		// All within one tick: the client has lost no time.
		take(parties, &pod, job);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&client, pod_amount(PRICE))]);
	});
}

#[test]
fn nine_pods_that_release_in_turn_hold_a_job_until_its_window_ends_for_a_fee_each() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let more: Vec<_> = (8..12).map(Signer::new).collect();
		register(&more);
		let pods: Vec<_> = parties.rogues.iter().cloned().chain(more).collect();
		assert_eq!(pods.len(), 9);
		let windows = Windows { lock: 119, ..request().windows };
		let job = opened(parties, JobRequest { windows, ..request() });
		let mut locks = 0;
		// Each holds it for the whole of the acknowledgement's window: ten ticks. The first is
		// barred while the list of eight has it.
		for rogue in pods.iter().cycle() {
			if stage(job) != Stage::Open {
				break;
			}
			parties.is_refused(&pod, discard(job), JobsError::<Runtime>::NotProving);
			parties.does(rogue, lock(job));
			skip_ticks(10);
			parties.does(rogue, release(job));
			locks += 1;
		}
		assert_eq!(locks, 12);
		assert_eq!(stage(job), Stage::Expired);
		next_block();
		assert_eq!(client.held(), 0, "all is given back, whenever it ends");
		let releases = |number: usize| if number < 3 { 2 } else { 1 };
		parties.have_lost(&[(&client, 0)]);
		for (number, rogue) in pods.iter().take(5).enumerate() {
			parties.have_lost(&[(rogue, releases(number) * pod_amount(LAPSE))]);
		}
	});
}

#[test]
fn squatting_by_acknowledging_pays_the_client_half_of_the_bond() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let (rogue, quitter) = (parties.rogues[0].clone(), parties.rogues[1].clone());
		let job = opened(parties, request_with_failover());
		take(parties, &rogue, job);
		pass_ticks(51);
		assert_eq!(stage(job), Stage::Open);
		let half = pod_amount(PRICE / 2);
		parties.have_lost(&[(&rogue, pod_amount(PRICE)), (&client, -half)]);

		take(parties, &quitter, job);
		parties.does(&quitter, discard(job));
		let compensation = half + pod_amount(DISCARD / 2);
		parties.have_lost(&[(&quitter, pod_amount(DISCARD)), (&client, -compensation)]);

		for rogue in [&rogue, &quitter] {
			parties.is_refused(rogue, lock(job), JobsError::<Runtime>::Barred);
		}
		take(parties, &pod, job);
		parties.does(&pod, valid_result(job, &pod.account));
		parties.have_lost(&[(&client, pod_amount(PRICE) - compensation)]);
	});
}

#[test]
fn keeping_a_job_and_giving_it_up_at_last_costs_what_a_miss_does() {
	attack(|parties| {
		let client = parties.client.clone();
		let kept = [(10, DISCARD), (30, DISCARD + (PRICE - DISCARD) / 2), (50, PRICE)];
		for ((ticks, slash), rogue) in kept.into_iter().zip(parties.rogues.clone()) {
			let of_client = parties.costs.lost(&client);
			let job = opened(parties, request());
			take(parties, &rogue, job);
			pass_ticks(ticks);
			parties.does(&rogue, discard(job));
			parties.have_lost(&[
				(&rogue, pod_amount(slash)),
				(&client, of_client - pod_amount(slash / 2)),
			]);
			next_block();
		}
	});
}

#[test]
fn squatting_ones_own_job_burns_both_fees() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let job = opened(parties, request());
		parties.does(&rogue, lock(job));
		pass_ticks(11);
		parties.does(&client, cancel(job));
		let together = parties.costs.lost(&client) + parties.costs.lost(&rogue);
		assert_eq!(together, pod_amount(2 * LAPSE));
	});
}

#[test]
fn slashing_oneself_burns_half_of_the_bond() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let together = |parties: &Parties| parties.costs.lost(&client) + parties.costs.lost(&rogue);
		let job = opened(parties, request());
		take(parties, &rogue, job);
		pass_ticks(51);
		assert_eq!(stage(job), Stage::Failed);
		assert_eq!(together(parties), pod_amount(PRICE / 2));
		let job = opened(parties, request());
		take(parties, &rogue, job);
		parties.does(&rogue, discard(job));
		assert_eq!(together(parties), pod_amount(PRICE / 2 + DISCARD / 2));
	});
}

#[test]
fn a_result_that_is_proved_and_withheld_costs_the_bond_of_which_the_client_has_half() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let job = opened(parties, request());
		take(parties, &rogue, job);
		let withheld = valid_result(job, &rogue.account);
		pass_ticks(51);
		parties.have_lost(&[(&rogue, pod_amount(PRICE)), (&client, -pod_amount(PRICE / 2))]);
		// Whatever it asks for the result elsewhere, the chain pays for it no more.
		parties.is_refused(&rogue, withheld, JobsError::<Runtime>::JobNotFound);
		assert_eq!((stage(job), client.held()), (Stage::Failed, 0));
	});
}

#[test]
fn leaving_does_not_escape_a_slash() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let stranger = parties.stranger.clone();
		let leave = || pallet_pods::Call::leave {};
		let withdraw = || pallet_pods::Call::withdraw {};
		let job = opened(parties, request());
		take(parties, &rogue, job);
		parties.does(&rogue, leave());
		parties.is_refused(&rogue, withdraw(), PodsError::<Runtime>::StillUnbonding);
		// Even if nobody sweeps or pokes for two days.
		skip_ticks(PodUnbondingPeriod::get());
		assert_eq!(stage(job), Stage::Failed, "it is over");
		parties.is_refused(&rogue, withdraw(), PodsError::<Runtime>::LiveJobs);
		parties.does(&stranger, poke(job));
		assert_eq!(parties.costs.fees(&stranger), 0, "whoever sees to it pays nothing");
		parties.does(&rogue, withdraw());
		assert_eq!(rogue.held(), 0);
		parties.have_lost(&[
			(&rogue, pod_amount(PRICE)),
			(&client, -pod_amount(PRICE / 2)),
			(&stranger, 0),
		]);
	});
}

#[test]
fn cheap_failures_cost_a_fifth_of_the_least_bond_each_and_pay_the_client() {
	attack(|parties| {
		let (client, pod) = (parties.client.clone(), parties.pod.clone());
		let cheapest = priced(MinPrice::get(), request_with_failover());
		let job = opened(parties, cheapest);
		for (failures, rogue) in (1u128..).zip(parties.rogues.clone()) {
			take(parties, &rogue, job);
			parties.does(&rogue, discard(job));
			parties.is_refused(&rogue, lock(job), JobsError::<Runtime>::Barred);
			parties.have_lost(&[
				(&rogue, pod_amount(POD / 5)),
				(&client, -pod_amount(failures * POD / 10)),
			]);
		}
		take(parties, &pod, job);
		parties.does(&pod, valid_result(job, &pod.account));
	});
}

#[test]
fn a_pod_cannot_promise_more_than_ten_times_its_bond() {
	attack(|parties| {
		let (client, rogue) = (parties.client.clone(), parties.rogues[0].clone());
		let most = PodBond::get() * Balance::from(MaxExposure::get());
		let price = most / 4;
		let jobs: Vec<_> = (0..5).map(|_| opened(parties, priced(price, request()))).collect();
		for job in &jobs[..4] {
			take(parties, &rogue, *job);
		}
		parties.is_refused(&rogue, lock(jobs[4]), PodsError::<Runtime>::Overcommitted);
		pass_ticks(51);
		parties.have_lost(&[(&rogue, pod_amount(most)), (&client, -pod_amount(most / 2))]);
		// And what it missed suspends it.
		let suspended = PodsError::<Runtime>::PodIsSuspended;
		let job = opened(parties, request());
		parties.is_refused(&rogue, lock(job), suspended);
	});
}

#[test]
fn a_lock_is_not_carried_out_at_a_worse_price() {
	attack(|parties| {
		let (pod, rogue) = (parties.pod.clone(), parties.rogues[0].clone());
		let ramp = PriceRamp { min: PRICE, max: 2 * PRICE, ramp: 10 };
		let job = opened(parties, JobRequest { price: ramp, ..request() });
		// Its transaction comes into a block earlier than it reckoned with.
		let call = || pallet_jobs::Call::lock { job, min_price: 15 * POD };
		parties.is_refused(&pod, call(), JobsError::<Runtime>::PriceBelowMinimum);
		pass_ticks(5);
		// Or another is faster: that costs the fee of a transaction.
		parties.does(&rogue, lock(job));
		parties.is_refused(&pod, call(), JobsError::<Runtime>::NotOpen);
		parties.have_lost(&[(&pod, 0)]);
		parties.does(&rogue, release(job));
		parties.does(&pod, call());
		assert_eq!(Jobs::view(job).unwrap().job.state.lock().unwrap().price, 15 * POD);
	});
}

#[test]
fn a_stolen_operators_key_loses_at_most_ten_bonds_in_all_and_takes_no_more_than_half_of_it() {
	attack(|parties| {
		let (thief, owner) = (parties.client.clone(), parties.pod.clone());
		let key = parties.stranger.clone();
		let operator = Some(key.account.clone());
		let name = || pallet_pods::Call::set_operator { operator: operator.clone() };
		parties.does(&owner, name());
		let most = PodBond::get() * Balance::from(MaxExposure::get());
		assert!(owner.total() > 5 * most, "there would be more to lose");

		// Fees, discards and misses, until nothing more may be at risk.
		let headroom = || Pods::pod_view(owner.account.clone()).unwrap().headroom;
		let mut rounds = 0;
		while headroom() > 0 {
			let left = headroom();
			let job = opened(parties, priced(left.min(most / 4), request_with_failover()));
			let bond = Jobs::view(job).unwrap().job.terms.bond;
			if bond > left {
				parties.is_refused(&key, lock(job), PodsError::<Runtime>::Overcommitted);
				break;
			}
			parties.does(&key, lock(job));
			match rounds % 3 {
				0 => parties.does(&key, release(job)),
				1 => {
					parties.does(&key, acknowledge(job));
					parties.does(&key, discard(job));
				},
				_ => {
					parties.does(&key, acknowledge(job));
					pass_ticks(51);
				},
			}
			rounds += 1;
			// Suspensions only delay the thief.
			let until = Pods::pod(owner.account.clone()).unwrap().suspended_until;
			skip_ticks(until.0.saturating_sub(now()));
		}
		assert!(rounds > 10, "{rounds}");
		// It owns nothing of the pod's, and cannot make the chain forget what it lost.
		let other = parties.rogues[0].account.clone();
		for call in [
			pallet_pods::Call::leave {},
			pallet_pods::Call::withdraw {},
			pallet_pods::Call::bond_more { amount: 0 },
			pallet_pods::Call::set_operator { operator: Some(other) },
			name(),
		] {
			parties.is_refused(&key, call, PodsError::<Runtime>::NotRegistered);
		}
		let lost = Pods::pod(owner.account.clone()).unwrap().lost;
		println!("in {rounds} rounds a thief lost the owner {} of {} POD", lost / POD, most / POD);
		assert!(lost <= most && lost > most - POD, "what is left is less than the least bond");
		parties.have_lost(&[(&owner, pod_amount(lost)), (&key, 0)]);
		let taken = -parties.costs.lost(&thief);
		assert!(taken > 0 && taken <= pod_amount(lost / 2), "{taken}");

		// The owner has a look, names another key, and goes on.
		let good = Signer::new(14);
		let operator = Some(good.account.clone());
		parties.does(&owner, pallet_pods::Call::set_operator { operator });
		assert_eq!(headroom(), most);
		let job = opened(parties, request());
		parties.is_refused(&key, lock(job), PodsError::<Runtime>::NotRegistered);
		take(parties, &good, job);
		parties.does(&good, valid_result(job, &owner.account));
	});
}

#[test]
fn a_pod_whose_own_key_works_goes_on_after_losses_when_it_says_so() {
	attack(|parties| {
		let pod = parties.pod.clone();
		let most = PodBond::get() * Balance::from(MaxExposure::get());
		let job = opened(parties, priced(most, request()));
		take(parties, &pod, job);
		pass_ticks(51);
		let job = opened(parties, request());
		parties.is_refused(&pod, lock(job), PodsError::<Runtime>::Overcommitted);
		parties.does(&pod, pallet_pods::Call::bond_more { amount: 0 });
		take(parties, &pod, job);
		parties.does(&pod, valid_result(job, &pod.account));
	});
}

#[test]
fn heartbeats_are_free_once_in_a_period_and_paid_for_or_refused_before() {
	attack(|parties| {
		let rogue = parties.rogues[0].clone();
		let heartbeat = || pallet_pods::Call::heartbeat {};
		parties.is_refused(&rogue, heartbeat(), PodsError::<Runtime>::TooEarly);
		skip_ticks(HeartbeatPeriod::get() / 2);
		let before = parties.costs.fees(&rogue);
		parties.does(&rogue, heartbeat());
		let paid = parties.costs.fees(&rogue);
		assert!(paid > before);
		skip_ticks(HeartbeatPeriod::get());
		parties.does(&rogue, heartbeat());
		assert_eq!(parties.costs.fees(&rogue), paid, "free when it is due");
		parties.is_refused(&rogue, heartbeat(), PodsError::<Runtime>::TooEarly);
	});
}

#[test]
fn a_pod_that_changes_its_key_keeps_the_one_it_locked_with_for_the_job() {
	attack(|parties| {
		let rogue = parties.rogues[0].clone();
		let job = opened(parties, request());
		parties.does(&rogue, lock(job));
		parties.does(&rogue, pallet_pods::Call::update { profile: profile(10) });
		let pinned = Jobs::view(job).unwrap().job.state.lock().unwrap().clone();
		assert_eq!((pinned.key_epoch, pinned.encryption_key), (0, profile(9).encryption_key));
	});
}

#[test]
fn names_of_others_cannot_be_taken_by_operators() {
	attack(|parties| {
		let (pod, rogue) = (parties.pod.clone(), parties.rogues[0].clone());
		let operator = Some(pod.account.clone());
		let call = pallet_pods::Call::set_operator { operator };
		parties.is_refused(&rogue, call, PodsError::<Runtime>::OperatorTaken);
		let (until, pod) = (Tick(now() + 1_000), pod.account.clone());
		let call = pallet_pods::Call::suspend { pod, until };
		parties.is_refused(&rogue, call, DispatchError::BadOrigin);
		next_block();
	});
}
