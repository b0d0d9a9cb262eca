// SPDX-License-Identifier: Apache-2.0

use crate::{mock::*, Error, Event, ListChanged, Validators};
use frame_support::{assert_noop, assert_ok, traits::Hooks};
use sp_runtime::DispatchError;

fn listed() -> Vec<u8> {
	Validators::<Test>::get().iter().map(|v| (v.as_ref() as &[u8])[0]).collect()
}

fn expect_event(event: Event<Test>) {
	System::assert_last_event(event.into());
}

mod genesis_configuration {
	use super::*;

	#[test]
	fn lists_the_validators_of_the_first_two_sessions() {
		on_chain(|| {
			assert_eq!(listed(), [1, 2, 3]);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(1);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(2);
			assert_eq!(active(), [1, 2, 3]);
			assert_eq!(Changes::get(), 0, "nothing changed, so consensus is told of no change");
		});
	}

	#[test]
	#[should_panic(expected = "session keys but lists no validator")]
	fn refuses_an_empty_list() {
		let _ = genesis(&[]);
	}

	#[test]
	#[should_panic(expected = "between 2 and 4 validators, found 5")]
	fn refuses_more_than_the_cap() {
		let _ = genesis(&[1, 2, 3, 4, 5]);
	}

	#[test]
	#[should_panic(expected = "between 2 and 4 validators, found 1")]
	fn refuses_fewer_than_the_floor() {
		let _ = genesis(&[1]);
	}

	#[test]
	#[should_panic(expected = "has no session keys")]
	fn refuses_a_validator_without_session_keys() {
		let _ = genesis(&[1, 2, 4]);
	}

	#[test]
	#[should_panic(expected = "each validator once")]
	fn refuses_a_repetition() {
		let _ = genesis(&[1, 2, 1]);
	}
}

mod admit {
	use super::*;

	#[test]
	fn takes_effect_at_the_second_session_boundary() {
		on_chain(|| {
			run_to_session(1);
			set_keys(4);
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(4)));
			expect_event(Event::Admitted { validator: account(4) });
			assert_eq!(listed(), [1, 2, 3, 4]);
			assert_eq!(active(), [1, 2, 3]);

			run_to_session(2);
			assert_eq!(active(), [1, 2, 3], "planned at this boundary");
			run_to_session(3);
			assert_eq!(active(), [1, 2, 3, 4], "active from this boundary");
			assert_eq!(Changes::get(), 1);
			run_to_session(4);
			assert_eq!(active(), [1, 2, 3, 4]);
			assert_eq!(Changes::get(), 1, "an unchanged list is no change");
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
			set_keys(4);
			for origin in [RuntimeOrigin::signed(account(1)), RuntimeOrigin::none()] {
				assert_noop!(ValidatorList::admit(origin, account(4)), DispatchError::BadOrigin);
			}
		});
	}

	#[test]
	fn fails_for_a_listed_validator() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::admit(RuntimeOrigin::root(), account(2)),
				Error::<Test>::AlreadyListed
			);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::admit(RuntimeOrigin::root(), account(4)),
				Error::<Test>::NoSessionKeys
			);
		});
	}

	#[test]
	fn fails_above_the_cap() {
		on_chain(|| {
			set_keys(4);
			set_keys(5);
			assert_ok!(ValidatorList::admit(RuntimeOrigin::root(), account(4)));
			assert_noop!(
				ValidatorList::admit(RuntimeOrigin::root(), account(5)),
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
			expect_event(Event::Removed { validator: account(2) });
			assert_eq!(listed(), [1, 3]);
			run_to_session(1);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(2);
			assert_eq!(active(), [1, 3]);
			assert_eq!(Changes::get(), 1);
		});
	}

	#[test]
	fn fails_without_the_administrators() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::remove(RuntimeOrigin::signed(account(1)), account(2)),
				DispatchError::BadOrigin
			);
		});
	}

	#[test]
	fn fails_for_an_account_that_is_not_listed() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::remove(RuntimeOrigin::root(), account(4)),
				Error::<Test>::NotListed
			);
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
			assert_ok!(ValidatorList::resign(RuntimeOrigin::signed(account(3))));
			expect_event(Event::Resigned { validator: account(3) });
			run_to_session(2);
			assert_eq!(active(), [1, 2, 3]);
			run_to_session(3);
			assert_eq!(active(), [1, 2]);
		});
	}

	#[test]
	fn fails_for_others() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::resign(RuntimeOrigin::signed(account(4))),
				Error::<Test>::NotListed
			);
			assert_noop!(ValidatorList::resign(RuntimeOrigin::root()), DispatchError::BadOrigin);
		});
	}

	#[test]
	fn fails_at_the_floor() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(RuntimeOrigin::signed(account(3))));
			assert_noop!(
				ValidatorList::resign(RuntimeOrigin::signed(account(2))),
				Error::<Test>::TooFewValidators
			);
		});
	}
}

mod withdraw_keys {
	use super::*;

	#[test]
	fn returns_the_deposit_of_a_former_candidate() {
		on_chain(|| {
			set_keys(4);
			assert_eq!(Balances::free_balance(account(4)), ENDOWMENT - KEY_DEPOSIT);
			assert_ok!(ValidatorList::withdraw_keys(RuntimeOrigin::signed(account(4))));
			expect_event(Event::KeysWithdrawn { account: account(4) });
			assert_eq!(Balances::free_balance(account(4)), ENDOWMENT);
			assert!(!ValidatorList::has_session_keys(&account(4)));
			assert_eq!(System::consumers(&account(4)), 0);
		});
	}

	#[test]
	fn leaves_planned_sessions_as_they_are() {
		on_chain(|| {
			assert_ok!(ValidatorList::resign(RuntimeOrigin::signed(account(3))));
			assert_ok!(ValidatorList::withdraw_keys(RuntimeOrigin::signed(account(3))));
			run_to_session(1);
			assert_eq!(active(), [1, 2, 3], "still active until the second boundary");
			run_to_session(2);
			assert_eq!(active(), [1, 2]);
		});
	}

	#[test]
	fn fails_for_a_listed_validator() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::withdraw_keys(RuntimeOrigin::signed(account(1))),
				Error::<Test>::StillListed
			);
		});
	}

	#[test]
	fn fails_without_session_keys() {
		on_chain(|| {
			assert_noop!(
				ValidatorList::withdraw_keys(RuntimeOrigin::signed(account(4))),
				Error::<Test>::NoSessionKeys
			);
		});
	}
}

mod key_rotation {
	use super::*;
	use codec::Encode;
	use sp_runtime::testing::{TestSignature, UintAuthorityId};

	#[test]
	fn reaches_consensus_although_the_list_is_unchanged() {
		on_chain(|| {
			let fresh = MockKeys { authority: UintAuthorityId(77) };
			let proof = (TestSignature(77, account(1).encode()),).encode();
			assert_ok!(Session::set_keys(RuntimeOrigin::signed(account(1)), fresh, proof));
			run_to_session(2);
			assert_eq!(active(), [1, 2, 3]);
			assert_eq!(Changes::get(), 1);
		});
	}
}

mod invariants {
	use super::*;

	#[test]
	fn bounds_of_the_mock_are_sound() {
		<ValidatorList as Hooks<_>>::integrity_test();
	}

	#[test]
	fn broken_states_are_found() {
		let broken = |break_it: fn()| {
			let mut externalities = sp_io::TestExternalities::new(genesis(&[1, 2, 3]).unwrap());
			externalities.execute_with(|| {
				assert_ok!(ValidatorList::do_try_state());
				break_it();
				ValidatorList::do_try_state().unwrap_err()
			})
		};
		assert_eq!(
			broken(|| Validators::<Test>::mutate(|list| list.truncate(1))),
			"fewer validators than MinValidators".into()
		);
		assert_eq!(
			broken(|| Validators::<Test>::mutate(|list| list.force_push(account(1)))),
			"a validator is listed twice".into()
		);
		assert_eq!(
			broken(|| Validators::<Test>::mutate(|list| list.force_push(account(7)))),
			"a listed validator has no session keys".into()
		);
	}

	#[test]
	fn a_change_is_handed_over_once() {
		on_chain(|| {
			assert_ok!(ValidatorList::remove(RuntimeOrigin::root(), account(2)));
			assert!(ListChanged::<Test>::get());
			run_to_session(1);
			assert!(!ListChanged::<Test>::get());
		});
	}
}
