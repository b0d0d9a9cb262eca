// SPDX-License-Identifier: Apache-2.0

//! Forged blocks and votes, reported in every way that somebody might try to get away.

use crate::{
	equivocation::{most_added, AuraEquivocation},
	mock::*,
	Call, ChillReason, Error, Event, Slashes, Status,
};
use codec::Encode;
use frame_support::{
	assert_noop, assert_ok,
	dispatch::Pays,
	pallet_prelude::{InvalidTransaction, TransactionSource},
	traits::Authorize,
};
use sp_consensus_aura::{sr25519::AuthorityId as AuraId, AURA_ENGINE_ID};
use sp_core::Pair;
use sp_runtime::{DigestItem, DispatchError, Perbill};
use sp_staking::offence::Offence;

/// `(3 / 4)²` of a bond: what one of four loses.
const LONELY: u128 = MIN_BOND * 9 / 16 + 1;

fn signed(number: u8) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(number))
}

fn chilled(since: u32) -> Status {
	Status::Chilled { reason: ChillReason::Equivocation, since }
}

mod aura_reports {
	use super::*;

	#[test]
	fn burn_a_share_of_the_bond_and_chill() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let issuance = Balances::total_issuance();
			let result = report_blocks(1, &aura(3)).unwrap();
			assert_eq!(result.pays_fee, Pays::No);
			assert_eq!(bond(3), MIN_BOND - 563);
			assert_eq!(Balances::total_issuance(), issuance - 563, "nobody gains");
			assert!(has_event(Event::Slashed {
				validator: account(3),
				session: 0,
				reason: ChillReason::Equivocation,
				from: MIN_BOND,
				to: MIN_BOND - 563,
				burned: 563,
			}));
			assert!(has_event(Event::Chilled {
				validator: account(3),
				from: Status::Listed,
				to: chilled(0),
				reason: ChillReason::Equivocation,
			}));
			assert_eq!(status(3), chilled(0));
			assert_eq!(listed(), [1, 2, 4]);
			assert_eq!(disabled(), [3], "it makes no more blocks");
			run_to_session(2);
			assert_eq!(active(), [1, 2, 4]);
			assert!(disabled().is_empty());
		});
	}

	#[test]
	fn count_once() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			assert_ok!(report_blocks(1, &aura(3)));
			let left = bond(3);
			assert_noop!(report_blocks(1, &aura(3)), Error::<Test>::DuplicateReport);
			let mut swapped = two_blocks(1, &aura(3));
			core::mem::swap(&mut swapped.first_header, &mut swapped.second_header);
			assert_noop!(
				ValidatorList::report_aura_equivocation(signed(9), Box::new(swapped)),
				Error::<Test>::DuplicateReport
			);
			assert_noop!(report_blocks(2, &aura(3)), Error::<Test>::DuplicateReport);
			run_to_session(1);
			let slot = *pallet_aura::CurrentSlot::<Test>::get() + 1;
			assert_ok!(report_blocks(slot, &aura(3)));
			assert_eq!(bond(3), left, "of sessions with the same keys, the gravest offence counts");
		});
	}

	#[test]
	fn have_no_event_of_what_does_not_change() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			set_keys_of(3, 77);
			run_to_session(2);
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(status(3), chilled(2));
			System::reset_events();
			let slot = *pallet_aura::CurrentSlot::<Test>::get() + 1;
			assert_ok!(report_blocks(slot, &aura(77)));
			let events = System::read_events_for_pallet::<Event<Test>>();
			assert!(matches!(events[..], [Event::Slashed { .. }]), "{events:?}");
			assert_eq!(status(3), chilled(2));
		});
	}

	#[test]
	fn reach_a_validator_that_has_new_keys() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			set_keys_of(3, 77);
			run_to_session(4);
			assert_eq!(active(), [1, 2, 3, 4]);
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY);
			assert_eq!(status(3), chilled(4));
		});
	}

	#[test]
	fn reach_a_validator_that_has_resigned_and_withdrawn_its_keys() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			assert_ok!(ValidatorList::resign(signed(3)));
			assert_ok!(ValidatorList::withdraw_keys(signed(3)));
			// Somebody else registers the keys, with their former owner's help.
			set_keys_of(5, 3);
			run_to_session(4);
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY);
			assert!(ValidatorList::candidate(account(3)).unwrap().is_unbonding());
			assert!(disabled().is_empty());
		});
	}

	#[test]
	fn rise_for_all_when_more_offend_in_one_session() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY);
			assert_ok!(report_blocks(2, &aura(4)));
			assert_eq!((bond(3), bond(4)), (0, 0), "two of four are more than a third");
			assert_eq!(listed(), [1, 2]);
		});
	}

	#[test]
	fn reach_an_author_whose_turn_it_was_not() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let slot = (1..).find(|slot| author_of(*slot) == 2).unwrap();
			assert_ok!(report_blocks(slot, &aura(3)));
			assert_eq!(status(3), chilled(0));
		});
	}

	#[test]
	fn leave_the_floor_standing() {
		on_chain_of(&[1, 2, 3, 4], 4, || {
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY, "it pays");
			let reason = ChillReason::Equivocation;
			assert!(has_event(Event::FloorHeld { validator: account(3), reason }));
			assert_eq!(status(3), Status::Listed, "but stays");
			assert_eq!(ValidatorList::chill_due(), [account(3)]);
			assert!(disabled().is_empty());
		});
	}

	#[test]
	fn chill_at_the_floor_as_soon_as_another_is_admitted() {
		on_chain_of(&[1, 2, 3, 4], 4, || {
			assert_ok!(report_blocks(1, &aura(3)));
			assert_ok!(report_blocks(2, &aura(2)));
			set_keys_of(3, 77);
			run_to_session(3);
			let slot = *pallet_aura::CurrentSlot::<Test>::get() + 1;
			assert_ok!(report_blocks(slot, &aura(77)));
			assert_eq!(ValidatorList::chill_due(), [account(3), account(2)], "each once");
			for (number, leaves, left) in [(5, 3, &[account(2)][..]), (6, 2, &[])] {
				apply(number);
				assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(number)));
				assert_eq!(status(leaves), chilled(3));
				assert!(has_event(Event::Chilled {
					validator: account(leaves),
					from: Status::Listed,
					to: chilled(3),
					reason: ChillReason::Equivocation,
				}));
				assert_eq!(ValidatorList::chill_due(), left);
			}
			assert_eq!(listed(), [1, 4, 5, 6]);
			assert_eq!(disabled(), [3], "a third at most, less one");
			run_to_session(5);
			assert_eq!(active(), [1, 4, 5, 6]);
			assert!(disabled().is_empty());
			apply(7);
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(7)));
			assert_eq!(listed(), [1, 4, 5, 6, 7], "nobody else has to go");
		});
	}

	#[test]
	fn chill_at_the_floor_as_soon_as_another_rejoins() {
		on_chain_of(&[1, 2, 3, 4], 3, || {
			run_to_session_without(&[4], 2);
			assert_eq!(listed(), [1, 2, 3]);
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(ValidatorList::chill_due(), [account(3)]);
			run_to_session(2 + CHILL_SESSIONS);
			assert_ok!(ValidatorList::rejoin(signed(4)));
			assert_eq!(listed(), [1, 2, 4]);
			assert_eq!(status(3), chilled(2 + CHILL_SESSIONS));
		});
	}

	/// The highest floor that a genesis may set: one place is left, and every validator has signed
	/// twice.
	#[test]
	fn make_room_for_others_at_the_highest_floor() {
		let floor = MAX_VALIDATORS - 1;
		on_chain_of(&[1, 2, 3, 4], floor, || {
			for number in 1..=4 {
				assert_ok!(report_blocks(u64::from(number), &aura(number)));
			}
			assert_eq!(ValidatorList::chill_due().len(), 4);
			for number in 5..=8 {
				apply(number);
				assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(number)));
			}
			assert_eq!(listed(), [5, 6, 7, 8]);
			apply(9);
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(9)));
			assert_ok!(ValidatorList::resign(signed(5)));
		});
	}

	#[test]
	fn cost_the_gravest_once_in_all_sessions_with_the_same_keys() {
		on_chain_of(&[1, 2, 3, 4], 1, || {
			let slot = || *pallet_aura::CurrentSlot::<Test>::get() + 1;
			assert_ok!(report_blocks(slot(), &aura(3)));
			run_to_session(1);
			assert_ok!(report_blocks(slot(), &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY, "as grave as the first");
			assert_ok!(report_blocks(slot() + 1, &aura(4)));
			assert_eq!((bond(3), bond(4)), (0, 0), "graver: the difference is taken");
			assert_eq!(Slashes::<Test>::iter().count(), 2);
		});
	}

	#[test]
	fn count_anew_when_keys_have_changed() {
		on_chain_of(&[1, 2, 3, 4], 4, || {
			let slot = || *pallet_aura::CurrentSlot::<Test>::get() + 1;
			assert_ok!(report_blocks(slot(), &aura(3)));
			assert_eq!(bond(3), MIN_BOND - LONELY);
			// Another validator's keys make a new set as well.
			set_keys_of(1, 77);
			run_to_session(2);
			assert_ok!(report_blocks(slot(), &aura(3)));
			let left = MIN_BOND - LONELY;
			assert_eq!(bond(3), left - (left * 9).div_ceil(16), "a share of what was left");
			assert_ok!(report_blocks(1, &aura(4)));
			assert_eq!(bond(4), 0);
			let first = Slashes::<Test>::get(0, account(3)).unwrap();
			let second = Slashes::<Test>::get(2, account(3)).unwrap();
			assert_eq!((first.bond, second.bond), (MIN_BOND, left));
			assert_eq!(bond(3), 0, "two of four in the first: all that is left of it");
		});
	}

	#[test]
	fn keep_an_offline_validator_from_rejoining() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			run_to_session_without(&[4], 3);
			let offline = Status::Chilled { reason: ChillReason::Offline, since: 1 };
			assert_eq!(status(4), offline);
			assert_ok!(report_blocks(1, &aura(4)));
			assert_eq!(status(4), chilled(3));
			assert!(has_event(Event::Chilled {
				validator: account(4),
				from: offline,
				to: chilled(3),
				reason: ChillReason::Equivocation,
			}));
			run_to_session(6);
			assert_noop!(ValidatorList::rejoin(signed(4)), Error::<Test>::NotOffline);
		});
	}

	#[test]
	fn are_for_signers_or_authorized() {
		on_chain(|| {
			for origin in [RuntimeOrigin::none(), RuntimeOrigin::root()] {
				let proof = Box::new(two_blocks(1, &aura(3)));
				assert_noop!(
					ValidatorList::report_aura_equivocation(origin, proof),
					DispatchError::BadOrigin
				);
			}
			let proof = Box::new(two_blocks(1, &aura(3)));
			let authorized = frame_system::RawOrigin::Authorized.into();
			assert_ok!(ValidatorList::report_aura_equivocation(authorized, proof));
			assert_eq!(bond(3), 0, "one of three is a third");
		});
	}

	#[test]
	fn fail_when_the_proof_does_not_hold() {
		on_chain(|| {
			let key = aura(3);
			let sound = two_blocks(1, &key);
			let report =
				|proof| ValidatorList::report_aura_equivocation(signed(9), Box::new(proof));
			let refused = |proof| {
				assert_noop!(report(proof), Error::<Test>::InvalidEquivocationProof);
			};

			let mut same = sound.clone();
			same.second_header = same.first_header.clone();
			refused(same);

			let mut sealed_twice = sound.clone();
			sealed_twice.second_header = sealed_header(1, 1, &key);
			assert_ne!(sealed_twice.first_header.hash(), sealed_twice.second_header.hash());
			refused(sealed_twice);

			let mut other_slot = sound.clone();
			other_slot.second_header = sealed_header(2, 2, &key);
			refused(other_slot);

			let mut mislabelled = sound.clone();
			mislabelled.slot = 2.into();
			refused(mislabelled);

			let mut framed = sound.clone();
			framed.second_header = sealed_header(1, 2, &aura(4));
			refused(framed);

			let mut unsealed = sound.clone();
			unsealed.second_header.digest.pop();
			refused(unsealed);

			let mut altered = sound.clone();
			altered.second_header.number += 1;
			refused(altered);

			let mut oversized = sound.clone();
			let log = sp_runtime::DigestItem::Other(vec![0; 64 << 10]);
			oversized.first_header.digest.logs.insert(0, log);
			refused(oversized);
			let mut slotless = sound.clone();
			slotless.first_header.digest.logs.remove(0);
			refused(slotless);

			let mut misnamed = sound.clone();
			misnamed.offender = aura(2).public();
			refused(misnamed);

			assert_ok!(report(sound));
		});
	}

	#[test]
	fn fail_when_nobody_had_the_key() {
		on_chain(|| {
			assert_noop!(report_blocks(1, &aura(5)), Error::<Test>::UnknownAuthor);
			assert_noop!(report_blocks(0, &aura(3)), Error::<Test>::UnknownAuthor);
		});
	}

	#[test]
	fn are_forgotten_when_bonds_are_free() {
		on_chain(|| {
			run_to_session(1 + BONDING_SESSIONS);
			assert_noop!(report_blocks(1, &aura(3)), Error::<Test>::UnknownAuthor);
		});
	}
}

mod reports_without_a_signature {
	use super::*;

	fn call(slot: u64, number: u8) -> Call<Test> {
		Call::report_aura_equivocation { proof: Box::new(two_blocks(slot, &aura(number))) }
	}

	#[test]
	fn are_let_through_from_this_node_and_in_blocks() {
		on_chain(|| {
			for source in [TransactionSource::Local, TransactionSource::InBlock] {
				let (validity, _) = call(1, 3).authorize(source).unwrap().unwrap();
				assert!(!validity.propagate);
				assert_eq!(validity.provides.len(), 1);
				assert_eq!(validity.longevity, u64::from(SESSION));
			}
			assert_eq!(
				call(1, 3).authorize(TransactionSource::External).unwrap().unwrap_err(),
				InvalidTransaction::Call.into()
			);
		});
	}

	#[test]
	fn are_turned_away_when_false_or_known() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let local = |call: Call<Test>| call.authorize(TransactionSource::Local).unwrap();
			assert_eq!(local(call(1, 5)).unwrap_err(), InvalidTransaction::BadProof.into());
			assert_ok!(report_blocks(1, &aura(3)));
			assert_eq!(local(call(1, 3)).unwrap_err(), InvalidTransaction::Stale.into());
			assert_eq!(local(call(2, 3)).unwrap_err(), InvalidTransaction::Stale.into());
			assert!(local(call(2, 4)).is_ok());
		});
	}
}

mod grandpa_reports {
	use super::*;

	#[test]
	fn burn_a_share_of_the_bond_and_chill() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let proof = ownership(&grandpa(3));
			assert_ok!(report_votes(0, 5, &grandpa(3), proof.clone()));
			assert_eq!(bond(3), MIN_BOND - LONELY);
			assert_eq!(status(3), chilled(0));
			assert_noop!(
				report_votes(0, 5, &grandpa(3), proof.clone()),
				pallet_grandpa::Error::<Test>::DuplicateOffenceReport
			);
			assert_ok!(report_votes(0, 6, &grandpa(3), proof));
			assert_eq!(bond(3), MIN_BOND - LONELY, "of a session, the gravest offence counts");
		});
	}

	#[test]
	fn reach_a_validator_that_has_new_keys() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let proof = ownership(&grandpa(3));
			set_keys_of(3, 77);
			run_to_session(4);
			assert_eq!(changes(), 1);
			assert_ok!(report_votes(0, 5, &grandpa(3), proof));
			assert_eq!(bond(3), MIN_BOND - LONELY);
		});
	}

	#[test]
	fn prove_ownership_in_the_current_session_also_after_new_keys_were_registered() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			set_keys_of(3, 77);
			assert_ok!(report_votes(0, 5, &grandpa(3), ownership(&grandpa(3))));
		});
	}

	#[test]
	fn fail_when_the_proof_of_ownership_is_for_another_session_or_size() {
		on_chain_of(&[1, 2, 3, 4], 2, || {
			let proof = ownership(&grandpa(3));
			let refused = |change: fn(&mut sp_session::MembershipProof)| {
				let mut changed = proof.clone();
				change(&mut changed);
				assert!(report_votes(0, 5, &grandpa(3), changed).is_err());
			};
			refused(|proof| proof.session = 1);
			refused(|proof| proof.validator_count = 3);
			refused(|proof| proof.trie_nodes.push(Vec::new()));
			assert_noop!(
				report_votes(0, 5, &grandpa(5), proof.clone()),
				pallet_grandpa::Error::<Test>::InvalidKeyOwnershipProof
			);
			assert_ok!(report_votes(0, 5, &grandpa(3), proof));
		});
	}
}

#[test]
fn a_block_adds_no_more_to_its_header_than_is_allowed_for() {
	use sp_consensus_grandpa::{ConsensusLog, ScheduledChange, GRANDPA_ENGINE_ID};

	let begun = {
		let mut header = sealed_header(1, 1, &aura(1));
		header.digest.pop();
		header.encoded_size()
	};
	for validators in [1, 4, 100, 1_000] {
		let mut header = sealed_header(1, 1, &aura(1));
		let mut push =
			|engine, log: Vec<u8>| header.digest.push(DigestItem::Consensus(engine, log));
		let authors = vec![aura(1).public(); validators];
		let change = sp_consensus_aura::ConsensusLog::AuthoritiesChange(authors);
		push(AURA_ENGINE_ID, change.encode());
		for _ in 0..validators / 3 {
			let disabled = sp_consensus_aura::ConsensusLog::<AuraId>::OnDisabled(u32::MAX);
			push(AURA_ENGINE_ID, disabled.encode());
			push(GRANDPA_ENGINE_ID, ConsensusLog::<u32>::OnDisabled(u64::MAX).encode());
		}
		let next_authorities = vec![(grandpa(1).public(), u64::MAX); validators];
		let change = ScheduledChange { next_authorities, delay: u32::MAX };
		push(GRANDPA_ENGINE_ID, ConsensusLog::ForcedChange(u32::MAX, change).encode());
		header.digest.push(DigestItem::RuntimeEnvironmentUpdated);
		let added = header.encoded_size() - begun;
		let most = most_added(validators as u32) as usize;
		assert!(added <= most && most - added < 64, "{validators}: {added} of {most}");
	}
}

#[test]
fn an_equivocation_tells_what_offences_are_counted_by() {
	let offence =
		AuraEquivocation { slot: 7.into(), session: 2, validator_count: 100, offender: account(1) };
	assert_eq!(offence.offenders(), [account(1)]);
	assert_eq!(offence.session_index(), 2);
	assert_eq!(offence.validator_set_count(), 100);
	assert_eq!(offence.slot(), 2);
	assert_eq!(offence.slash_fraction(1), Perbill::from_parts(900_000), "nine of ten thousand");
	assert_eq!(offence.slash_fraction(34), Perbill::one());
	assert_eq!(offence.slash_fraction(u32::MAX), Perbill::one());
}
