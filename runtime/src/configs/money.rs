// SPDX-License-Identifier: Apache-2.0

//! Balances and fees.

use crate::{
	units::{EXISTENTIAL_DEPOSIT, MICRO_POD},
	AccountId, Authorship, Balance, Balances, Runtime, RuntimeEvent, RuntimeFreezeReason,
	RuntimeHoldReason, System,
};
use frame_support::{
	parameter_types,
	traits::{
		fungible::{Balanced, Credit},
		ConstU128, ConstU32, ConstU8, OnUnbalanced, VariantCountOf,
	},
	weights::{ConstantMultiplier, IdentityFee},
};
use pallet_transaction_payment::{FungibleAdapter, Multiplier, TargetedFeeAdjustment};
use sp_runtime::{traits::Bounded, FixedPointNumber, Perquintill};

parameter_types! {
	/// Share of a block's ordinary capacity above which fees rise, and below which they fall.
	pub const TargetBlockFullness: Perquintill = Perquintill::from_percent(25);

	/// How fast fees move: in a day of full blocks they grow about fivefold.
	pub AdjustmentVariable: Multiplier = Multiplier::saturating_from_rational(75, 1_000_000);

	/// On an idle chain fees are the base price and no less: it pays for what a transaction costs
	/// the validators.
	pub MinimumMultiplier: Multiplier = Multiplier::saturating_from_integer(1);

	/// There is no upper bound: a lasting flood must become too expensive for anybody.
	pub MaximumMultiplier: Multiplier = Bounded::max_value();
}

/// Price of a byte of a transaction: a block of 5 MB that is full of bytes costs five tokens.
pub const BYTE_FEE: Balance = MICRO_POD;

/// Gives fees and tips to the author of the block.
///
/// What cannot be deposited is burned: a fee below the existential deposit to an author without an
/// account.
pub struct ToAuthor;

impl OnUnbalanced<Credit<AccountId, Balances>> for ToAuthor {
	fn on_nonzero_unbalanced(fee: Credit<AccountId, Balances>) {
		if let Some(author) = Authorship::author() {
			// Dropping what could not be deposited burns it.
			drop(Balances::resolve(&author, fee));
		}
	}
}

impl pallet_balances::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeHoldReason = RuntimeHoldReason;
	type RuntimeFreezeReason = RuntimeFreezeReason;
	type WeightInfo = pallet_balances::weights::SubstrateWeight<Runtime>;
	type Balance = Balance;
	type DustRemoval = ();
	type ExistentialDeposit = ConstU128<EXISTENTIAL_DEPOSIT>;
	type AccountStore = System;
	type ReserveIdentifier = [u8; 8];
	type FreezeIdentifier = RuntimeFreezeReason;
	// Nothing here uses locks or named reserves; the limits are the customary ones.
	type MaxLocks = ConstU32<50>;
	type MaxReserves = ConstU32<50>;
	type MaxFreezes = VariantCountOf<RuntimeFreezeReason>;
	type DoneSlashHandler = ();
}

impl pallet_transaction_payment::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type OnChargeTransaction = FungibleAdapter<Balances, ToAuthor>;
	// A unit of money for a picosecond: a second of everybody's computation costs one token.
	type WeightToFee = IdentityFee<Balance>;
	type LengthToFee = ConstantMultiplier<Balance, ConstU128<BYTE_FEE>>;
	type FeeMultiplierUpdate = TargetedFeeAdjustment<
		Runtime,
		TargetBlockFullness,
		AdjustmentVariable,
		MinimumMultiplier,
		MaximumMultiplier,
	>;
	type OperationalFeeMultiplier = ConstU8<5>;
	type WeightInfo = pallet_transaction_payment::weights::SubstrateWeight<Runtime>;
}
