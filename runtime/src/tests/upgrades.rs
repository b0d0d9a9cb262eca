// SPDX-License-Identifier: Apache-2.0

//! A new runtime: the council authorises its hash, and anybody supplies it; and what it migrates.
//!
//! In place of a runtime in WebAssembly stands its encoded version, which is all that the chain
//! reads of it before it stores it.

use super::{
	chain::begin_block,
	council::{decide, enact},
	genesis::state_of,
};
use crate::{
	configs::consensus::ValidatorBond, Balances, Executive, Hash, Runtime, RuntimeCall,
	RuntimeEvent, RuntimeOrigin, SafeMode, Session, System, UncheckedExtrinsic, Validators,
	VERSION,
};
use codec::Encode;
use frame_support::traits::{fungible::MutateHold, tokens::Precision, StorageVersion};
use pallet_validators::{Candidates, HoldReason, KeySets, Sessions};
use sp_core::{
	storage::well_known_keys::CODE,
	traits::{Externalities, ReadRuntimeVersion, ReadRuntimeVersionExt},
};
use sp_keyring::Sr25519Keyring::{Alice, Bob, Charlie};
use sp_runtime::{
	traits::{BlakeTwo256, Hash as _},
	transaction_validity::{InvalidTransaction, TransactionSource, TransactionValidityError},
	DispatchError,
};
use sp_version::RuntimeVersion;

/// Takes the whole code for its version.
struct CodeIsVersion;

impl ReadRuntimeVersion for CodeIsVersion {
	fn read_runtime_version(
		&self,
		code: &[u8],
		_: &mut dyn Externalities,
	) -> Result<Vec<u8>, String> {
		Ok(code.to_vec())
	}
}

/// The code of a runtime with this version.
fn code(version: RuntimeVersion) -> Vec<u8> {
	version.encode()
}

/// The code of the next runtime.
fn next() -> Vec<u8> {
	code(RuntimeVersion { spec_version: VERSION.spec_version + 1, ..VERSION })
}

fn authorise(code: &[u8]) -> RuntimeCall {
	let code_hash = BlakeTwo256::hash(code);
	enact(RuntimeCall::System(frame_system::Call::authorize_upgrade { code_hash }))
}

/// The transaction that anybody may send: nobody signs it and nobody pays for it.
fn apply(code: Vec<u8>) -> UncheckedExtrinsic {
	UncheckedExtrinsic::new_bare(RuntimeCall::System(
		frame_system::Call::apply_authorized_upgrade { code },
	))
}

fn stored() -> Option<Vec<u8>> {
	frame_support::storage::unhashed::get_raw(CODE)
}

fn on_chain(test: impl FnOnce()) {
	let mut externalities = state_of("staging");
	externalities.register_extension(ReadRuntimeVersionExt::new(CodeIsVersion));
	externalities.execute_with(|| {
		begin_block(1);
		test();
	});
}

#[test]
fn the_council_authorises_and_anybody_applies() {
	on_chain(|| {
		let unauthorised = Err(TransactionValidityError::Invalid(InvalidTransaction::Call));
		assert_eq!(Executive::apply_extrinsic(apply(next())), unauthorised);
		assert_eq!(decide(&[Alice, Bob], authorise(&next())), Err(DispatchError::BadOrigin));
		assert_eq!(decide(&[Alice, Bob, Charlie], authorise(&next())), Ok(()));
		let other = code(RuntimeVersion { spec_version: VERSION.spec_version + 2, ..VERSION });
		assert_eq!(Executive::apply_extrinsic(apply(other)), unauthorised);

		let source = TransactionSource::External;
		Executive::validate_transaction(source, apply(next()), Hash::zero()).unwrap();
		Executive::apply_extrinsic(apply(next())).unwrap().unwrap();
		assert_eq!(stored(), Some(next()));
		let hash = BlakeTwo256::hash(&next());
		System::assert_has_event(frame_system::Event::CodeUpdated { hash }.into());
		assert_eq!(Executive::apply_extrinsic(apply(next())), unauthorised, "once");
	});
}

#[test]
fn an_upgrade_gets_through_in_safe_mode() {
	on_chain(|| {
		SafeMode::force_enter(RuntimeOrigin::root()).unwrap();
		assert_eq!(decide(&[Alice, Bob, Charlie], authorise(&next())), Ok(()));
		Executive::apply_extrinsic(apply(next())).unwrap().unwrap();
		assert_eq!(stored(), Some(next()));
	});
}

#[test]
fn neither_the_same_version_nor_another_chains_runtime_is_applied() {
	let same = RuntimeVersion { spec_version: VERSION.spec_version, ..VERSION };
	let foreign = RuntimeVersion { spec_name: "another".into(), spec_version: 99, ..VERSION };
	for (version, expected) in [
		(same, frame_system::Error::<Runtime>::SpecVersionNeedsToIncrease),
		(foreign, frame_system::Error::<Runtime>::InvalidSpecName),
	] {
		on_chain(|| {
			let (before, code) = (stored(), code(version));
			assert_eq!(decide(&[Alice, Bob, Charlie], authorise(&code)), Ok(()));
			Executive::apply_extrinsic(apply(code)).unwrap().unwrap();
			assert_eq!(stored(), before);
			let expected = DispatchError::from(expected);
			let rejected = System::events().into_iter().any(|record| {
				matches!(
					record.event,
					RuntimeEvent::System(
						frame_system::Event::RejectedInvalidAuthorizedUpgrade { error, .. }
					) if error == expected
				)
			});
			assert!(rejected);
		});
	}
}

#[test]
fn validators_that_were_listed_without_a_bond_bond_with_the_upgrade() {
	state_of("staging").execute_with(|| {
		for validator in Session::validators() {
			let (reason, bond) = (HoldReason::ValidatorBond.into(), ValidatorBond::get());
			Balances::release(&reason, &validator, bond, Precision::Exact).unwrap();
		}
		let _ = Candidates::<Runtime>::clear(u32::MAX, None);
		let _ = Sessions::<Runtime>::clear(u32::MAX, None);
		let _ = KeySets::<Runtime>::clear(u32::MAX, None);
		StorageVersion::new(1).put::<Validators>();
		frame_system::LastRuntimeUpgrade::<Runtime>::kill();
		Validators::do_try_state().unwrap_err();

		begin_block(1);
		assert_eq!(StorageVersion::get::<Validators>(), 2);
		for validator in Session::validators() {
			let candidate = Validators::candidate(validator).unwrap();
			assert_eq!((candidate.bond, candidate.is_listed()), (ValidatorBond::get(), true));
		}
		Validators::do_try_state().unwrap();
	});
}

#[test]
fn the_rehearsed_runtime_has_the_next_version_and_is_the_same_otherwise() {
	// It is compiled with a feature of its own only, so the two are read.
	let fields = |source: &str| {
		let (_, rest) =
			source.split_once("pub const VERSION: RuntimeVersion = RuntimeVersion {").unwrap();
		rest.split_once("};").unwrap().0.to_owned()
	};
	let spec = |version: u32| format!("\tspec_version: {version},");
	let (this, next) = (VERSION.spec_version, VERSION.spec_version + 1);
	let expected = fields(include_str!("../lib.rs")).replace(&spec(this), &spec(next));
	assert!(expected.contains(&spec(next)));
	assert_eq!(fields(include_str!("../configs/rehearsal.rs")), expected);
}
