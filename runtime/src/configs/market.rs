// SPDX-License-Identifier: Apache-2.0

//! Verifying keys, models, pods and jobs: deposits, bonds and windows.

use crate::{
	units::{deposit, DAYS, EXISTENTIAL_DEPOSIT, HOURS, MINUTES, POD},
	Balance, Balances, BlockNumber, Runtime, RuntimeHoldReason,
};
use frame_support::parameter_types;
use proofpod_verifier::Groth16;
use sp_runtime::Permill;

/// The runtime's pairing: BLS12-381, with the heavy operations done by the node.
pub type Pairing = sp_crypto_ec_utils::bls12_381::Bls12_381;

parameter_types! {
	/// Deposit for a verifying key: its prepared form and its canonical bytes are an entry each,
	/// and the prepared form of a key without inputs takes about 1,000 bytes.
	pub const KeyDepositBase: Balance = deposit(2, 1_000);

	/// Each byte of a key is stored three times over, for its prepared form is uncompressed.
	pub const KeyDepositPerByte: Balance = deposit(0, 3);

	/// Deposit for a model: an entry, with its key, its owner and its counters.
	pub const ModelDepositBase: Balance = deposit(1, 128);

	/// Each byte of a model's manifest and addresses is stored once.
	pub const ModelDepositPerByte: Balance = deposit(0, 1);

	/// What a pod bonds to be listed. It is never slashed, jobs have bonds of their own: it only
	/// makes a reputation dearer to throw away than a few lost jobs.
	pub const PodBond: Balance = 100 * POD;

	/// A pod that leaves waits for a day: as long as the longest window of a job, so that its
	/// record stands while its last clients may still ask for it.
	pub const PodUnbondingPeriod: BlockNumber = DAYS;

	/// Least price of a job, ten existential deposits: above the fees of the transactions that a
	/// job takes, so that nobody is tempted to ask for less than it costs to serve.
	pub const MinPrice: Balance = 10 * EXISTENTIAL_DEPOSIT;

	/// Fewest blocks for any step. A worker acts on finalised blocks, which lag two or three behind
	/// the best, and its transaction takes another to be included.
	pub const MinWindow: BlockNumber = 4;

	/// A price stands for a day at most: longer, and it is no longer the market's.
	pub const MaxLockWindow: BlockNumber = DAYS;

	/// Delivering an input takes seconds; an hour allows for a client that must be reached by hand,
	/// while the pod keeps a machine free.
	pub const MaxAcknowledgeWindow: BlockNumber = HOURS;

	/// A proof of the largest network takes minutes; a day allows for queues and for repairs.
	pub const MaxProveWindow: BlockNumber = DAYS;

	/// Least bond of a job: makes locking a job without doing it cost something, however cheap the
	/// job is.
	pub const BondFloor: Balance = POD;

	/// A pod puts as much at risk as it can earn at most.
	pub const BondShare: Permill = Permill::from_percent(100);

	/// Giving up early costs a fifth of missing the deadline: cheap enough to be honest about, dear
	/// enough not to lock what one cannot do.
	pub const DiscardShare: Permill = Permill::from_percent(20);

	/// Thousandths of a slash for the client's lost time. The other half is burned, so a pod and a
	/// client in collusion lose by it.
	pub const ClientShare: u16 = 500;

	/// An overdue job whose end failed is tried again after five minutes; anybody may try sooner.
	pub const RetryDelay: BlockNumber = 5 * MINUTES;
}

impl pallet_proofs::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Verifier = Groth16<Pairing>;
	type DepositBase = KeyDepositBase;
	type DepositPerByte = KeyDepositPerByte;
	type WeightInfo = pallet_proofs::weights::EstimatedWeight<Runtime>;
}

impl pallet_models::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = ModelDepositBase;
	type DepositPerByte = ModelDepositPerByte;
	type WeightInfo = pallet_models::weights::EstimatedWeight<Runtime>;
}

impl pallet_pods::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Bond = PodBond;
	type UnbondingPeriod = PodUnbondingPeriod;
	type WeightInfo = pallet_pods::weights::EstimatedWeight<Runtime>;
}

impl pallet_jobs::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type MinPrice = MinPrice;
	type MinWindow = MinWindow;
	type MaxLockWindow = MaxLockWindow;
	type MaxAcknowledgeWindow = MaxAcknowledgeWindow;
	type MaxProveWindow = MaxProveWindow;
	type BondFloor = BondFloor;
	type BondShare = BondShare;
	type DiscardShare = DiscardShare;
	type ClientShare = ClientShare;
	type RetryDelay = RetryDelay;
	type WeightInfo = pallet_jobs::weights::EstimatedWeight<Runtime>;
}
