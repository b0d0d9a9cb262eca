// SPDX-License-Identifier: Apache-2.0

//! That `try_state` notices what it is there for.

use super::*;
use crate::{Attestation, Attestations, HoldReason, Operators};
use frame_support::{
	storage::unhashed,
	traits::{fungible::MutateHold, tokens::Precision},
};

/// Breaks something, looks, and mends it: the test's end checks that all is well again.
fn notices(text: &'static str, breaking: impl FnOnce(), mending: impl FnOnce()) {
	Pods::do_try_state().unwrap();
	breaking();
	assert_eq!(Pods::do_try_state(), Err(text.into()));
	mending();
}

#[test]
fn notices_a_bond_that_is_not_held() {
	build_and_execute(|| {
		registered();
		let change = |bond| tamper(|record| record.bond = bond);
		notices(
			"what is held from an account must be its pod's bond",
			|| change(999),
			|| change(1_000),
		);
	});
}

#[test]
fn notices_a_hold_without_a_pod() {
	build_and_execute(|| {
		let reason = HoldReason::PodBond.into();
		notices(
			"what is held from an account must be its pod's bond",
			|| Balances::hold(&reason, &DAVE, 5).unwrap(),
			|| assert!(Balances::release(&reason, &DAVE, 5, Precision::Exact).is_ok()),
		);
	});
}

#[test]
fn notices_a_malformed_profile() {
	build_and_execute(|| {
		registered();
		let [broken, ..] = malformed();
		notices(
			"the profile of a pod that takes jobs must be well formed",
			|| tamper(|record| record.profile = broken),
			|| tamper(|record| record.profile = profile(1)),
		);
	});
}

#[test]
fn notices_a_dear_fault_without_faults() {
	build_and_execute(|| {
		registered();
		notices(
			"a pod without faults must have none that was dear",
			|| tamper(|record| record.fault_price = 1),
			|| tamper(|record| record.fault_price = 0),
		);
	});
}

#[test]
fn notices_exposure_without_jobs() {
	build_and_execute(|| {
		registered();
		notices(
			"a pod without live jobs must have nothing at risk",
			|| tamper(|record| record.exposure = 1),
			|| tamper(|record| record.exposure = 0),
		);
	});
}

#[test]
fn notices_a_track_record_out_of_bounds() {
	build_and_execute(|| {
		registered();
		notices(
			"a track record must be within its bounds",
			|| tamper(|record| record.record.good = 50_000_001),
			|| tamper(|record| record.record.good = 0),
		);
	});
}

#[test]
fn notices_operators_and_pods_that_do_not_agree() {
	build_and_execute(|| {
		operated();
		let operators = || Operators::<Test>::insert(HOT, CAROL);
		notices(
			"a pod's operator must be known as such",
			|| Operators::<Test>::remove(HOT),
			operators,
		);
		notices(
			"a pod's operator must be known as such",
			|| Operators::<Test>::insert(HOT, DAVE),
			operators,
		);
		notices(
			"every operator must have a pod",
			|| Operators::<Test>::insert(DAVE, CAROL),
			|| Operators::<Test>::remove(DAVE),
		);
		notices(
			"an operator must not be a pod",
			|| crate::Pods::<Test>::insert(HOT, PodRecord { operator: None, ..record() }),
			|| crate::Pods::<Test>::remove(HOT),
		);
	});
}

#[test]
fn notices_a_wrong_count() {
	build_and_execute(|| {
		registered();
		let uncounted = crate::Pods::<Test>::hashed_key_for(DAVE);
		notices(
			"pods must be as many as they are counted",
			|| unhashed::put(&uncounted, &record()),
			|| unhashed::kill(&uncounted),
		);
	});
}

#[test]
fn notices_a_deposit_that_is_not_held_and_tags_that_are_none() {
	build_and_execute(|| {
		registered();
		let word = |tags: &[&str], deposit| Attestation {
			tags: tags.iter().map(|word| tag(word)).collect::<Vec<_>>().try_into().unwrap(),
			expires: Tick(9),
			deposit,
		};
		let put = |word| Attestations::<Test>::insert(CAROL, ISSUER, word);
		let remove = || Attestations::<Test>::remove(CAROL, ISSUER);
		let deposits = "what is held from an account must be the sum of its attestations' deposits";
		notices(deposits, || put(word(&["a"], 1)), remove);
		let malformed = "attested tags must be well formed";
		notices(malformed, || put(word(&[], 0)), remove);
		notices(malformed, || put(word(&["A"], 0)), remove);
	});
}
