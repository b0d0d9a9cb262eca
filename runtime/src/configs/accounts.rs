// SPDX-License-Identifier: Apache-2.0

//! Acting together, on behalf of others, and with the sudo key.

use crate::{
	units::deposit, Balance, Balances, OriginCaller, Runtime, RuntimeCall, RuntimeEvent, System,
};
use codec::{Decode, DecodeWithMemTracking, Encode, MaxEncodedLen};
use frame_support::{
	parameter_types,
	traits::{ConstU32, InstanceFilter},
};
use scale_info::TypeInfo;
use sp_runtime::traits::BlakeTwo256;

parameter_types! {
	/// Deposit for an account's list of proxies, without its entries.
	pub const ProxyDepositBase: Balance = deposit(1, 16 + 32);

	/// Deposit for a proxy: its account, its type and its delay.
	pub const ProxyDepositFactor: Balance = deposit(0, 32 + 1 + 4);

	/// Deposit for a list of announcements, without its entries.
	pub const AnnouncementDepositBase: Balance = deposit(1, 16 + 32);

	/// Deposit for an announcement: account, hash of the call, and block.
	pub const AnnouncementDepositFactor: Balance = deposit(0, 32 + 32 + 4);

	/// Deposit for a pending multisignature call, without its approvals.
	pub const MultisigDepositBase: Balance = deposit(1, 88 + 32);

	/// Deposit for an approval of a multisignature call.
	pub const MultisigDepositFactor: Balance = deposit(0, 32);
}

/// What a proxy may do for the account that appointed it.
#[derive(
	Clone,
	Copy,
	Debug,
	Default,
	PartialEq,
	Eq,
	PartialOrd,
	Ord,
	Encode,
	Decode,
	DecodeWithMemTracking,
	MaxEncodedLen,
	TypeInfo,
)]
pub enum ProxyType {
	/// Everything.
	#[default]
	#[codec(index = 0)]
	Any,
	/// Everything but what can move money to another: no transfers, no root, no seat in the
	/// council, no jobs to pay for, no bonds to lose: neither to bond as a validator, nor to sign
	/// in one's name, by session keys of the proxy's own, nor to name a pod's operator.
	#[codec(index = 1)]
	NonTransfer,
	/// A pod's own work, and batches of it, for accounts that work with proxies; an operator, whom
	/// the pod itself names, does the same without, but for leaving. Such a key can lose bonds, by
	/// locking jobs and not proving them: whoever steals it can open such jobs itself, as their
	/// client, and be compensated with half of the slash. It loses no more than the pods pallet's
	/// cap in all: what makes the chain forget losses, to bond more, to name the operator or to
	/// register anew, is not among its calls.
	#[codec(index = 2)]
	PodOperator,
}

impl InstanceFilter<RuntimeCall> for ProxyType {
	fn filter(&self, call: &RuntimeCall) -> bool {
		use pallet_jobs::Call as Jobs;
		use pallet_pods::Call as Pods;
		use pallet_session::Call as Session;
		use pallet_utility::Call as Utility;
		use pallet_validators::Call as Validators;

		match self {
			Self::Any => true,
			Self::NonTransfer => !matches!(
				call,
				RuntimeCall::Balances(_)
					| RuntimeCall::Sudo(_)
					| RuntimeCall::Council(_)
					| RuntimeCall::Governance(_)
					| RuntimeCall::Multisig(_)
					| RuntimeCall::Pods(
						Pods::register { .. }
							| Pods::update { .. } | Pods::set_operator { .. }
							| Pods::bond_more { .. }
					) | RuntimeCall::Jobs(
					Jobs::open { .. }
						| Jobs::lock { .. }
						| Jobs::acknowledge { .. }
						| Jobs::discard { .. }
						| Jobs::release { .. }
				) | RuntimeCall::Session(Session::set_keys { .. })
					| RuntimeCall::Validators(
						Validators::apply { .. }
							| Validators::bond_more { .. }
							| Validators::rejoin { .. }
					)
			),
			// Calls inside a batch pass through this filter one by one.
			Self::PodOperator => matches!(
				call,
				RuntimeCall::Pods(
					Pods::update { .. }
						| Pods::leave { .. }
						| Pods::withdraw { .. }
						| Pods::heartbeat { .. }
				) | RuntimeCall::Jobs(
					Jobs::lock { .. }
						| Jobs::acknowledge { .. }
						| Jobs::submit_result { .. }
						| Jobs::discard { .. }
						| Jobs::release { .. }
						| Jobs::poke { .. }
				) | RuntimeCall::Utility(
					Utility::batch { .. } | Utility::batch_all { .. } | Utility::force_batch { .. }
				)
			),
		}
	}

	fn is_superset(&self, other: &Self) -> bool {
		match (self, other) {
			(Self::Any, _) => true,
			_ => self == other,
		}
	}
}

impl pallet_utility::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type PalletsOrigin = OriginCaller;
	type WeightInfo = pallet_utility::weights::SubstrateWeight<Runtime>;
}

impl pallet_proxy::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type ProxyType = ProxyType;
	type ProxyDepositBase = ProxyDepositBase;
	type ProxyDepositFactor = ProxyDepositFactor;
	type MaxProxies = ConstU32<32>;
	type WeightInfo = pallet_proxy::weights::SubstrateWeight<Runtime>;
	type MaxPending = ConstU32<32>;
	type CallHasher = BlakeTwo256;
	type AnnouncementDepositBase = AnnouncementDepositBase;
	type AnnouncementDepositFactor = AnnouncementDepositFactor;
	type BlockNumberProvider = System;
}

impl pallet_multisig::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type Currency = Balances;
	type DepositBase = MultisigDepositBase;
	type DepositFactor = MultisigDepositFactor;
	type MaxSignatories = ConstU32<100>;
	type WeightInfo = pallet_multisig::weights::SubstrateWeight<Runtime>;
	type BlockNumberProvider = System;
}

// Holds a key in development and local chains only: see the crate's documentation.
impl pallet_sudo::Config for Runtime {
	type RuntimeEvent = RuntimeEvent;
	type RuntimeCall = RuntimeCall;
	type WeightInfo = pallet_sudo::weights::SubstrateWeight<Runtime>;
}
