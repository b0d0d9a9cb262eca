// SPDX-License-Identifier: Apache-2.0

use crate::{migrations::Start, mock::*, Event, HeldReason, Room as NeededRoom, Ticks};
use frame_support::{
	dispatch::DispatchClass,
	traits::{Hooks, OnRuntimeUpgrade, PostTransactions},
	weights::Weight,
};
use frame_system::BlockSize;
use proofpod_primitives::Tick;

/// What a block with this weight and length is: why it does not count, or nothing.
fn judge(weights: &[(u64, DispatchClass)], length: u32) -> Option<HeldReason> {
	frame_system::BlockWeight::<Test>::kill();
	for (weight, class) in weights {
		System::register_extra_weight_unchecked(Weight::from_parts(*weight, 0), *class);
	}
	BlockSize::<Test>::put(length);
	System::reset_events();
	let before = Clock::now();
	<Test as frame_system::Config>::PostTransactions::post_transactions();
	let held = System::events().into_iter().find_map(|record| match record.event {
		RuntimeEvent::Clock(Event::Held { reason }) => Some(reason),
		_ => None,
	});
	let passed = Clock::now().since(before);
	assert_eq!(passed, u32::from(held.is_none()), "a block counts, or says why not");
	held
}

/// Weight that leaves just enough of a limit for the room.
fn most(limit: u64) -> u64 {
	let base = Weights::get().get(DispatchClass::Normal).base_extrinsic.ref_time();
	limit - 2 * (10_000_000_000 + base)
}

#[test]
fn blocks_with_room_count() {
	build_and_execute(|| {
		assert_eq!(Clock::now(), Tick(0));
		assert_eq!(judge(&[], 0), None);
		assert_eq!(judge(&[(most(NORMAL), DispatchClass::Normal)], LENGTH - 2_000), None);
		assert_eq!(Clock::now(), Tick(2));
	});
}

#[test]
fn blocks_without_room_do_not_count() {
	build_and_execute(|| {
		let full = Some(HeldReason::Full);
		assert_eq!(judge(&[(most(NORMAL) + 1, DispatchClass::Normal)], 0), full);
		assert_eq!(judge(&[], LENGTH - 2_000 + 1), full);
		assert_eq!(judge(&[(u64::MAX, DispatchClass::Normal)], u32::MAX), full);
		assert_eq!(Clock::now(), Tick(0));
	});
}

#[test]
fn all_classes_together_can_fill_a_block() {
	build_and_execute(|| {
		let weights = |mandatory| {
			[
				(most(BLOCK) - mandatory, DispatchClass::Operational),
				(mandatory, DispatchClass::Mandatory),
			]
		};
		assert_eq!(judge(&weights(5_000), 0), None);
		let [operational, (mandatory, class)] = weights(5_000);
		assert_eq!(judge(&[operational, (mandatory + 1, class)], 0), Some(HeldReason::Full));
	});
}

#[test]
fn blocks_in_which_results_are_refused_do_not_count() {
	build_and_execute(|| {
		Clock::on_initialize(1);
		LetsThrough::set(false);
		assert_eq!(judge(&[], 0), Some(HeldReason::Halted), "from within the block on");
		Clock::on_initialize(2);
		LetsThrough::set(true);
		assert_eq!(judge(&[], 0), Some(HeldReason::Halted), "until within the block");
		Clock::on_initialize(3);
		assert_eq!(judge(&[], 0), None);
	});
}

#[test]
fn blocks_of_a_migration_do_not_count() {
	build_and_execute(|| {
		Migrates::set(true);
		Clock::on_initialize(1);
		// It ends in this block, which has let no transactions in all the same.
		Migrates::set(false);
		assert_eq!(judge(&[], 0), Some(HeldReason::Migrating));
		Clock::on_initialize(2);
		assert_eq!(judge(&[], 0), None);
	});
}

#[test]
fn the_decision_is_paid_for_at_the_beginning() {
	build_and_execute(|| {
		assert!(Clock::on_initialize(1).ref_time() > 0);
	});
}

#[test]
fn time_does_not_run_over() {
	build_and_execute(|| {
		crate::Ticks::<Test>::put(Tick(u32::MAX));
		frame_system::BlockWeight::<Test>::kill();
		Clock::post_transactions();
		assert_eq!(Clock::now(), Tick(u32::MAX));
	});
}

#[test]
#[should_panic(expected = "Room must leave half of a block")]
fn too_much_room_is_no_configuration() {
	build_and_execute(|| {
		Room::set(NeededRoom {
			transactions: 50,
			weight: Weight::from_parts(10_000_000_000, 0),
			length: 1_000,
		});
		Clock::integrity_test();
	});
}

#[test]
fn a_clock_starts_at_the_height_and_never_again() {
	build_and_execute(|| {
		System::set_block_number(77);
		Start::<Test>::on_runtime_upgrade();
		assert_eq!(Clock::now(), Tick(77));
		Ticks::<Test>::put(Tick(80));
		System::set_block_number(100);
		Start::<Test>::on_runtime_upgrade();
		assert_eq!(Clock::now(), Tick(80));
	});
}

#[test]
fn time_that_has_run_ahead_of_the_chain_is_noticed() {
	build_and_execute(|| {
		System::set_block_number(7);
		Start::<Test>::on_runtime_upgrade();
		Clock::post_transactions();
		assert_eq!((Clock::now(), Clock::do_try_state()), (Tick(8), Ok(())));
		Ticks::<Test>::put(Tick(9));
		assert_eq!(Clock::do_try_state(), Err("more ticks than blocks".into()));
	});
}

#[test]
fn a_reason_that_is_left_over_is_noticed() {
	build_and_execute(|| {
		LetsThrough::set(false);
		Clock::on_initialize(1);
		let left_over = "a reason to hold is left over from a block";
		assert_eq!(Clock::do_try_state(), Err(left_over.into()), "the block is not over");
		Clock::post_transactions();
		assert_eq!(Clock::do_try_state(), Ok(()));
	});
}
