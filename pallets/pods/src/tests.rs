// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, pallet, Error, Event, HoldReason, JobEnd, PodRecord, PodStatus, WeightInfo};
use frame_support::{
	assert_noop, assert_ok,
	traits::{fungible::MutateHold, tokens::Precision},
};
use proofpod_primitives::{
	pod::{PodProfile, Region, TrackRecord},
	EncryptionKey,
};
use sp_runtime::{AccountId32, DispatchError, TokenError};

fn signed(who: AccountId32) -> RuntimeOrigin {
	RuntimeOrigin::signed(who)
}

/// Makes Carol's account a pod with key 1.
fn registered() {
	assert_ok!(Pods::register(signed(CAROL), profile(1)));
	System::reset_events();
}

/// Makes Carol's account a pod that leaves in block 1: it may withdraw from block 11.
fn leaving() {
	registered();
	assert_ok!(Pods::leave(signed(CAROL)));
	System::reset_events();
}

fn record() -> PodRecord {
	Pods::pod(CAROL).unwrap()
}

fn malformed() -> [PodProfile; 3] {
	[
		PodProfile { endpoint: b"pod.example".to_vec().try_into().unwrap(), ..profile(1) },
		PodProfile { encryption_key: EncryptionKey([0; 32]), ..profile(1) },
		PodProfile { region: Region(*b"c1"), ..profile(1) },
	]
}

mod register {
	use super::*;

	#[test]
	fn stores_the_profile_and_holds_the_bond() {
		build_and_execute(|| {
			assert_ok!(Pods::register(signed(CAROL), profile(1)));
			assert_eq!(held(&CAROL), 1_000);
			assert_eq!(
				Pods::pod(CAROL),
				Some(PodRecord {
					profile: profile(1),
					key_epoch: 0,
					bond: 1_000,
					status: PodStatus::Active,
					live_jobs: 0,
					record: TrackRecord::default(),
				})
			);
			assert_eq!(take_events(), [Event::PodRegistered { pod: CAROL, bond: 1_000 }]);
		});
	}

	#[test]
	fn fails_for_a_registered_pod() {
		build_and_execute(|| {
			registered();
			assert_noop!(
				Pods::register(signed(CAROL), profile(2)),
				Error::<Test>::AlreadyRegistered
			);
		});
	}

	#[test]
	fn fails_for_a_leaving_pod_until_it_has_withdrawn() {
		build_and_execute(|| {
			leaving();
			assert_noop!(Pods::register(signed(CAROL), profile(1)), Error::<Test>::PodIsLeaving);
			System::set_block_number(11);
			assert_noop!(Pods::register(signed(CAROL), profile(1)), Error::<Test>::PodIsLeaving);
			assert_ok!(Pods::withdraw(signed(CAROL)));
			assert_ok!(Pods::register(signed(CAROL), profile(1)));
		});
	}

	#[test]
	fn fails_for_a_malformed_profile() {
		build_and_execute(|| {
			for profile in malformed() {
				assert_noop!(
					Pods::register(signed(CAROL), profile),
					Error::<Test>::MalformedProfile
				);
			}
		});
	}

	#[test]
	fn fails_without_funds_for_the_bond() {
		build_and_execute(|| {
			assert_noop!(Pods::register(signed(POOR), profile(1)), TokenError::FundsUnavailable);
		});
	}

	#[test]
	fn fails_without_a_signature() {
		build_and_execute(|| {
			assert_noop!(
				Pods::register(RuntimeOrigin::root(), profile(1)),
				DispatchError::BadOrigin
			);
		});
	}
}

mod update {
	use super::*;

	#[test]
	fn keeps_the_epoch_with_the_key() {
		build_and_execute(|| {
			registered();
			let moved = PodProfile { region: Region(*b"DE"), ..profile(1) };
			assert_ok!(Pods::update(signed(CAROL), moved.clone()));
			assert_eq!((record().profile, record().key_epoch), (moved, 0));
			assert_eq!(take_events(), [Event::ProfileUpdated { pod: CAROL, key_epoch: 0 }]);
		});
	}

	#[test]
	fn begins_an_epoch_with_every_new_key() {
		build_and_execute(|| {
			registered();
			for (key, key_epoch) in [(2, 1), (2, 1), (3, 2), (1, 3)] {
				assert_ok!(Pods::update(signed(CAROL), profile(key)));
				assert_eq!((record().profile, record().key_epoch), (profile(key), key_epoch));
				assert_eq!(take_events(), [Event::ProfileUpdated { pod: CAROL, key_epoch }]);
			}
		});
	}

	#[test]
	fn works_for_a_leaving_pod_and_does_not_bring_it_back() {
		build_and_execute(|| {
			leaving();
			assert_ok!(Pods::update(signed(CAROL), profile(2)));
			assert_eq!(record().status, PodStatus::Leaving { withdrawable_from: 11 });
		});
	}

	#[test]
	fn fails_for_a_malformed_profile() {
		build_and_execute(|| {
			registered();
			for profile in malformed() {
				assert_noop!(Pods::update(signed(CAROL), profile), Error::<Test>::MalformedProfile);
			}
		});
	}

	#[test]
	fn fails_for_an_account_that_is_no_pod() {
		build_and_execute(|| {
			registered();
			assert_noop!(Pods::update(signed(DAVE), profile(1)), Error::<Test>::NotRegistered);
			assert_noop!(Pods::update(RuntimeOrigin::none(), profile(1)), DispatchError::BadOrigin);
		});
	}

	#[test]
	fn fails_when_epochs_run_out() {
		build_and_execute(|| {
			registered();
			pallet::Pods::<Test>::mutate_extant(CAROL, |record| record.key_epoch = u32::MAX);
			assert_noop!(Pods::update(signed(CAROL), profile(2)), Error::<Test>::TooManyKeyEpochs);
			assert_ok!(Pods::update(signed(CAROL), profile(1)));
		});
	}
}

mod leave {
	use super::*;

	#[test]
	fn starts_the_unbonding_period() {
		build_and_execute(|| {
			registered();
			System::set_block_number(5);
			assert_ok!(Pods::leave(signed(CAROL)));
			assert_eq!(record().status, PodStatus::Leaving { withdrawable_from: 15 });
			assert_eq!(held(&CAROL), 1_000, "the bond stays until it is withdrawn");
			assert_eq!(take_events(), [Event::PodLeaving { pod: CAROL, withdrawable_from: 15 }]);
		});
	}

	#[test]
	fn closes_the_pod_to_new_jobs() {
		build_and_execute(|| {
			leaving();
			assert_noop!(Pods::admit(&CAROL), Error::<Test>::PodIsLeaving);
		});
	}

	#[test]
	fn is_permitted_with_live_jobs() {
		build_and_execute(|| {
			registered();
			Pods::job_locked(&CAROL);
			assert_ok!(Pods::leave(signed(CAROL)));
			assert_eq!(record().live_jobs, 1);
		});
	}

	#[test]
	fn fails_twice_so_that_the_period_cannot_be_moved() {
		build_and_execute(|| {
			leaving();
			System::set_block_number(5);
			assert_noop!(Pods::leave(signed(CAROL)), Error::<Test>::PodIsLeaving);
		});
	}

	#[test]
	fn fails_for_an_account_that_is_no_pod() {
		build_and_execute(|| {
			assert_noop!(Pods::leave(signed(DAVE)), Error::<Test>::NotRegistered);
			assert_noop!(Pods::leave(RuntimeOrigin::none()), DispatchError::BadOrigin);
		});
	}
}

mod withdraw {
	use super::*;

	#[test]
	fn releases_the_bond_and_forgets_the_pod() {
		build_and_execute(|| {
			leaving();
			System::set_block_number(11);
			assert_ok!(Pods::withdraw(signed(CAROL)));
			assert_eq!(held(&CAROL), 0);
			assert_eq!(Balances::free_balance(CAROL), FUNDS);
			assert_eq!(Pods::pod(CAROL), None);
			assert_eq!(take_events(), [Event::PodWithdrawn { pod: CAROL, bond: 1_000 }]);
		});
	}

	#[test]
	fn releases_what_was_held_even_after_a_change_of_the_bond() {
		build_and_execute(|| {
			leaving();
			Bond::set(5);
			System::set_block_number(11);
			assert_ok!(Pods::withdraw(signed(CAROL)));
			assert_eq!(held(&CAROL), 0);
		});
	}

	#[test]
	fn fails_in_the_last_block_of_the_unbonding_period() {
		build_and_execute(|| {
			leaving();
			System::set_block_number(10);
			assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::StillUnbonding);
		});
	}

	#[test]
	fn fails_with_a_live_job() {
		build_and_execute(|| {
			registered();
			Pods::job_locked(&CAROL);
			assert_ok!(Pods::leave(signed(CAROL)));
			System::set_block_number(100);
			assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::LiveJobs);
			Pods::job_ended(&CAROL, JobEnd::Settled);
			assert_ok!(Pods::withdraw(signed(CAROL)));
		});
	}

	#[test]
	fn fails_for_an_active_pod() {
		build_and_execute(|| {
			registered();
			assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::NotLeaving);
		});
	}

	#[test]
	fn fails_for_an_account_that_is_no_pod() {
		build_and_execute(|| {
			assert_noop!(Pods::withdraw(signed(DAVE)), Error::<Test>::NotRegistered);
			assert_noop!(Pods::withdraw(RuntimeOrigin::root()), DispatchError::BadOrigin);
		});
	}
}

mod jobs {
	use super::*;

	#[test]
	fn active_pods_are_admitted() {
		build_and_execute(|| {
			registered();
			assert_eq!(Pods::admit(&CAROL), Ok(record()));
			assert_noop!(Pods::admit(&DAVE), Error::<Test>::NotRegistered);
		});
	}

	#[test]
	fn every_end_is_entered_under_its_own_name() {
		build_and_execute(|| {
			registered();
			let ends = [
				(JobEnd::Settled, 4),
				(JobEnd::Unacknowledged, 3),
				(JobEnd::Discarded, 2),
				(JobEnd::Missed, 1),
				(JobEnd::Released, 5),
			];
			for (end, times) in ends {
				for _ in 0..times {
					Pods::job_locked(&CAROL);
					assert_eq!(record().live_jobs, 1);
					Pods::job_ended(&CAROL, end);
					assert_eq!(record().live_jobs, 0);
				}
			}
			let expected = TrackRecord { settled: 4, unacknowledged: 3, discarded: 2, missed: 1 };
			assert_eq!(record().record, expected);
			assert_eq!(Pods::reputation(CAROL), Some(571));
			assert_eq!(Pods::reputation(DAVE), None);
		});
	}

	#[test]
	fn live_jobs_never_underflow() {
		build_and_execute(|| {
			registered();
			Pods::job_ended(&CAROL, JobEnd::Released);
			assert_eq!(record().live_jobs, 0);
		});
	}

	#[test]
	fn counters_stop_at_their_end() {
		build_and_execute(|| {
			registered();
			pallet::Pods::<Test>::mutate_extant(CAROL, |record| record.record.settled = u32::MAX);
			Pods::job_ended(&CAROL, JobEnd::Settled);
			assert_eq!(record().record.settled, u32::MAX);
		});
	}

	#[test]
	fn accounts_that_are_no_pods_are_left_alone() {
		build_and_execute(|| {
			Pods::job_locked(&DAVE);
			Pods::job_ended(&DAVE, JobEnd::Missed);
			assert_eq!(Pods::pod(DAVE), None);
		});
	}
}

mod try_state {
	use super::*;

	#[test]
	fn notices_a_bond_that_is_not_held() {
		build_and_execute(|| {
			registered();
			let change =
				|bond| pallet::Pods::<Test>::mutate_extant(CAROL, |record| record.bond = bond);
			change(999);
			assert_eq!(
				Pods::do_try_state(),
				Err("what is held from an account must be its pod's bond".into())
			);
			change(1_000);
		});
	}

	#[test]
	fn notices_a_hold_without_a_pod() {
		build_and_execute(|| {
			let reason = HoldReason::PodBond.into();
			assert_ok!(Balances::hold(&reason, &DAVE, 5));
			assert_eq!(
				Pods::do_try_state(),
				Err("what is held from an account must be its pod's bond".into())
			);
			assert_ok!(Balances::release(&reason, &DAVE, 5, Precision::Exact));
		});
	}
}

#[test]
fn estimated_weights_charge_for_storage() {
	use crate::weights::EstimatedWeight as Estimated;
	let write = <Test as frame_system::Config>::DbWeight::get().reads_writes(1, 1);
	for (with, without) in [
		(Estimated::<Test>::register(), <()>::register()),
		(Estimated::<Test>::update(), <()>::update()),
		(Estimated::<Test>::leave(), <()>::leave()),
		(Estimated::<Test>::withdraw(), <()>::withdraw()),
	] {
		assert!(with.all_gte(without + write), "{with:?}");
	}
}
