// SPDX-License-Identifier: Apache-2.0

//! Of each call, what it does and why it is refused.

use crate::{mock::*, ChillReason, Error, Event, Status, Validators};
use frame_support::{assert_noop, assert_ok};
use sp_runtime::DispatchError;

fn signed(number: u8) -> RuntimeOrigin {
	RuntimeOrigin::signed(account(number))
}

fn expect_event(event: Event<Test>) {
	System::assert_last_event(event.into());
}

/// A chain on which validator 4 of four was chilled for being offline, in session 1.
fn on_chain_with_a_chilled_validator(test: impl FnOnce()) {
	on_chain_of(&[1, 2, 3, 4], 2, || {
		run_to_session_without(&[4], 2);
		assert_eq!(status(4), Status::Chilled { reason: ChillReason::Offline, since: 1 });
		test();
	});
}

mod apply {
	use super::*;

	#[test]
	fn holds_the_bond() {
		on_chain(|| {
			set_keys_of(5, 5);
			assert_ok!(ValidatorList::apply(signed(5), 1_500));
			expect_event(Event::Applied {
				candidate: account(5),
				to: Status::Applied,
				bond: 1_500,
			});
			assert_eq!(bond(5), 1_500);
			assert_eq!(status(5), Status::Applied);
			assert_eq!(Balances::free_balance(account(5)), ENDOWMENT - KEY_DEPOSIT - 1_500);
			assert_eq!(listed(), [1, 2, 3], "the administrators decide");
		});
	}

	#[test]
	fn fails_for_a_candidate() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::apply(signed(1), MIN_BOND),
				Error::<Test>::AlreadyCandidate
			);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain(|| {
			assert_noop!(ValidatorList::apply(signed(5), MIN_BOND), Error::<Test>::NoSessionKeys);
		});
	}

	#[test]
	fn fails_below_the_least_bond() {
		on_chain(|| {
			set_keys_of(5, 5);
			assert_noop!(
				ValidatorList::apply(signed(5), MIN_BOND - 1),
				Error::<Test>::BondTooSmall
			);
		});
	}

	#[test]
	fn fails_without_the_money() {
		on_chain(|| {
			set_keys_of(5, 5);
			assert!(ValidatorList::apply(signed(5), ENDOWMENT).is_err());
			assert!(ValidatorList::candidate(account(5)).is_none());
			assert_noop!(
				ValidatorList::apply(RuntimeOrigin::root(), MIN_BOND),
				DispatchError::BadOrigin
			);
		});
	}
}

mod bond_more {
	use super::*;

	#[test]
	fn adds_to_the_bond() {
		on_chain(|| {
			assert_ok!(ValidatorList::bond_more(signed(1), 5));
			expect_event(Event::BondIncreased {
				candidate: account(1),
				from: MIN_BOND,
				to: MIN_BOND + 5,
			});
			assert_eq!(bond(1), MIN_BOND + 5);
			assert_eq!(status(1), Status::Listed);
		});
	}

	#[test]
	fn of_nothing_has_no_event() {
		on_chain(|| {
			System::reset_events();
			assert_ok!(ValidatorList::bond_more(signed(1), 0));
			assert_eq!(System::read_events_for_pallet::<Event<Test>>(), []);
			assert_eq!(bond(1), MIN_BOND);
		});
	}

	#[test]
	fn fails_for_others() {
		on_chain(|| {
			assert_noop!(ValidatorList::bond_more(signed(5), 5), Error::<Test>::NotCandidate);
			assert_ok!(ValidatorList::resign(signed(1)));
			assert_noop!(ValidatorList::bond_more(signed(1), 5), Error::<Test>::IsUnbonding);
		});
	}
}

mod admit {
	use super::*;

	#[test]
	fn takes_effect_at_the_second_session_boundary() {
		on_chain(|| {
			run_to_session(1);
			apply(5);
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(5)));
			expect_event(Event::Admitted {
				validator: account(5),
				from: Status::Applied,
				to: Status::Listed,
			});
			assert_eq!(status(5), Status::Listed);
			assert_eq!(listed(), [1, 2, 3, 5]);
			assert_eq!(active(), [1, 2, 3]);

			run_to_session(2);
			assert_eq!(active(), [1, 2, 3], "planned at this boundary");
			run_to_session(3);
			assert_eq!(active(), [1, 2, 3, 5], "active from this boundary");
			assert_eq!(changes(), 1);
			run_to_session(4);
			assert_eq!(active(), [1, 2, 3, 5]);
			assert_eq!(changes(), 1, "an unchanged list is no change");
		});
	}

	#[test]
	fn keeps_the_order_of_admission() {
		on_chain(|| {
			assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(1)));
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(1)));
			assert_eq!(listed(), [2, 3, 1]);
		});
	}

	#[test]
	fn fails_without_the_administrators() {
		on_chain(|| {
			apply(5);
			for origin in [signed(1), RuntimeOrigin::none()] {
				assert_noop!(ValidatorList::admit(origin, account(5)), DispatchError::BadOrigin);
			}
		});
	}

	#[test]
	fn fails_for_who_did_not_apply() {
		on_chain(|| {
			let admit = |number| ValidatorList::admit(RuntimeOrigin::root(), account(number));
			assert_noop!(admit(2), Error::<Test>::AlreadyListed);
			assert_noop!(admit(5), Error::<Test>::NotCandidate);
			assert_ok!(ValidatorList::resign(signed(3)));
			assert_noop!(admit(3), Error::<Test>::IsUnbonding);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain(|| {
			apply(5);
			assert_ok!(ValidatorList::withdraw_keys(signed(5)));
			assert_noop!(
				ValidatorList::admit(RuntimeOrigin::root(), account(5)),
				Error::<Test>::NoSessionKeys
			);
		});
	}

	#[test]
	fn fails_until_a_slashed_bond_is_made_good() {
		on_chain(|| {
			assert_ok!(report_blocks(1, &aura(3)));
			let admit = || ValidatorList::admit(RuntimeOrigin::root(), account(3));
			assert_noop!(admit(), Error::<Test>::BondTooSmall);
			assert_ok!(ValidatorList::bond_more(signed(3), MIN_BOND));
			assert_ok!(admit());
		});
	}

	#[test]
	fn fails_above_the_cap() {
		on_chain(|| {
			for number in 4..=6 {
				apply(number);
			}
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(4)));
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(5)));
			assert_noop!(
				ValidatorList::admit(RuntimeOrigin::root(), account(6)),
				Error::<Test>::TooManyValidators
			);
		});
	}
}

mod remove {
	use super::*;

	#[test]
	fn takes_effect_at_the_second_session_boundary() {
		on_chain(|| {
			assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(2)));
			expect_event(Event::Removed {
				validator: account(2),
				from: Status::Listed,
				to: Status::Applied,
			});
			assert_eq!(status(2), Status::Applied);
			assert_eq!(bond(2), MIN_BOND, "it remains at stake");
			assert_eq!(listed(), [1, 3]);
			run_to_session(1);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(2);
			assert_eq!(active(), [1, 3]);
			assert_eq!(changes(), 1);
		});
	}

	#[test]
	fn fails_without_the_administrators() {
		on_chain(|| {
			assert_noop!(ValidatorList::remove(signed(1), account(2)), DispatchError::BadOrigin);
		});
	}

	#[test]
	fn fails_for_an_account_that_is_not_listed() {
		on_chain(|| {
			let remove = |number| ValidatorList::remove(RuntimeOrigin::root(), account(number));
			assert_noop!(remove(4), Error::<Test>::NotCandidate);
			apply(4);
			assert_noop!(remove(4), Error::<Test>::NotListed);
		});
	}

	#[test]
	fn fails_at_the_floor() {
		on_chain(|| {
			assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(2)));
			assert_noop!(
				ValidatorList::remove(RuntimeOrigin::root(), account(1)),
				Error::<Test>::TooFewValidators
			);
		});
	}
}

mod resign {
	use super::*;

	#[test]
	fn takes_effect_at_the_second_session_boundary() {
		on_chain(|| {
			run_to_session(1);
			assert_ok!(ValidatorList::resign(signed(3)));
			let withdrawable_from = 1 + 2 + BONDING_SESSIONS;
			let to = Status::Unbonding { withdrawable_from };
			expect_event(Event::Resigned {
				validator: account(3),
				from: Status::Listed,
				to,
				bond: MIN_BOND,
			});
			assert_eq!(status(3), to);
			run_to_session(2);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(3);
			assert_eq!(active(), [1, 2]);
		});
	}

	#[test]
	fn is_open_to_those_that_are_not_listed() {
		on_chain(|| {
			apply(5);
			assert_ok!(ValidatorList::resign(signed(5)));
			assert!(ValidatorList::candidate(account(5)).unwrap().is_unbonding());
			assert_eq!(listed(), [1, 2, 3]);
		});
	}

	#[test]
	fn fails_for_others() {
		on_chain(|| {
			assert_noop!(ValidatorList::resign(signed(4)), Error::<Test>::NotCandidate);
			assert_noop!(ValidatorList::resign(RuntimeOrigin::root()), DispatchError::BadOrigin);
			assert_ok!(ValidatorList::resign(signed(3)));
			assert_noop!(ValidatorList::resign(signed(3)), Error::<Test>::IsUnbonding);
		});
	}

	#[test]
	fn fails_at_the_floor() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(signed(3)));
			assert_noop!(ValidatorList::resign(signed(2)), Error::<Test>::TooFewValidators);
		});
	}
}

mod withdraw_keys {
	use super::*;

	#[test]
	fn returns_the_deposit_of_a_former_candidate() {
		on_chain(|| {
			set_keys_of(5, 5);
			assert_eq!(Balances::free_balance(account(5)), ENDOWMENT - KEY_DEPOSIT);
			assert_ok!(ValidatorList::withdraw_keys(signed(5)));
			expect_event(Event::KeysWithdrawn { account: account(5), deposit: KEY_DEPOSIT });
			assert_eq!(Balances::free_balance(account(5)), ENDOWMENT);
			assert!(!ValidatorList::has_session_keys(&account(5)));
			assert_eq!(System::consumers(&account(5)), 0);
		});
	}

	#[test]
	fn leaves_planned_sessions_as_they_are() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(signed(3)));
			assert_ok!(ValidatorList::withdraw_keys(signed(3)));
			run_to_session(1);
			assert_eq!(active(), [1, 2, 3], "still active until the second boundary");
			run_to_session(2);
			assert_eq!(active(), [1, 2]);
		});
	}

	#[test]
	fn fails_for_a_listed_validator() {
		on_chain(|| {
			assert_noop!(ValidatorList::withdraw_keys(signed(1)), Error::<Test>::StillListed);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain(|| {
			assert_noop!(ValidatorList::withdraw_keys(signed(5)), Error::<Test>::NoSessionKeys);
		});
	}
}

mod withdraw_bond {
	use super::*;

	#[test]
	fn returns_what_is_left() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(signed(3)));
			let from = status(3);
			run_to_session(2 + BONDING_SESSIONS);
			assert_ok!(ValidatorList::withdraw_bond(signed(3)));
			expect_event(Event::BondWithdrawn { candidate: account(3), from, bond: MIN_BOND });
			assert_eq!(Balances::free_balance(account(3)), ENDOWMENT);
			assert!(ValidatorList::candidate(account(3)).is_none());
		});
	}

	#[test]
	fn comes_only_when_the_last_session_cannot_be_reported_any_more() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(signed(3)));
			run_to_session(1);
			let last_slot = (*pallet_aura::CurrentSlot::<Test>::get() + 1..)
				.find(|slot| author_of(*slot) == 3)
				.unwrap();
			run_to_session(1 + BONDING_SESSIONS);
			assert_eq!(active(), [1, 2]);
			assert_noop!(ValidatorList::withdraw_bond(signed(3)), Error::<Test>::StillUnbonding);
			let offence = ValidatorList::check_report(&two_blocks(last_slot, &aura(3))).unwrap();
			assert_eq!((offence.session, offence.offender), (1, account(3)));

			run_to_session(2 + BONDING_SESSIONS);
			assert_noop!(report_blocks(last_slot, &aura(3)), Error::<Test>::UnknownAuthor);
			assert_ok!(ValidatorList::withdraw_bond(signed(3)));
		});
	}

	#[test]
	fn fails_for_others() {
		on_chain(|| {
			assert_noop!(ValidatorList::withdraw_bond(signed(5)), Error::<Test>::NotCandidate);
			assert_noop!(ValidatorList::withdraw_bond(signed(1)), Error::<Test>::NotUnbonding);
		});
	}
}

mod rejoin {
	use super::*;

	#[test]
	fn lists_a_validator_again_that_was_offline() {
		on_chain_with_a_chilled_validator(|| {
			run_to_session(2 + CHILL_SESSIONS);
			assert_eq!(active(), [1, 2, 3]);
			let from = status(4);
			assert_ok!(ValidatorList::rejoin(signed(4)));
			expect_event(Event::Rejoined { validator: account(4), from, to: Status::Listed });
			assert_eq!(status(4), Status::Listed);
			run_to_session(4 + CHILL_SESSIONS);
			assert_eq!(active(), [1, 2, 3, 4]);
		});
	}

	#[test]
	fn fails_too_early() {
		on_chain_with_a_chilled_validator(|| {
			assert_noop!(ValidatorList::rejoin(signed(4)), Error::<Test>::StillChilled);
		});
	}

	#[test]
	fn fails_for_who_was_not_offline() {
		on_chain(|| {
			assert_noop!(ValidatorList::rejoin(signed(5)), Error::<Test>::NotCandidate);
			assert_noop!(ValidatorList::rejoin(signed(1)), Error::<Test>::NotOffline);
			assert_ok!(report_blocks(1, &aura(3)));
			run_to_session(5);
			assert_noop!(ValidatorList::rejoin(signed(3)), Error::<Test>::NotOffline);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain_with_a_chilled_validator(|| {
			assert_ok!(ValidatorList::withdraw_keys(signed(4)));
			run_to_session(2 + CHILL_SESSIONS);
			assert_noop!(ValidatorList::rejoin(signed(4)), Error::<Test>::NoSessionKeys);
		});
	}

	#[test]
	fn fails_above_the_cap() {
		on_chain_with_a_chilled_validator(|| {
			for number in 5..=6 {
				apply(number);
				assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(number)));
			}
			run_to_session(2 + CHILL_SESSIONS);
			assert_eq!(Validators::<Test>::get().len() as u32, MAX_VALIDATORS);
			assert_noop!(ValidatorList::rejoin(signed(4)), Error::<Test>::TooManyValidators);
		});
	}
}
