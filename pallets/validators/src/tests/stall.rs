// SPDX-License-Identifier: Apache-2.0

//! Finality has stalled, and GRANDPA's voters are exchanged by force.

use crate::{mock::*, Misses};
use codec::Decode;
use frame_support::assert_ok;
use sp_consensus_grandpa::{ConsensusLog, GRANDPA_ENGINE_ID};
use sp_core::Pair;
use sp_runtime::DigestItem;

/// Blocks from the announcement of a forced change until it takes effect.
const DELAY: u32 = 2 * SESSION + 2;

/// Makes a block without validators 3 and 4, and gives the change of GRANDPA's voters that its
/// header announces to the nodes.
fn change() -> Option<ConsensusLog<u32>> {
	make_block(&[3, 4]);
	System::digest().logs.iter().find_map(|item| match item {
		DigestItem::Consensus(GRANDPA_ENGINE_ID, log) => {
			Some(ConsensusLog::decode(&mut &log[..]).unwrap())
		},
		_ => None,
	})
}

/// Changes that are announced until the first block of a session.
fn changes_to_session(session: u32) -> Vec<ConsensusLog<u32>> {
	let mut all = Vec::new();
	while Session::current_index() < session {
		all.extend(change());
	}
	all
}

/// Numbers of the accounts whose keys vote.
fn voters() -> Vec<u8> {
	let of = |key| (1..=99).find(|number| grandpa(*number).public() == key).unwrap();
	Grandpa::grandpa_authorities().into_iter().map(|(key, _)| of(key)).collect()
}

/// In session 1 of a chain whose validators 3 and 4 are gone, 5 is listed in their place.
fn on_stalled_chain(test: impl FnOnce()) {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		assert!(changes_to_session(1).is_empty());
		apply(5);
		assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(5)));
		for gone in [3, 4] {
			assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(gone)));
		}
		assert_eq!(listed(), [1, 2, 5]);
		test();
	});
}

fn note_stalled() {
	assert_ok!(Grandpa::note_stalled(RuntimeOrigin::root(), DELAY, 1));
}

#[test]
fn one_change_brings_the_new_validators_when_it_is_noted_in_time() {
	on_stalled_chain(|| {
		assert!(changes_to_session(2).is_empty());
		note_stalled();
		let announced = changes_to_session(3);
		assert_eq!(announced.len(), 1);
		let ConsensusLog::ForcedChange(1, forced) = &announced[0] else { panic!("{announced:?}") };
		assert_eq!((forced.delay, forced.next_authorities.len()), (DELAY, 3));
		assert_eq!(changes(), 1, "nodes and chain count the same sets");
		assert_eq!((active(), voters()), (vec![1, 2, 5], vec![1, 2, 3, 4]));
		while voters() != active() {
			assert_eq!(change(), None);
		}
		assert_eq!(System::block_number(), 3 * SESSION + DELAY);
	});
}

#[test]
fn the_change_is_one_too_many_when_it_is_noted_late() {
	on_stalled_chain(|| {
		let announced = changes_to_session(3);
		assert!(matches!(announced[..], [ConsensusLog::ScheduledChange(_)]));
		note_stalled();
		let announced = changes_to_session(4);
		assert!(matches!(announced[..], [ConsensusLog::ForcedChange(..)]));
		assert_eq!(changes(), 2, "nodes never apply the first, which nobody can finalise");
	});
}

#[test]
fn no_session_ends_while_a_change_of_voters_is_pending() {
	on_stalled_chain(|| {
		run_to_session_without(&[3, 4], 2);
		note_stalled();
		run_to_session_without(&[3, 4], 3);
		set_keys_of(1, 77);
		assert_ok!(ValidatorList::resign(RuntimeOrigin::signed(account(2))));
		while pallet_grandpa::PendingChange::<Test>::exists() {
			make_block(&[5]);
			assert_eq!((Session::current_index(), active()), (3, vec![1, 2, 5]));
		}
		assert_eq!(Misses::<Test>::iter().count(), 0, "nobody is judged meanwhile");
		run_to_session(5);
		assert_eq!(System::block_number(), 7 * SESSION, "two boundaries after it");
		assert_eq!((active(), voters()), (vec![1, 5], vec![77, 5]));
		assert_eq!(changes(), 2);
	});
}
