// SPDX-License-Identifier: Apache-2.0

//! A runtime for the tests: real balances, real verifying keys.

use crate as pallet_models;
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use pallet_proofs::forge::ForgedKey;
use proofpod_primitives::{
	manifest::{
		ModelManifest, OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION,
	},
	Balance, Digest, VerifyingKeyId,
};
use proofpod_verifier::Native;
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage};

type Block = frame_system::mocking::MockBlockU32<Test>;

#[frame_support::runtime]
mod test_runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Proofs = pallet_proofs;
	#[runtime::pallet_index(3)]
	pub type Models = pallet_models;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<Balance>;
	type DbWeight = frame_support::weights::constants::RocksDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1>;
}

parameter_types! {
	pub const KeyDepositBase: Balance = 1_000;
	pub const DepositBase: Balance = 500;
	pub static DepositPerByte: Balance = 10;
}

impl pallet_proofs::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Verifier = proofpod_verifier::Groth16<Native>;
	type DepositBase = KeyDepositBase;
	type DepositPerByte = DepositPerByte;
	type WeightInfo = ();
}

impl pallet_models::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = DepositBase;
	type DepositPerByte = DepositPerByte;
	type WeightInfo = ();
}

/// The account that registers keys, with funds.
pub(crate) const SETTER: AccountId32 = AccountId32::new([9; 32]);
/// An account with funds.
pub(crate) const ALICE: AccountId32 = AccountId32::new([1; 32]);
/// Another account with funds.
pub(crate) const BOB: AccountId32 = AccountId32::new([2; 32]);
/// An account whose funds do not suffice for any deposit.
pub(crate) const POOR: AccountId32 = AccountId32::new([3; 32]);

/// What the accounts with funds have at the start.
pub(crate) const FUNDS: Balance = 1_000_000;

/// Block 1 of a fresh chain.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(SETTER, FUNDS), (ALICE, FUNDS), (BOB, FUNDS), (POOR, 10)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| {
		System::set_block_number(1);
	});
	externalities
}

/// Runs a test in block 1 of a fresh chain, and checks the chain's state after it.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	externalities().execute_with(|| {
		test();
		Models::do_try_state().unwrap();
	});
}

/// Events of the pallet since the last call.
pub(crate) fn take_events() -> Vec<crate::Event<Test>> {
	let events = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Models(event) => Some(event),
			_ => None,
		})
		.collect();
	System::reset_events();
	events
}

/// What is held from an account for its models.
pub(crate) fn held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&crate::HoldReason::ModelDeposit.into(), who)
}

/// Registers a verifying key with this many public inputs.
pub(crate) fn register_key(inputs: u32) -> VerifyingKeyId {
	let key = ForgedKey::new(inputs, 1);
	Proofs::register_key(RuntimeOrigin::signed(SETTER), key.verifying_key()).unwrap();
	System::reset_events();
	key.id()
}

/// A manifest with a sealed output of one element: its key has four public inputs.
pub(crate) fn manifest(verifying_key: VerifyingKeyId) -> ModelManifest {
	ModelManifest {
		version: MANIFEST_VERSION,
		name: b"digits".to_vec().try_into().unwrap(),
		interface: Digest([1; 32]),
		verifying_key,
		proving_key: Digest([3; 32]),
		input_len: 64,
		output_len: 10,
		output_elements: 1,
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Public,
		setup: SetupProvenance::SingleParty,
	}
}
