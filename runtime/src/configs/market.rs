// SPDX-License-Identifier: Apache-2.0

//! Verifying keys, models, pods and jobs: deposits, bonds and windows.

use crate::{
	configs::governance::Administrators,
	units::{deposit, DAYS, EXISTENTIAL_DEPOSIT, HOURS, MILLI_POD, MINUTES, POD},
	Balance, Balances, Runtime, RuntimeHoldReason,
};
use codec::MaxEncodedLen;
use frame_support::parameter_types;
use proofpod_primitives::Ticks;
use proofpod_verifier::Groth16;
use sp_runtime::{Perbill, Permill};

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

	/// A pod may have ten times its bond at risk, together with what it has lost since its own
	/// account acted. So its bond limits how many jobs it can promise at once, and what a stolen
	/// operator's key can lose in all.
	pub const MaxExposure: u32 = 10;

	/// A pod that leaves waits for two days: longer than the longest job that it may have, an hour
	/// for the acknowledgement and a day for the proof.
	pub const PodUnbondingPeriod: Ticks = 2 * DAYS;

	/// A pod says every ten minutes that it is there, unless it does something that shows it.
	pub const HeartbeatPeriod: Ticks = 10 * MINUTES;

	/// Fewer heartbeats than transactions that a block can bear without noticing: with more than
	/// 800 pods, each says it less often.
	pub const HeartbeatsPerBlock: u32 = 4;

	/// One job that is not proved can happen to anybody; a second before others have made up for
	/// it suspends.
	pub const SuspensionThreshold: u8 = 2;

	/// The first suspension lasts an hour.
	pub const SuspensionBase: Ticks = HOURS;

	/// The longest one lasts a week.
	pub const MaxSuspension: Ticks = 7 * DAYS;

	/// What a job is taken to cost before any has been paid.
	pub const InitialAveragePrice: Balance = POD;

	/// Deposit for an attestation: an entry, with its two accounts, expiry and deposit.
	pub const AttestationDepositBase: Balance = deposit(1, 32 + 32 + 4 + 16);

	/// Each byte of an attestation's tags is stored once.
	pub const AttestationDepositPerByte: Balance = deposit(0, 1);

	/// Least price of a job, ten existential deposits: above the fees of the transactions that a
	/// job takes, so that nobody is tempted to ask for less than it costs to serve.
	pub const MinPrice: Balance = 10 * EXISTENTIAL_DEPOSIT;

	/// Fewest ticks for the lock and the acknowledgement. A worker acts on finalised blocks, which
	/// lag two or three behind the best, and its transaction takes another to be included.
	pub const MinWindow: Ticks = 4;

	/// Fewest ticks for the proof: a minute, in which every validator of a network of twenty has
	/// its turn, so that no single one can leave a result out until it is late.
	pub const MinProveWindow: Ticks = MINUTES;

	/// A price stands for a day at most: longer, and it is no longer the market's.
	pub const MaxLockWindow: Ticks = DAYS;

	/// Delivering an input takes seconds; an hour allows for a client that must be reached by hand,
	/// while the pod keeps a machine free.
	pub const MaxAcknowledgeWindow: Ticks = HOURS;

	/// A proof of the largest network takes minutes; a day allows for queues and for repairs.
	pub const MaxProveWindow: Ticks = DAYS;

	/// Another pod may take over until three days after the opening: beyond the longest windows of
	/// the first, so that a failure always leaves time.
	pub const MaxFailoverWindow: Ticks = 3 * DAYS;

	/// A hospital's batch. What is refunded to a client is bounded by what was held, so this bounds
	/// only the state that one account can occupy.
	pub const MaxJobsPerClient: u32 = 128;

	/// Deposit for a job's storage: its record and its place on the agenda.
	pub JobDeposit: Balance = {
		let record = pallet_jobs::JobOf::<Runtime>::max_encoded_len();
		deposit(2, u32::try_from(record).unwrap_or(u32::MAX).saturating_add(64))
	};

	/// Least bond of a job: makes locking a job without doing it cost something, however cheap the
	/// job is.
	pub const BondFloor: Balance = POD;

	/// A pod puts as much at risk as it can earn at most.
	pub const BondShare: Permill = Permill::from_percent(100);

	/// Giving up at once costs a fifth of missing the deadline, and ever more later: cheap enough to be
	/// honest about, dear enough not to lock what one cannot do.
	pub const DiscardShare: Permill = Permill::from_percent(20);

	/// Thousandths of a slash for the client's lost time. The other half is burned, so a pod and a
	/// client in collusion lose by it.
	pub const ClientShare: u16 = 500;

	/// Several times the fees of a lock: a lock that comes to nothing costs each side more than it
	/// costs the other's patience.
	pub const LapseFeeFloor: Balance = 10 * MILLI_POD;

	/// Dear jobs must not be cheap to squat: a hundredth of what they pay.
	pub const LapseFeeShare: Permill = Permill::from_percent(1);

	/// A client that fails to deliver four times, or meets four pods that do not answer, opens the
	/// job anew, with other requirements.
	pub const MaxLapses: u8 = 4;

	/// Thousandths of the price that are burned: a pod that buys jobs from itself for its track
	/// record pays a hundredth of the prices that give the record its weight.
	pub const MarketFee: u16 = 10;

	/// The sweep takes a quarter of a block at most, so that blocks that only tidy are quick to
	/// check.
	pub const MaxSweepShare: Perbill = Perbill::from_percent(25);

	/// What could not be carried out is tried again after five minutes; anybody may try sooner.
	pub const RetryDelay: Ticks = 5 * MINUTES;
}

impl pallet_proofs::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Verifier = Groth16<Pairing>;
	type DepositBase = KeyDepositBase;
	type DepositPerByte = KeyDepositPerByte;
	type WeightInfo = pallet_proofs::weights::SubstrateWeight<Runtime>;
}

impl pallet_models::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type DepositBase = ModelDepositBase;
	type DepositPerByte = ModelDepositPerByte;
	type WeightInfo = pallet_models::weights::SubstrateWeight<Runtime>;
}

impl pallet_pods::Config for Runtime {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type AdminOrigin = Administrators;
	type Bond = PodBond;
	type MaxExposure = MaxExposure;
	type UnbondingPeriod = PodUnbondingPeriod;
	type HeartbeatPeriod = HeartbeatPeriod;
	type HeartbeatsPerBlock = HeartbeatsPerBlock;
	type SuspensionThreshold = SuspensionThreshold;
	type SuspensionBase = SuspensionBase;
	type MaxSuspension = MaxSuspension;
	type InitialAveragePrice = InitialAveragePrice;
	type AttestationDepositBase = AttestationDepositBase;
	type AttestationDepositPerByte = AttestationDepositPerByte;
	type WeightInfo = pallet_pods::weights::SubstrateWeight<Runtime>;
}

impl pallet_jobs::Config for Runtime {
	type RuntimeHoldReason = RuntimeHoldReason;
	type Currency = Balances;
	type MinPrice = MinPrice;
	type MinWindow = MinWindow;
	type MinProveWindow = MinProveWindow;
	type MaxLockWindow = MaxLockWindow;
	type MaxAcknowledgeWindow = MaxAcknowledgeWindow;
	type MaxProveWindow = MaxProveWindow;
	type MaxFailoverWindow = MaxFailoverWindow;
	type MaxJobsPerClient = MaxJobsPerClient;
	type JobDeposit = JobDeposit;
	type BondFloor = BondFloor;
	type BondShare = BondShare;
	type DiscardShare = DiscardShare;
	type ClientShare = ClientShare;
	type LapseFeeFloor = LapseFeeFloor;
	type LapseFeeShare = LapseFeeShare;
	type MaxLapses = MaxLapses;
	type MarketFee = MarketFee;
	type MaxSweepShare = MaxSweepShare;
	type RetryDelay = RetryDelay;
	type WeightInfo = pallet_jobs::weights::SubstrateWeight<Runtime>;
}
