// SPDX-License-Identifier: Apache-2.0

//! A runtime of this pallet, sessions of five blocks, and balances for the deposit of keys.

use crate as pallet_validators;
use codec::Encode;
use frame_support::{
	derive_impl, parameter_types,
	traits::{ConstU128, ConstU32, OnInitialize},
};
use frame_system::{EnsureRoot, GenesisConfig as SystemGenesisConfig};
use pallet_session::{PeriodicSessions, SessionHandler};
use sp_runtime::{
	impl_opaque_keys,
	key_types::DUMMY,
	testing::{TestSignature, UintAuthorityId},
	traits::{IdentityLookup, OpaqueKeys},
	AccountId32, BuildStorage, KeyTypeId,
};

pub(crate) const SESSION: u32 = 5;
pub(crate) const KEY_DEPOSIT: u128 = 10;
pub(crate) const ENDOWMENT: u128 = 1_000;
pub(crate) const MIN_VALIDATORS: u32 = 2;
pub(crate) const MAX_VALIDATORS: u32 = 4;

/// Test account number `number`; 1, 2 and 3 validate from genesis.
pub(crate) fn account(number: u8) -> AccountId32 {
	AccountId32::new([number; 32])
}

/// Session keys of [`account`]`(number)`.
pub(crate) fn keys(number: u8) -> MockKeys {
	MockKeys { authority: UintAuthorityId(number.into()) }
}

/// Proof that the account owns its session keys.
pub(crate) fn ownership_proof(number: u8) -> Vec<u8> {
	(TestSignature(number.into(), account(number).encode()),).encode()
}

#[frame_support::runtime]
mod runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type ValidatorList = pallet_validators;
	#[runtime::pallet_index(3)]
	pub type Session = pallet_session;
}

impl_opaque_keys! {
	pub struct MockKeys {
		pub authority: UintAuthorityId,
	}
}

parameter_types! {
	/// What a consensus engine would have been told last.
	pub static Authorities: Vec<AccountId32> = Vec::new();
	/// How often it was told that they changed.
	pub static Changes: u32 = 0;
}

/// Stands for a consensus engine.
pub struct Recorder;

impl SessionHandler<AccountId32> for Recorder {
	const KEY_TYPE_IDS: &'static [KeyTypeId] = &[DUMMY];

	fn on_genesis_session<Keys: OpaqueKeys>(validators: &[(AccountId32, Keys)]) {
		Authorities::set(validators.iter().map(|(validator, _)| validator.clone()).collect());
	}

	fn on_new_session<Keys: OpaqueKeys>(
		changed: bool,
		validators: &[(AccountId32, Keys)],
		_: &[(AccountId32, Keys)],
	) {
		if changed {
			Changes::mutate(|changes| *changes += 1);
		}
		Authorities::set(validators.iter().map(|(validator, _)| validator.clone()).collect());
	}

	fn on_disabled(_: u32) {}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlockU32<Test>;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<u128>;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = u128;
	type ExistentialDeposit = ConstU128<1>;
}

impl pallet_session::Config for Test {
	type RuntimeEvent = RuntimeEvent;
	type ValidatorId = AccountId32;
	type ValidatorIdOf = sp_runtime::traits::ConvertInto;
	type ShouldEndSession = PeriodicSessions<ConstU32<SESSION>, ConstU32<0>>;
	type NextSessionRotation = PeriodicSessions<ConstU32<SESSION>, ConstU32<0>>;
	type SessionManager = ValidatorList;
	type SessionHandler = Recorder;
	type Keys = MockKeys;
	type DisablingStrategy = ();
	type WeightInfo = ();
	type Currency = Balances;
	type KeyDeposit = ConstU128<KEY_DEPOSIT>;
}

impl pallet_validators::Config for Test {
	type AdminOrigin = EnsureRoot<AccountId32>;
	type MinValidators = ConstU32<MIN_VALIDATORS>;
	type MaxValidators = ConstU32<MAX_VALIDATORS>;
	type WeightInfo = ();
}

/// Genesis storage with the given validators; accounts 1 to 9 have money, 1 to 3 have keys.
pub(crate) fn genesis(validators: &[u8]) -> Result<sp_runtime::Storage, String> {
	Authorities::set(Vec::new());
	Changes::set(0);
	RuntimeGenesisConfig {
		system: SystemGenesisConfig::default(),
		balances: pallet_balances::GenesisConfig {
			balances: (1..=9).map(|number| (account(number), ENDOWMENT)).collect(),
			dev_accounts: None,
		},
		validator_list: pallet_validators::GenesisConfig {
			validators: validators.iter().copied().map(account).collect(),
		},
		session: pallet_session::GenesisConfig {
			keys: (1..=3).map(|number| (account(number), account(number), keys(number))).collect(),
			non_authority_keys: Vec::new(),
		},
	}
	.build_storage()
}

/// Runs a test on a chain with validators 1, 2 and 3, and checks the pallet's invariants after it.
pub(crate) fn on_chain(test: impl FnOnce()) {
	let mut externalities = sp_io::TestExternalities::new(genesis(&[1, 2, 3]).unwrap());
	externalities.execute_with(|| {
		System::set_block_number(1);
		test();
		ValidatorList::do_try_state().unwrap();
	});
}

/// Makes blocks until the first one of session `session`.
pub(crate) fn run_to_session(session: u32) {
	let block = session * SESSION;
	assert!(System::block_number() < block, "session {session} has begun already");
	while System::block_number() < block {
		let now = System::block_number() + 1;
		System::set_block_number(now);
		Session::on_initialize(now);
	}
	assert_eq!(Session::current_index(), session);
}

/// Registers session keys for an account.
pub(crate) fn set_keys(number: u8) {
	Session::set_keys(
		RuntimeOrigin::signed(account(number)),
		keys(number),
		ownership_proof(number),
	)
	.unwrap();
}

/// Numbers of the accounts that consensus knows as authorities.
pub(crate) fn active() -> Vec<u8> {
	let authorities = Authorities::get();
	assert_eq!(authorities, Session::validators());
	authorities.iter().map(|authority| authority.as_ref() as &[u8]).map(|bytes| bytes[0]).collect()
}
