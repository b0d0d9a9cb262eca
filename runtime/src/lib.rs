// SPDX-License-Identifier: Apache-2.0

//! The Proofpod chain's state transition function.
//!
//! * [`configs`]: what this chain decides for each pallet, grouped by concern;
//! * [`apis`]: what a node can ask the runtime;
//! * [`genesis_config_presets`]: the genesis of development and local chains;
//! * [`units`]: money and time.
//!
//! With the feature `runtime-benchmarks` a node can measure the weights of the pallets.
//!
//! ## Root
//!
//! Upgrading the runtime needs the root origin. A council has it by three quarters of its votes,
//! and admits validators by two thirds ([`configs::governance`]). The development and local presets
//! have no council, and give the root origin to Alice through the sudo pallet. The default genesis
//! names neither a council nor a sudo key, so there nobody is root.

#![cfg_attr(not(feature = "std"), no_std)]
#![recursion_limit = "256"]
// What `frame_support::runtime` and `impl_runtime_apis!` write is public, has no documentation, and
// is out of reach of a narrower attribute. Modules without such macros are warned about below.
#![allow(missing_docs)]
#![cfg_attr(
	not(test),
	deny(
		clippy::unwrap_used,
		clippy::expect_used,
		clippy::indexing_slicing,
		clippy::arithmetic_side_effects,
		clippy::panic
	)
)]

#[cfg(feature = "std")]
mod wasm {
	include!(concat!(env!("OUT_DIR"), "/wasm_binary.rs"));
}

extern crate alloc;

// Before the APIs, which use its macros.
#[cfg(feature = "runtime-benchmarks")]
#[macro_use]
mod benchmarks;

pub mod apis;
#[warn(missing_docs)]
pub mod configs;
#[warn(missing_docs)]
pub mod genesis_config_presets;
#[warn(missing_docs)]
pub mod units;

#[cfg(test)]
mod tests;

#[cfg(not(feature = "rehearsal"))]
use alloc::borrow::Cow;
use alloc::vec::Vec;
use sp_runtime::{
	generic,
	traits::{BlakeTwo256, IdentifyAccount, Verify},
	MultiAddress, MultiSignature,
};
use sp_version::RuntimeVersion;

pub use apis::{RuntimeApi, RUNTIME_API_VERSIONS};
pub use proofpod_primitives::{Balance, BlockNumber};
#[cfg(feature = "std")]
pub use wasm::{WASM_BINARY, WASM_BINARY_BLOATY, WASM_BINARY_PATH};

/// A signature by any of the supported schemes.
pub type Signature = MultiSignature;

/// 32 bytes that identify an account: its public key, or a hash of it.
pub type AccountId = <<Signature as Verify>::Signer as IdentifyAccount>::AccountId;

/// How a transaction names an account.
pub type Address = MultiAddress<AccountId, ()>;

/// Number of transactions that an account has sent.
pub type Nonce = u32;

/// A BLAKE2b-256 hash of a block, transaction or state.
pub type Hash = sp_core::H256;

/// A block's header.
pub type Header = generic::Header<BlockNumber, BlakeTwo256>;

/// A block with transactions that the runtime understands.
pub type Block = generic::Block<Header, UncheckedExtrinsic>;

/// A block with its signature.
pub type SignedBlock = generic::SignedBlock<Block>;

/// Names a block by height or hash.
pub type BlockId = generic::BlockId<Block>;

/// What is checked of, and done around, every transaction, in this order. Clients encode their
/// transactions accordingly; a change of it increments `transaction_version`.
pub type TxExtension = (
	frame_system::AuthorizeCall<Runtime>,
	frame_system::CheckNonZeroSender<Runtime>,
	frame_system::CheckSpecVersion<Runtime>,
	frame_system::CheckTxVersion<Runtime>,
	frame_system::CheckGenesis<Runtime>,
	frame_system::CheckMortality<Runtime>,
	frame_system::CheckNonce<Runtime>,
	frame_system::CheckWeight<Runtime>,
	pallet_transaction_payment::ChargeTransactionPayment<Runtime>,
	frame_metadata_hash_extension::CheckMetadataHash<Runtime>,
	// Last, so that it sees what all others have left unused.
	frame_system::WeightReclaim<Runtime>,
);

/// A transaction as it stands in a block.
pub type UncheckedExtrinsic =
	generic::UncheckedExtrinsic<Address, RuntimeCall, Signature, TxExtension>;

/// What a signer signs.
pub type SignedPayload = generic::SignedPayload<RuntimeCall, TxExtension>;

/// Executes blocks.
pub type Executive = frame_executive::Executive<
	Runtime,
	Block,
	frame_system::ChainContext<Runtime>,
	Runtime,
	AllPalletsWithSystem,
>;

/// Types by which a node handles blocks without understanding their transactions, so that it can
/// follow a chain whose runtime is newer than the node.
pub mod opaque {
	use sp_runtime::{generic, traits::BlakeTwo256};

	pub use sp_runtime::OpaqueExtrinsic as UncheckedExtrinsic;

	/// A block's header.
	pub type Header = crate::Header;
	/// A block of opaque transactions.
	pub type Block = generic::Block<Header, UncheckedExtrinsic>;
	/// Names a block by height or hash.
	pub type BlockId = generic::BlockId<Block>;
	/// Hash of a block.
	pub type Hash = <BlakeTwo256 as sp_runtime::traits::Hash>::Output;
}

sp_runtime::impl_opaque_keys! {
	/// The keys with which a validator makes and finalises blocks.
	pub struct SessionKeys {
		/// Makes blocks (sr25519).
		pub aura: Aura,
		/// Finalises blocks (ed25519).
		pub grandpa: Grandpa,
	}
}

/// The version of this runtime.
#[cfg(not(feature = "rehearsal"))]
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("proofpod"),
	impl_name: Cow::Borrowed("proofpod"),
	authoring_version: 1,
	spec_version: 2,
	impl_version: 1,
	apis: RUNTIME_API_VERSIONS,
	transaction_version: 2,
	system_version: 1,
};

#[cfg(feature = "rehearsal")]
pub use configs::rehearsal::VERSION;

/// The version of the runtime that this crate was compiled to natively.
pub const fn version() -> RuntimeVersion {
	VERSION
}

// Indices stand in every transaction and event: they never change, and none is used twice. Pallets
// build their genesis and run their hooks in the order of their indices:
// * balances before session, whose genesis refers to accounts that must exist;
// * validators before session, whose genesis asks for the list;
// * Aura before session: the validators pallet notes the slot in which a session begins;
// * authorship before session: the block that begins a session was made by the one before it.
#[frame_support::runtime]
mod runtime {
	/// The Proofpod chain's state transition function.
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
	pub struct Runtime;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Timestamp = pallet_timestamp;
	#[runtime::pallet_index(2)]
	pub type Aura = pallet_aura;
	#[runtime::pallet_index(3)]
	pub type Grandpa = pallet_grandpa;
	#[runtime::pallet_index(4)]
	pub type Authorship = pallet_authorship;
	#[runtime::pallet_index(5)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(6)]
	pub type Validators = pallet_validators;
	#[runtime::pallet_index(7)]
	pub type Session = pallet_session;
	#[runtime::pallet_index(8)]
	pub type TransactionPayment = pallet_transaction_payment;
	#[runtime::pallet_index(9)]
	pub type Utility = pallet_utility;
	#[runtime::pallet_index(10)]
	pub type Proxy = pallet_proxy;
	#[runtime::pallet_index(11)]
	pub type Multisig = pallet_multisig;
	#[runtime::pallet_index(12)]
	pub type Sudo = pallet_sudo;
	#[runtime::pallet_index(13)]
	pub type Council = pallet_collective<Instance1>;
	#[runtime::pallet_index(14)]
	pub type Governance = pallet_governance;
	#[runtime::pallet_index(15)]
	pub type SafeMode = pallet_safe_mode;
	#[runtime::pallet_index(16)]
	pub type Migrations = pallet_migrations;

	#[runtime::pallet_index(17)]
	pub type Offences = pallet_offences;

	#[runtime::pallet_index(20)]
	pub type Proofs = pallet_proofs;
	#[runtime::pallet_index(21)]
	pub type Models = pallet_models;
	#[runtime::pallet_index(22)]
	pub type Pods = pallet_pods;
	#[runtime::pallet_index(23)]
	pub type Jobs = pallet_jobs;
	#[runtime::pallet_index(24)]
	pub type Clock = pallet_clock;
}

/// Version of the metadata's format that [`metadata`] gives: the latest stable one.
pub const METADATA_VERSION: u32 = 16;

/// The runtime's metadata, SCALE-encoded with its prefix: what clients generate their types from.
pub fn metadata() -> Vec<u8> {
	Runtime::metadata_at_version(METADATA_VERSION)
		.map(|metadata| metadata.to_vec())
		.unwrap_or_default()
}
