// SPDX-License-Identifier: Apache-2.0

//! Blocks and their limits.

use super::consensus::ActiveValidators;
use crate::{
	AccountId, Balance, Block, BlockNumber, Clock, Hash, Migrations, Nonce, PalletInfo, Runtime,
	RuntimeCall, RuntimeEvent, RuntimeOrigin, RuntimeTask, RuntimeVersion, SafeMode, VERSION,
};
use frame_support::{
	derive_impl,
	dispatch::DispatchClass,
	parameter_types,
	traits::{ConstU32, Contains, InsideBoth},
	weights::{
		constants::{
			BlockExecutionWeight, ExtrinsicBaseWeight, ParityDbWeight, WEIGHT_REF_TIME_PER_MILLIS,
		},
		Weight,
	},
};
use frame_system::limits::{BlockLength, BlockWeights};
use sp_runtime::Perbill;

/// Milliseconds of computation in a block: half a slot, for a block is executed by its author and
/// then by every other node before the next one builds on it.
pub const BLOCK_COMPUTATION_MILLIS: u64 = 1_500;

/// Share of a block that ordinary transactions may fill. The rest is for operational ones, such as
/// a vote of the council, which must get through when the chain is busy, and which may fill no more
/// than that rest: strangers can send some that fail, such as `council.close`, and their price does
/// not rise with the load.
pub const NORMAL_SHARE: Perbill = Perbill::from_percent(75);

/// Share of a block that is expected to be taken by `on_initialize`: Aura, authorship, session.
const INITIALIZATION_SHARE: Perbill = Perbill::from_percent(5);

/// Longest block in bytes. A result takes about 1 kB, so computation is the scarcer resource.
const BLOCK_LENGTH: u32 = 5 * 1024 * 1024;

/// Longest header in bytes that an author may begin a block with, its digest included: about 120 are
/// used. Reports of two blocks in one slot carry both headers, and only up to a limit, which
/// nobody's headers must exceed.
const AUTHORED_HEADER_LENGTH: u32 = 8 * 1024;

parameter_types! {
	/// Hashes of the last hour of blocks remain known, so that transactions may be mortal for up
	/// to that long.
	pub const BlockHashCount: BlockNumber = 1_200;

	/// The version of this runtime.
	pub const Version: RuntimeVersion = VERSION;

	/// The longest blocks.
	pub RuntimeBlockLength: BlockLength = BlockLength::builder()
		.max_length(BLOCK_LENGTH)
		.modify_max_length_for_class(DispatchClass::Normal, |length| {
			*length = NORMAL_SHARE.mul_floor(BLOCK_LENGTH)
		})
		.max_header_size(AUTHORED_HEADER_LENGTH)
		.build();

	/// The most computation in a block. State is not proved to third parties, so the size of proofs
	/// is not limited.
	pub RuntimeBlockWeights: BlockWeights = {
		let computation = BLOCK_COMPUTATION_MILLIS.saturating_mul(WEIGHT_REF_TIME_PER_MILLIS);
		let block = Weight::from_parts(computation, u64::MAX);
		let normal = Weight::from_parts(
			NORMAL_SHARE.mul_floor(computation),
			NORMAL_SHARE.mul_floor(u64::MAX),
		);
		BlockWeights::builder()
			.base_block(BlockExecutionWeight::get())
			.for_class(DispatchClass::all(), |weights| {
				weights.base_extrinsic = ExtrinsicBaseWeight::get();
			})
			.for_class(DispatchClass::Normal, |weights| {
				weights.max_total = Some(normal);
			})
			.for_class(DispatchClass::Operational, |weights| {
				let rest = block.saturating_sub(normal);
				weights.max_total = Some(rest);
				weights.reserved = Some(rest);
			})
			.avg_block_initialization(INITIALIZATION_SHARE)
			.build_or_panic()
	};

	/// The prefix of this chain's SS58 addresses: the generic one of Substrate chains.
	pub const SS58Prefix: u16 = 42;
}

/// Calls that transactions may make, as long as the chain is not in safe mode.
///
/// All but `session.purge_keys`: a listed validator that took its keys away would drop out of the
/// next session however few remained. `validators.withdraw_keys` does the same for everybody else.
pub struct PublicCalls;

impl Contains<RuntimeCall> for PublicCalls {
	fn contains(call: &RuntimeCall) -> bool {
		!matches!(call, RuntimeCall::Session(pallet_session::Call::purge_keys {}))
	}
}

#[derive_impl(frame_system::config_preludes::SolochainDefaultConfig)]
impl frame_system::Config for Runtime {
	type BaseCallFilter = InsideBoth<PublicCalls, SafeMode>;
	type Block = Block;
	type AccountId = AccountId;
	type Nonce = Nonce;
	type Hash = Hash;
	type BlockHashCount = BlockHashCount;
	type BlockLength = RuntimeBlockLength;
	type BlockWeights = RuntimeBlockWeights;
	type DbWeight = ParityDbWeight;
	type Version = Version;
	type AccountData = pallet_balances::AccountData<Balance>;
	type SystemWeightInfo = frame_system::weights::SubstrateWeight<Runtime>;
	type ExtensionsWeightInfo = frame_system::SubstrateExtensionsWeight<Runtime>;
	type SS58Prefix = SS58Prefix;
	type MaxConsumers = ConstU32<16>;
	type SingleBlockMigrations = (
		pallet_clock::migrations::Start<Runtime>,
		pallet_validators::migrations::V2<Runtime, ActiveValidators>,
	);
	type PostTransactions = Clock;
	type MultiBlockMigrator = Migrations;
}
