// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{Error, Event, JobEnd};
use frame_support::assert_noop;
use sp_runtime::DispatchError;

#[test]
fn releases_the_bond_and_forgets_the_pod_and_its_operator() {
	build_and_execute(|| {
		leaving();
		go_to(11);
		assert_ok!(Pods::withdraw(signed(CAROL)));
		assert_eq!(held(&CAROL), 0);
		assert_eq!(Balances::free_balance(CAROL), FUNDS);
		assert_eq!(Pods::pod(CAROL), None);
		assert_eq!(Pods::pod_view(CAROL), None);
		assert_noop!(Pods::acting(&HOT), Error::<Test>::NotRegistered);
		assert_eq!(
			take_events(),
			[Event::PodWithdrawn { pod: CAROL, from: leaving_from(11), bond: 1_000 }]
		);
	});
}

#[test]
fn releases_what_was_held_even_after_a_change_of_the_bond() {
	build_and_execute(|| {
		registered();
		assert_ok!(Pods::bond_more(signed(CAROL), 500));
		assert_ok!(Pods::leave(signed(CAROL)));
		Bond::set(5);
		go_to(11);
		assert_ok!(Pods::withdraw(signed(CAROL)));
		assert_eq!(held(&CAROL), 0);
	});
}

/// Whatever has happened to a pod, it can leave, and goes with its bond.
#[test]
fn is_reached_from_every_state() {
	let nothing: fn() = || {};
	let ways: [(&str, fn()); 8] = [
		("live", nothing),
		("silent", || go_to(1_000)),
		("suspended by administrators", || {
			assert_ok!(Pods::suspend(RuntimeOrigin::root(), CAROL, Tick(u32::MAX)));
		}),
		("suspended for misses", || {
			for _ in 0..3 {
				Pods::job_locked(&CAROL, 5);
				ended(&CAROL, 5, JobEnd::Missed, 10);
			}
		}),
		("fully committed", || {
			Pods::job_locked(&CAROL, 3_000);
			assert_ok!(Pods::leave(signed(CAROL)));
			ended(&CAROL, 3_000, JobEnd::Missed, 10);
		}),
		("without its operator", || Pods::set_operator(signed(HOT), None).unwrap()),
		("with a larger bond", || Pods::bond_more(signed(CAROL), 500).unwrap()),
		("attested", || {
			let tags = vec![tag("iso-27001")].try_into().unwrap();
			assert_ok!(Pods::attest(signed(ISSUER), CAROL, tags, Tick(u32::MAX)));
		}),
	];
	for (name, way) in ways {
		build_and_execute(|| {
			operated();
			way();
			let _ = Pods::leave(signed(CAROL));
			pallet_clock::Ticks::<Test>::mutate(|now| *now = now.after(10));
			assert_ok!(Pods::withdraw(signed(CAROL)));
			assert_eq!(Balances::free_balance(CAROL), FUNDS, "{name}");
			Pods::do_try_state().unwrap();
		});
	}
}

#[test]
fn fails_in_the_last_tick_of_the_unbonding_period() {
	build_and_execute(|| {
		leaving();
		go_to(10);
		assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::StillUnbonding);
	});
}

#[test]
fn fails_while_blocks_pass_and_time_stands_still() {
	build_and_execute(|| {
		leaving();
		System::set_block_number(1_000);
		assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::StillUnbonding);
	});
}

#[test]
fn fails_with_a_live_job() {
	build_and_execute(|| {
		registered();
		Pods::job_locked(&CAROL, 10);
		assert_ok!(Pods::leave(signed(CAROL)));
		go_to(100);
		assert_noop!(Pods::withdraw(signed(CAROL)), Error::<Test>::LiveJobs);
		ended(&CAROL, 10, JobEnd::Settled, 10);
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
fn fails_for_anyone_but_the_pod() {
	build_and_execute(|| {
		leaving();
		go_to(11);
		for other in [DAVE, HOT] {
			assert_noop!(Pods::withdraw(signed(other)), Error::<Test>::NotRegistered);
		}
		assert_noop!(Pods::withdraw(RuntimeOrigin::root()), DispatchError::BadOrigin);
	});
}
