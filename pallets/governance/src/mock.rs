// SPDX-License-Identifier: Apache-2.0

//! A runtime in which account 1 stands for the body that governs, and whose filter lets nothing
//! through but `enact`.

use crate as pallet_governance;
use frame_support::{
	derive_impl,
	traits::{Contains, SortedMembers},
};
use frame_system::EnsureSignedBy;
use sp_runtime::BuildStorage;

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
	pub type Governance = pallet_governance;
}

/// Stands for the body.
pub struct Body;

impl SortedMembers<u64> for Body {
	fn sorted_members() -> Vec<u64> {
		vec![1]
	}
}

/// Lets nothing through but this pallet's calls.
pub struct Filter;

impl Contains<RuntimeCall> for Filter {
	fn contains(call: &RuntimeCall) -> bool {
		matches!(call, RuntimeCall::Governance(_))
	}
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = frame_system::mocking::MockBlock<Test>;
	type BaseCallFilter = Filter;
}

impl pallet_governance::Config for Test {
	type RuntimeCall = RuntimeCall;
	type EnactOrigin = EnsureSignedBy<Body, u64>;
	type WeightInfo = ();
}

/// Block 1 of an empty chain: there are no events in the block of the genesis.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| System::set_block_number(1));
	externalities
}

/// Runs a test on an empty chain.
pub(crate) fn on_chain(test: impl FnOnce()) {
	externalities().execute_with(test);
}
