// SPDX-License-Identifier: Apache-2.0

//! Attestations, and taking them back.

use super::*;
use crate::{Attestation, Error, Event};
use codec::Encode;
use frame_support::assert_noop;
use proofpod_primitives::{job::RequiredTag, pod::Tags, Balance};
use sp_runtime::{DispatchError, DispatchResult, TokenError};

fn tags(list: &[&str]) -> Tags {
	list.iter().map(|word| tag(word)).collect::<Vec<_>>().try_into().unwrap()
}

fn attest(list: &[&str], expires: u32) -> DispatchResult {
	Pods::attest(signed(ISSUER), CAROL, tags(list), Tick(expires))
}

fn deposit(tags: &Tags) -> Balance {
	50 + 2 * tags.encode().len() as Balance
}

/// Whether Carol's pod carries a tag by the word of this account, or by its own.
fn carries(word: &str, attested_by: Option<AccountId32>) -> bool {
	Pods::carries(&CAROL, &record(), &RequiredTag { tag: tag(word), attested_by })
}

#[test]
fn counts_for_those_who_name_the_issuer() {
	build_and_execute(|| {
		registered();
		assert_ok!(attest(&["iso-27001", "tee:tdx"], 10));
		let tags = tags(&["iso-27001", "tee:tdx"]);
		let deposit = deposit(&tags);
		assert_eq!(
			take_events(),
			[Event::PodAttested {
				pod: CAROL,
				issuer: ISSUER,
				tags: tags.clone(),
				expires: Tick(10),
				deposit
			}]
		);
		assert_eq!(deposits(&ISSUER), deposit);
		assert_eq!(
			Pods::attestation(CAROL, ISSUER),
			Some(Attestation { tags, expires: Tick(10), deposit })
		);
		assert!(carries("iso-27001", Some(ISSUER)));
		assert!(!carries("iso-27001", Some(DAVE)), "another issuer has said nothing");
		assert!(!carries("iso-27001", None), "the pod has not said so");
		assert!(!carries("tee:sgx", Some(ISSUER)), "another tag");
		assert!(carries("gpu:h100", None));
		assert!(!carries("gpu:h100", Some(ISSUER)), "the pod's own word is not the issuer's");
		assert!(!carries("gpu:h100", Some(CAROL)), "nor an attestation by itself");
	});
}

#[test]
fn counts_until_it_expires() {
	build_and_execute(|| {
		registered();
		assert_ok!(attest(&["iso-27001"], 10));
		go_to(9);
		assert!(carries("iso-27001", Some(ISSUER)));
		go_to(10);
		assert!(!carries("iso-27001", Some(ISSUER)));
	});
}

#[test]
fn replaces_what_the_issuer_said_before_and_its_deposit() {
	build_and_execute(|| {
		registered();
		for list in [&["a"][..], &["b", "c"], &["d", "e"], &["f"]] {
			assert_ok!(attest(list, 10));
			assert_eq!(deposits(&ISSUER), deposit(&tags(list)));
			assert_eq!(Pods::attestation(CAROL, ISSUER).unwrap().tags, tags(list));
		}
		assert!(!carries("a", Some(ISSUER)));
	});
}

#[test]
fn is_kept_apart_by_pod_and_issuer() {
	build_and_execute(|| {
		registered();
		assert_ok!(Pods::register(signed(DAVE), profile(2), None));
		assert_ok!(attest(&["a"], 10));
		assert_ok!(Pods::attest(signed(ISSUER), DAVE, tags(&["b"]), Tick(10)));
		assert_ok!(Pods::attest(signed(DAVE), CAROL, tags(&["b"]), Tick(10)));
		assert!(carries("b", Some(DAVE)) && !carries("b", Some(ISSUER)));
		assert_eq!(deposits(&ISSUER), 2 * deposit(&tags(&["a"])));
		assert_ok!(Pods::revoke(signed(ISSUER), CAROL));
		assert!(carries("b", Some(DAVE)), "another's word stands");
	});
}

#[test]
fn outlives_a_registration_and_can_be_revoked_after_it() {
	build_and_execute(|| {
		leaving();
		assert_ok!(attest(&["a"], 1_000));
		go_to(11);
		assert_ok!(Pods::withdraw(signed(CAROL)));
		assert_ok!(Pods::register(signed(CAROL), profile(1), None));
		assert!(carries("a", Some(ISSUER)), "it speaks of the account");
		assert_ok!(Pods::revoke(signed(ISSUER), CAROL));
	});
}

#[test]
fn fails_for_an_account_that_is_no_pod() {
	build_and_execute(|| {
		assert_noop!(attest(&["a"], 10), Error::<Test>::NotRegistered);
	});
}

#[test]
fn fails_for_tags_that_are_none() {
	build_and_execute(|| {
		registered();
		for list in [&[][..], &["two words"], &["good", ""]] {
			assert_noop!(attest(list, 10), Error::<Test>::MalformedTags);
		}
	});
}

#[test]
fn fails_when_it_has_expired_already() {
	build_and_execute(|| {
		registered();
		go_to(10);
		assert_noop!(attest(&["a"], 10), Error::<Test>::AlreadyPast);
		assert_ok!(attest(&["a"], 11));
	});
}

#[test]
fn fails_without_funds_for_the_deposit() {
	build_and_execute(|| {
		registered();
		assert_noop!(
			Pods::attest(signed(POOR), CAROL, tags(&["a"]), Tick(10)),
			TokenError::FundsUnavailable
		);
	});
}

#[test]
fn fails_without_a_signature() {
	build_and_execute(|| {
		registered();
		assert_noop!(
			Pods::attest(RuntimeOrigin::root(), CAROL, tags(&["a"]), Tick(10)),
			DispatchError::BadOrigin
		);
		assert_noop!(Pods::revoke(RuntimeOrigin::root(), CAROL), DispatchError::BadOrigin);
	});
}

#[test]
fn revoking_releases_the_deposit_even_after_a_change_of_price() {
	build_and_execute(|| {
		registered();
		assert_ok!(attest(&["a"], 10));
		System::reset_events();
		AttestationDepositPerByte::set(9);
		assert_ok!(Pods::revoke(signed(ISSUER), CAROL));
		assert_eq!(deposits(&ISSUER), 0);
		assert!(!carries("a", Some(ISSUER)));
		let (tags, deposit) = (tags(&["a"]), deposit(&tags(&["a"])));
		assert_eq!(
			take_events(),
			[Event::AttestationRevoked { pod: CAROL, issuer: ISSUER, tags, deposit }]
		);
	});
}

#[test]
fn revoking_fails_where_the_sender_has_said_nothing() {
	build_and_execute(|| {
		registered();
		assert_ok!(attest(&["a"], 10));
		for other in [CAROL, DAVE] {
			assert_noop!(Pods::revoke(signed(other), CAROL), Error::<Test>::NotAttested);
		}
	});
}
