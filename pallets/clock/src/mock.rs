// SPDX-License-Identifier: Apache-2.0

//! A runtime for the tests, whose filter and migrations the tests command.

use crate as pallet_clock;
use frame_support::{
	derive_impl, migrations::MultiStepMigrator, parameter_types, traits::Contains, weights::Weight,
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::{BuildStorage, Perbill};

type Block = frame_system::mocking::MockBlock<Test>;

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
	pub type Clock = pallet_clock;
}

/// Most weight of a block.
pub(crate) const BLOCK: u64 = 1_000_000_000_000;
/// Most weight of ordinary transactions.
pub(crate) const NORMAL: u64 = 750_000_000_000;
/// Longest block in bytes.
pub(crate) const LENGTH: u32 = 100_000;

parameter_types! {
	pub Weights: BlockWeights =
		BlockWeights::with_sensible_defaults(Weight::from_parts(BLOCK, u64::MAX), Perbill::from_percent(75));
	pub Length: BlockLength = BlockLength::builder().max_length(LENGTH).build();
	pub static LetsThrough: bool = true;
	pub static Migrates: bool = false;
	pub static Room: crate::Room =
		crate::Room { transactions: 2, weight: Weight::from_parts(10_000_000_000, 0), length: 1_000 };
	pub Probe: RuntimeCall = frame_system::Call::remark { remark: vec![] }.into();
}

pub struct Filter;

impl Contains<RuntimeCall> for Filter {
	fn contains(_: &RuntimeCall) -> bool {
		LetsThrough::get()
	}
}

pub struct Migrator;

impl MultiStepMigrator for Migrator {
	fn ongoing() -> bool {
		Migrates::get()
	}

	fn step() -> Weight {
		Weight::zero()
	}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type BaseCallFilter = Filter;
	type BlockWeights = Weights;
	type BlockLength = Length;
	type MultiBlockMigrator = Migrator;
	type PostTransactions = Clock;
}

impl pallet_clock::Config for Test {
	type Room = Room;
	type Probe = Probe;
	type WeightInfo = ();
}

/// Block 1 of a fresh chain.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

/// Runs a test in block 1 of a fresh chain.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	externalities().execute_with(test);
}
