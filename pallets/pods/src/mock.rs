// SPDX-License-Identifier: Apache-2.0

//! A runtime for the tests, with real balances.

use crate as pallet_pods;
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold, weights::Weight};
use frame_system::EnsureRoot;
use proofpod_primitives::{
	pod::{PodProfile, Region, Tag},
	Balance, EncryptionKey, Tick, Ticks,
};
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
	pub type Pods = pallet_pods;
	#[runtime::pallet_index(3)]
	pub type Clock = pallet_clock;
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
	pub const Room: pallet_clock::Room =
		pallet_clock::Room { transactions: 1, weight: Weight::zero(), length: 1 };
	pub Probe: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
}

impl pallet_clock::Config for Test {
	type Room = Room;
	type Probe = Probe;
	type WeightInfo = ();
}

parameter_types! {
	pub static Bond: Balance = 1_000;
	pub static MaxExposure: u32 = 3;
	pub static UnbondingPeriod: Ticks = 10;
	pub static HeartbeatPeriod: Ticks = 9;
	pub static HeartbeatsPerBlock: u32 = 2;
	pub static SuspensionThreshold: u8 = 2;
	pub static SuspensionBase: Ticks = 10;
	pub static MaxSuspension: Ticks = 35;
	pub static InitialAveragePrice: Balance = 100;
	pub static AttestationDepositPerByte: Balance = 2;
	pub const AttestationDepositBase: Balance = 50;
}

impl pallet_pods::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = EnsureRoot<AccountId32>;
	type Bond = Bond;
	type MaxExposure = MaxExposure;
	type UnbondingPeriod = UnbondingPeriod;
	type HeartbeatPeriod = HeartbeatPeriod;
	type HeartbeatsPerBlock = HeartbeatsPerBlock;
	type SuspensionThreshold = SuspensionThreshold;
	type SuspensionBase = SuspensionBase;
	type MaxSuspension = MaxSuspension;
	type InitialAveragePrice = InitialAveragePrice;
	type AttestationDepositBase = AttestationDepositBase;
	type AttestationDepositPerByte = AttestationDepositPerByte;
	type WeightInfo = ();
}

/// An account with funds.
pub(crate) const CAROL: AccountId32 = AccountId32::new([1; 32]);
/// Another account with funds.
pub(crate) const DAVE: AccountId32 = AccountId32::new([2; 32]);
/// An account with funds that works for a pod.
pub(crate) const HOT: AccountId32 = AccountId32::new([4; 32]);
/// An account with funds whose word some trust.
pub(crate) const ISSUER: AccountId32 = AccountId32::new([5; 32]);
/// An account whose funds do not suffice for the bond.
pub(crate) const POOR: AccountId32 = AccountId32::new([3; 32]);

/// What the accounts with funds have at the start.
pub(crate) const FUNDS: Balance = 10_000;

/// Tick 1 of a fresh chain.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(CAROL, FUNDS), (DAVE, FUNDS), (HOT, FUNDS), (ISSUER, FUNDS), (POOR, 10)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| {
		System::set_block_number(1);
		go_to(1);
	});
	externalities
}

/// Runs a test at tick 1 of a fresh chain, and checks the chain's state after it.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	externalities().execute_with(|| {
		test();
		Pods::do_try_state().unwrap();
	});
}

/// Events of the pallet since the last call.
pub(crate) fn take_events() -> Vec<crate::Event<Test>> {
	let events = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Pods(event) => Some(event),
			_ => None,
		})
		.collect();
	System::reset_events();
	events
}

/// Goes to a tick.
pub(crate) fn go_to(tick: u32) {
	pallet_clock::Ticks::<Test>::put(Tick(tick));
}

/// What is held from an account as a pod's bond.
pub(crate) fn held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&crate::HoldReason::PodBond.into(), who)
}

/// What is held from an account for its attestations.
pub(crate) fn deposits(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&crate::HoldReason::AttestationDeposit.into(), who)
}

/// A tag.
pub(crate) fn tag(tag: &str) -> Tag {
	tag.as_bytes().to_vec().try_into().unwrap()
}

/// A profile whose encryption key is this byte, over and over.
pub(crate) fn profile(key: u8) -> PodProfile {
	PodProfile {
		endpoint: b"https://pod.example:8443".to_vec().try_into().unwrap(),
		encryption_key: EncryptionKey([key; 32]),
		regions: vec![Region(*b"CH")].try_into().unwrap(),
		models: Default::default(),
		tags: vec![tag("gpu:h100")].try_into().unwrap(),
	}
}
