// SPDX-License-Identifier: Apache-2.0

//! Hot keys, and bonding more.

use super::*;
use crate::{Error, Event};
use frame_support::assert_noop;
use sp_runtime::{DispatchError, TokenError};

mod set_operator {
	use super::*;

	fn set(operator: Option<AccountId32>) -> sp_runtime::DispatchResult {
		Pods::set_operator(signed(CAROL), operator)
	}

	#[test]
	fn names_changes_and_removes_who_works_for_the_pod() {
		build_and_execute(|| {
			registered();
			let changes = [(None, Some(HOT)), (Some(HOT), Some(DAVE)), (Some(DAVE), None)];
			for (from, to) in changes {
				assert_ok!(set(to.clone()));
				assert_eq!(record().operator, to);
				for account in [HOT, DAVE] {
					let speaks = to.as_ref() == Some(&account);
					assert_eq!(Pods::acting(&account).ok(), speaks.then_some(CAROL));
				}
				assert_eq!(Pods::acting(&CAROL), Ok(CAROL));
				assert_eq!(
					take_events(),
					[Event::OperatorChanged { pod: CAROL, from, to, forgotten: 0 }]
				);
				Pods::do_try_state().unwrap();
			}
		});
	}

	#[test]
	fn lets_an_operator_give_itself_up_and_no_more() {
		build_and_execute(|| {
			operated();
			assert_noop!(Pods::set_operator(signed(HOT), Some(DAVE)), Error::<Test>::NotRegistered);
			assert_ok!(Pods::set_operator(signed(HOT), None));
			assert_eq!(record().operator, None);
			assert_eq!(
				take_events(),
				[Event::OperatorChanged { pod: CAROL, from: Some(HOT), to: None, forgotten: 0 }]
			);
			assert_noop!(Pods::set_operator(signed(HOT), None), Error::<Test>::NotRegistered);
		});
	}

	#[test]
	fn forgets_losses_when_the_pod_itself_sends_it_and_may_name_the_same_account() {
		build_and_execute(|| {
			operated();
			let lost = || record().lost;
			let lose = || tamper(|record| record.lost = 2_500);
			lose();
			assert_noop!(Pods::admit(&CAROL, 501), Error::<Test>::Overcommitted);
			assert_ok!(set(Some(HOT)));
			assert_eq!((lost(), Pods::acting(&HOT)), (0, Ok(CAROL)));
			assert_eq!(
				take_events().last(),
				Some(&Event::OperatorChanged {
					pod: CAROL,
					from: Some(HOT),
					to: Some(HOT),
					forgotten: 2_500
				})
			);
			assert_ok!(Pods::admit(&CAROL, 3_000));
			lose();
			assert_ok!(Pods::set_operator(signed(HOT), None));
			assert_eq!(lost(), 2_500, "an operator that gives itself up forgives itself nothing");
			assert_ok!(set(None));
			assert_eq!(lost(), 0);
		});
	}

	#[test]
	fn works_for_a_leaving_pod() {
		build_and_execute(|| {
			leaving();
			assert_ok!(set(Some(DAVE)));
		});
	}

	#[test]
	fn fails_with_an_account_that_speaks_for_a_pod() {
		build_and_execute(|| {
			operated();
			assert_noop!(set(Some(CAROL)), Error::<Test>::OperatorTaken);
			assert_ok!(Pods::register(signed(DAVE), profile(2), None));
			assert_noop!(set(Some(DAVE)), Error::<Test>::OperatorTaken);
			assert_noop!(Pods::set_operator(signed(DAVE), Some(HOT)), Error::<Test>::OperatorTaken);
		});
	}

	#[test]
	fn fails_for_an_account_that_is_no_pod() {
		build_and_execute(|| {
			assert_noop!(Pods::set_operator(signed(DAVE), Some(HOT)), Error::<Test>::NotRegistered);
			assert_noop!(Pods::set_operator(RuntimeOrigin::root(), None), DispatchError::BadOrigin);
		});
	}
}

mod bond_more {
	use super::*;

	#[test]
	fn raises_bond_and_cap() {
		build_and_execute(|| {
			registered();
			assert_noop!(Pods::admit(&CAROL, 3_001), Error::<Test>::Overcommitted);
			assert_ok!(Pods::bond_more(signed(CAROL), 500));
			assert_eq!((held(&CAROL), record().bond), (1_500, 1_500));
			assert_ok!(Pods::admit(&CAROL, 4_500));
			assert_noop!(Pods::admit(&CAROL, 4_501), Error::<Test>::Overcommitted);
			let raised = Event::BondRaised { pod: CAROL, from: 1_000, to: 1_500, forgotten: 0 };
			assert_eq!(take_events(), [raised]);
		});
	}

	#[test]
	fn forgets_losses_even_with_nothing_to_add() {
		build_and_execute(|| {
			operated();
			for amount in [0, 200] {
				tamper(|record| record.lost = 3_000);
				assert_noop!(Pods::bond_more(signed(HOT), 0), Error::<Test>::NotRegistered);
				assert_noop!(Pods::admit(&CAROL, 601), Error::<Test>::Overcommitted);
				assert_ok!(Pods::bond_more(signed(CAROL), amount));
				assert_eq!((record().lost, held(&CAROL)), (0, 1_000 + amount));
				let raised = take_events().pop();
				assert!(
					matches!(raised, Some(Event::BondRaised { forgotten: 3_000, .. })),
					"{raised:?}"
				);
			}
		});
	}

	#[test]
	fn fails_without_funds() {
		build_and_execute(|| {
			registered();
			assert_noop!(Pods::bond_more(signed(CAROL), FUNDS), TokenError::FundsUnavailable);
		});
	}

	#[test]
	fn fails_for_a_leaving_pod() {
		build_and_execute(|| {
			leaving();
			assert_noop!(Pods::bond_more(signed(CAROL), 1), Error::<Test>::PodIsLeaving);
		});
	}

	#[test]
	fn fails_for_anyone_but_the_pod() {
		build_and_execute(|| {
			operated();
			for other in [DAVE, HOT] {
				assert_noop!(Pods::bond_more(signed(other), 1), Error::<Test>::NotRegistered);
			}
			assert_noop!(Pods::bond_more(RuntimeOrigin::none(), 1), DispatchError::BadOrigin);
		});
	}
}
