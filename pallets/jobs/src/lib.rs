// SPDX-License-Identifier: Apache-2.0

//! # Jobs
//!
//! The market where clients buy verified inferences and pods sell them.
//!
//! ## Terminology
//!
//! * **Job**: a client's request to run one registered model on one committed input.
//! * **Pod**: the account that runs it; it must be registered with `pallet-pods`. It or its
//!   operator signs; what is held and paid is the pod's.
//! * **Lock**: a pod's exclusive claim on a job, at the price of the tick in which it locks.
//! * **Lapse**: a lock that was not acknowledged in time. The chain cannot know who failed, so it
//!   burns a fee from both sides.
//! * **Failover**: the job opens again after a pod that acknowledged it did not prove it.
//! * **Payment**: the job's highest price, held on the client's account from opening to end.
//! * **Deposit**: held with it, for the storage that the job takes and the fees of its lapses.
//! * **Bond**: held on the pod's account while it has the lock, at risk once it acknowledges.
//!
//! ## A job's life
//!
//! The table is [`proofpod_primitives::job`]: storage keeps a
//! [`StoredState`](proofpod_primitives::job::StoredState), and what *holds* is [`Job::phase`], a
//! pure function of the record and the tick, which every call asks first. A job past its deadline
//! is over whether or not anybody has tidied it; `on_idle` tidies with a share of the weight that
//! blocks leave over, and anybody may [`poke`](Pallet::poke) a job to do what is due. Nothing
//! depends on either being prompt: the destination of every balance is fixed by the record.
//!
//! | what happens | payment | deposit | bond |
//! |---|---|---|---|
//! | settled | price to the pod but for the market's fee, which is burned; rest to the client | to the client | released |
//! | cancelled, expired | to the client | to the client | – |
//! | a lock lapses | stays | the lapse's fee burned | the same fee burned, rest released |
//! | a lock is released | stays | stays | the fee burned, rest released |
//! | discarded, missed | stays if the job opens again, else to the client | as the payment | slash split between the client and burning, rest released |
//!
//! A pod whose lock came to nothing may not lock the same job again, unless the client named it.
//! `docs/economics.md` has the reasons, and what attacks cost.
//!
//! ## Example
//!
//! A client opens a job of 10 to 20 POD; 20 are held, and a deposit. A pod locks it when the ramp
//! stands at 14, with a bond of 20 held. It receives the input off the chain, acknowledges, proves,
//! and calls [`submit_result`](Pallet::submit_result): the chain verifies the proof against the
//! [statement](proofpod_primitives::statement), burns the market's fee of a hundredth, moves 13.86
//! to the pod, releases 6 and the deposit to the client and 20 to the pod, stores the [`Receipt`],
//! and charges no fee.
//!
//! Balances never leave their owners for an account of the pallet: everything is a hold.

#![cfg_attr(not(feature = "std"), no_std)]
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

extern crate alloc;

mod agenda;
#[cfg(feature = "runtime-benchmarks")]
mod benchmarking;
mod configuration;
mod escrow;
#[cfg(any(feature = "try-runtime", feature = "std"))]
mod invariants;
mod lifecycle;
pub mod migrations;
mod request;
pub mod runtime_api;
mod settlement;
mod terms;
mod undoing;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use frame_support::weights::Weight;
use pallet_proofs::WeightInfo as _;
use proofpod_primitives::job::{Job, JobTerms, JobView, Receipt};

/// A live job's record in this chain's types.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId>;
/// A live job and what holds of it, in this chain's types.
pub type JobViewOf<T> = JobView<<T as frame_system::Config>::AccountId>;
/// What the chain keeps of an ended job, in this chain's types.
pub type ReceiptOf<T> = Receipt<<T as frame_system::Config>::AccountId>;

/// Weight of submitting a result with this many elements: settling, and verifying a proof with
/// those, the binding and at most two commitments as public inputs.
pub(crate) fn submission_weight<T: Config>(elements: u32) -> Weight {
	<T as pallet_proofs::Config>::WeightInfo::verify_proof(elements.saturating_add(3))
		.saturating_add(<T as Config>::WeightInfo::submit_result())
}

// The macros expand to `expect`s; what is written here has none.
#[allow(clippy::expect_used)]
#[frame_support::pallet]
pub mod pallet {
	use super::*;
	use alloc::vec::Vec;
	use frame_support::{pallet_prelude::*, traits::fungible};
	use frame_system::pallet_prelude::*;
	use proofpod_primitives::{
		job::{JobRequest, Reason, Stage},
		statement::OutputElements,
		Balance, Digest, JobId, ModelId, ProofBytes, Tick, Ticks,
	};
	use sp_runtime::{AccountId32, Perbill, Permill};

	const STORAGE_VERSION: StorageVersion = StorageVersion::new(1);

	/// The pallet.
	#[pallet::pallet]
	#[pallet::storage_version(STORAGE_VERSION)]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<AccountId = AccountId32>
		+ pallet_clock::Config
		+ pallet_models::Config
		+ pallet_pods::Config
	{
		/// The runtime's reasons for holds, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// Holds payments, deposits and bonds.
		type Currency: fungible::MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// Least `min` of a job's price ramp. At least the existential deposit, so that a payment
		/// can reach any account.
		#[pallet::constant]
		type MinPrice: Get<Balance>;

		/// Fewest ticks of the windows to lock and to acknowledge.
		#[pallet::constant]
		type MinWindow: Get<Ticks>;

		/// Fewest ticks of the window to prove: they span the turns of several authors, so that one
		/// alone cannot make a pod miss it.
		#[pallet::constant]
		type MinProveWindow: Get<Ticks>;

		/// Most ticks from opening to the lock.
		#[pallet::constant]
		type MaxLockWindow: Get<Ticks>;

		/// Most ticks from the lock to its acknowledgement.
		#[pallet::constant]
		type MaxAcknowledgeWindow: Get<Ticks>;

		/// Most ticks from the end of the acknowledgement's window to the result.
		#[pallet::constant]
		type MaxProveWindow: Get<Ticks>;

		/// Most ticks from opening in which another pod may take a failed job over.
		#[pallet::constant]
		type MaxFailoverWindow: Get<Ticks>;

		/// Most live jobs of a client.
		#[pallet::constant]
		type MaxJobsPerClient: Get<u32>;

		/// What a client's deposit contains for the storage that a job takes.
		#[pallet::constant]
		type JobDeposit: Get<Balance>;

		/// Least bond of a job. At least the existential deposit.
		#[pallet::constant]
		type BondFloor: Get<Balance>;

		/// Bond of a job as a share of its highest price, where that exceeds the floor.
		#[pallet::constant]
		type BondShare: Get<Permill>;

		/// Part of the bond that a pod loses when it gives up early; when it misses the deadline it
		/// loses all of it.
		#[pallet::constant]
		type DiscardShare: Get<Permill>;

		/// Part of a slash that compensates the client, in thousandths; the rest is burned. At most
		/// half, so that a pod and a client in collusion lose by it.
		#[pallet::constant]
		type ClientShare: Get<u16>;

		/// Least fee that each side loses for a lock that nobody acknowledges.
		#[pallet::constant]
		type LapseFeeFloor: Get<Balance>;

		/// That fee as a share of the job's highest price, where it exceeds the floor.
		#[pallet::constant]
		type LapseFeeShare: Get<Permill>;

		/// So many locks that nobody acknowledges end a job.
		#[pallet::constant]
		type MaxLapses: Get<u8>;

		/// Share of the price that is burned at settlement, in thousandths: what it costs a pod to
		/// buy a track record from itself.
		#[pallet::constant]
		type MarketFee: Get<u16>;

		/// Most that the sweep may take of a block.
		#[pallet::constant]
		type MaxSweepShare: Get<Perbill>;

		/// Ticks after which `on_idle` tries again what it failed to carry out.
		#[pallet::constant]
		type RetryDelay: Get<Ticks>;

		/// Weights of the calls.
		type WeightInfo: WeightInfo;
	}

	/// Why this pallet holds balances.
	#[pallet::composite_enum]
	pub enum HoldReason {
		/// A client's highest price for a live job.
		#[codec(index = 0)]
		JobPayment,
		/// A pod's bond for a job that it has locked.
		#[codec(index = 1)]
		JobBond,
		/// A client's deposit for a live job.
		#[codec(index = 2)]
		JobDeposit,
	}

	/// Live jobs.
	#[pallet::storage]
	pub type Jobs<T: Config> = StorageMap<_, Twox64Concat, JobId, JobOf<T>>;

	/// Jobs that have ended, kept for ever.
	#[pallet::storage]
	pub type Receipts<T: Config> = StorageMap<_, Twox64Concat, JobId, ReceiptOf<T>>;

	/// Number of the next job.
	#[pallet::storage]
	pub type NextJobId<T> = StorageValue<_, JobId, ValueQuery>;

	/// Live jobs by the tick from which something of them is due, or is tried again. Every live job
	/// stands in exactly one slot; slots have no capacity that could be exhausted.
	#[pallet::storage]
	pub type Agenda<T> =
		StorageDoubleMap<_, Twox64Concat, Tick, Twox64Concat, JobId, (), OptionQuery>;

	/// First slot of the agenda that may hold a job; all before it are empty.
	#[pallet::storage]
	pub type AgendaCursor<T> = StorageValue<_, Tick, ValueQuery>;

	/// Jobs of which something is due that failed in `on_idle`, with the slot in which they wait
	/// instead.
	#[pallet::storage]
	pub type Retries<T> = StorageMap<_, Twox64Concat, JobId, Tick>;

	/// Number of live jobs of each client that has any.
	#[pallet::storage]
	pub type ClientJobs<T: Config> = StorageMap<_, Blake2_128Concat, T::AccountId, u32, ValueQuery>;

	/// What happened. `from` is what a job's record said before, `to` what holds from now on.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A client opened a job; its highest price and its deposit are held.
		Opened {
			/// The job.
			job: JobId,
			/// Who pays.
			client: T::AccountId,
			/// The model to run.
			model: ModelId,
			/// Where it is now.
			to: Stage,
			/// The highest price.
			max_price: Balance,
			/// What is held beside it.
			deposit: Balance,
		},
		/// A pod locked the job; its bond is held.
		Locked {
			/// The job.
			job: JobId,
			/// Who has it.
			pod: T::AccountId,
			/// Where it was.
			from: Stage,
			/// Where it is now.
			to: Stage,
			/// What the client will pay.
			price: Balance,
			/// What is held from the pod.
			bond: Balance,
			/// Epoch of the pod's key to which the client seals the input.
			key_epoch: u32,
			/// Last tick in which the pod may acknowledge.
			acknowledge_by: Tick,
			/// Last tick in which it may submit the result.
			prove_by: Tick,
		},
		/// The pod has the input; from now on its bond is at risk.
		Acknowledged {
			/// The job.
			job: JobId,
			/// Who has it.
			pod: T::AccountId,
			/// Where it was.
			from: Stage,
			/// Where it is now.
			to: Stage,
			/// Last tick in which the pod may submit the result.
			prove_by: Tick,
		},
		/// The proof was verified and the pod paid.
		Settled {
			/// The job.
			job: JobId,
			/// Who was paid.
			pod: T::AccountId,
			/// Who paid.
			client: T::AccountId,
			/// Where it was.
			from: Stage,
			/// Where it is now.
			to: Stage,
			/// What the client paid.
			price: Balance,
			/// Part of it that was burned; the pod has the rest.
			fee: Balance,
			/// What was released to the client: the rest of its payment, and its deposit.
			refunded: Balance,
			/// Digest of the proved statement.
			statement: Digest,
		},
		/// A pod no longer has the job, which is open again.
		Reopened {
			/// The job.
			job: JobId,
			/// Who had it.
			pod: T::AccountId,
			/// Where it was.
			from: Stage,
			/// Where it is now.
			to: Stage,
			/// Why.
			reason: Reason,
			/// What the pod lost of its bond; the rest of that is released.
			from_pod: Balance,
			/// What the client lost of its deposit.
			from_client: Balance,
			/// Part of what the pod lost that went to the client.
			compensation: Balance,
			/// The rest of all that, which was burned.
			burned: Balance,
		},
		/// A job is over without a result, and the client has its payment back. Amounts are those
		/// that this moved; a claim that came to nothing earlier was reported then.
		Ended {
			/// The job.
			job: JobId,
			/// Whose it was.
			client: T::AccountId,
			/// Where it was.
			from: Stage,
			/// Where it is now.
			to: Stage,
			/// What ended it.
			reason: Reason,
			/// Whose claim ended it, if one did.
			pod: Option<T::AccountId>,
			/// What that pod lost of its bond; the rest of that is released.
			from_pod: Balance,
			/// What the client lost of its deposit.
			from_client: Balance,
			/// Part of what the pod lost that went to the client.
			compensation: Balance,
			/// The rest of all that, which was burned.
			burned: Balance,
			/// What was released to the client: its payment, and what was left of its deposit.
			refunded: Balance,
		},
		/// What was due of a job could not be carried out and will be tried again; nothing of it
		/// has moved.
		Deferred {
			/// The job.
			job: JobId,
			/// What its record says.
			from: Stage,
			/// Tick of the next try.
			until: Tick,
			/// What stood in the way.
			error: DispatchError,
		},
	}

	/// Why a call was refused.
	#[pallet::error]
	pub enum Error<T> {
		/// No live job has this number: it never existed, or it has ended and left a receipt.
		JobNotFound,
		/// The job is not open: a pod has it, or its time to be locked is over.
		NotOpen,
		/// No lock awaits acknowledgement: nobody has locked the job, or its window has passed.
		NotLocked,
		/// No result is awaited: the job is not acknowledged, or its deadline has passed.
		NotProving,
		/// Only the job's client may do this.
		NotClient,
		/// Only the pod that has the job may do this.
		NotPod,
		/// Nothing is due: the job stands as its record says.
		NothingToDo,
		/// The price now is below the caller's minimum; wait for the ramp to rise.
		PriceBelowMinimum,
		/// The job's requirements (accounts, regions, reputation, tags) do not admit this pod.
		RequirementsNotMet,
		/// The price ramp needs `0 < min <= max`.
		MalformedPrice,
		/// The ramp's `min` is below the chain's `MinPrice`.
		PriceTooLow,
		/// The window for the lock or for the acknowledgement is shorter than the chain's
		/// `MinWindow`.
		WindowTooShort,
		/// The window for the lock is longer than the chain's `MaxLockWindow`.
		LockWindowTooLong,
		/// The window for the acknowledgement is longer than the chain's `MaxAcknowledgeWindow`.
		AcknowledgeWindowTooLong,
		/// The window for the proof is longer than the chain's `MaxProveWindow`.
		ProveWindowTooLong,
		/// A commitment is not a canonical scalar: little-endian and below the group order.
		MalformedCommitment,
		/// An output key's commitment must be given exactly when the model seals its output.
		OutputKeyMismatch,
		/// The number of output elements is not that of the model's manifest.
		OutputLengthMismatch,
		/// The job's model is gone from the registry, which references should have prevented.
		ModelNotFound,
		/// The numbers of jobs are exhausted.
		JobIdsExhausted,
		/// A job that must stay on its owner's machine has to name that machine's pod.
		LocalNeedsPods,
		/// The client has as many live jobs as the chain's `MaxJobsPerClient`: some must end first,
		/// and those that are overdue can be poked.
		TooManyJobs,
		/// The pod has had this job before and did not bring it to its end.
		Barred,
		/// The window for the proof is shorter than the chain's `MinProveWindow`.
		ProveWindowTooShort,
		/// The window for a failover must be 0, or leave `MinWindow` after the others.
		FailoverTooShort,
		/// The window for a failover is longer than the chain's `MaxFailoverWindow`.
		FailoverTooLong,
		/// A required tag is none: it is empty, or has other characters than a tag may have.
		MalformedTag,
		/// A required region is none: it is not two capital letters.
		MalformedRegion,
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(_: BlockNumberFor<T>, limit: Weight) -> Weight {
			agenda::tidy::<T>(Self::now(), limit)
		}

		fn integrity_test() {
			configuration::check_config::<T>();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Opens a job and holds its highest price and its deposit from the caller.
		///
		/// Fails when the request breaks the chain's bounds, the caller has too many live jobs, the
		/// model is unknown or deprecated, or the caller cannot cover price and deposit. Emits
		/// [`Event::Opened`].
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::open())]
		pub fn open(origin: OriginFor<T>, request: JobRequest<T::AccountId>) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_open(client, request).map(|_| ())
		}

		/// Locks an open job at this tick's price and holds the bond from the caller's pod.
		///
		/// Fails with [`Error::PriceBelowMinimum`] rather than lock below `min_price`. A claim of
		/// another pod that no longer counts is undone first. Emits [`Event::Locked`].
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::lock())]
		pub fn lock(origin: OriginFor<T>, job: JobId, min_price: Balance) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_lock(signer, job, min_price)
		}

		/// Confirms that the pod has the input and that it opens the commitment; from now on the
		/// bond is at risk. Emits [`Event::Acknowledged`].
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::acknowledge())]
		pub fn acknowledge(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_acknowledge(signer, job)
		}

		/// Verifies the proof of the job's result and, when it holds, pays the pod, releases its
		/// bond and the client's deposit, and stores the receipt, free of charge.
		///
		/// A proof that does not hold costs the full fee and changes nothing: the pod may try again
		/// until the deadline. Emits [`Event::Settled`].
		#[pallet::call_index(3)]
		#[pallet::weight(submission_weight::<T>(output.len() as u32))]
		pub fn submit_result(
			origin: OriginFor<T>,
			job: JobId,
			proof: ProofBytes,
			output: OutputElements,
		) -> DispatchResultWithPostInfo {
			let signer = ensure_signed(origin)?;
			Self::do_submit_result(signer, job, proof, output)?;
			Ok(Pays::No.into())
		}

		/// Withdraws the caller's job while no pod has it. A claim that no longer counts is undone
		/// first. Emits [`Event::Ended`].
		#[pallet::call_index(4)]
		#[pallet::weight(<T as Config>::WeightInfo::cancel())]
		pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_cancel(client, job)
		}

		/// Gives an acknowledged job up before its deadline, for a slash that is the smaller the sooner
		/// ([`Job::discard_slash_at`](proofpod_primitives::job::Job::discard_slash_at)). Emits
		/// [`Event::Reopened`] where another pod may take it over, else [`Event::Ended`].
		#[pallet::call_index(5)]
		#[pallet::weight(<T as Config>::WeightInfo::discard())]
		pub fn discard(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_discard(signer, job)
		}

		/// Gives a lock back before acknowledging it, for the fee of a lapse from the pod alone:
		/// the job is open again, or expires when its time to be locked is over. Emits
		/// [`Event::Reopened`] or [`Event::Ended`].
		#[pallet::call_index(6)]
		#[pallet::weight(<T as Config>::WeightInfo::release())]
		pub fn release(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let signer = ensure_signed(origin)?;
			Self::do_release(signer, job)
		}

		/// Does what is due of a job: undoes a claim that no longer counts, ends what is over.
		/// Anybody may call it; it is free of charge when there was something to do, else
		/// [`Error::NothingToDo`].
		#[pallet::call_index(7)]
		#[pallet::weight(<T as Config>::WeightInfo::poke())]
		pub fn poke(origin: OriginFor<T>, job: JobId) -> DispatchResultWithPostInfo {
			ensure_signed(origin)?;
			Self::do_poke(job)?;
			Ok(Pays::No.into())
		}
	}

	#[pallet::view_functions]
	impl<T: Config> Pallet<T> {
		/// A live job's record as stored; `None` once it has ended.
		pub fn job(job: JobId) -> Option<JobOf<T>> {
			Jobs::<T>::get(job)
		}

		/// A live job's record and what holds of it for a call that is sent now; `None` once it has
		/// ended.
		pub fn view(job: JobId) -> Option<JobViewOf<T>> {
			Jobs::<T>::get(job).map(|live| live.view(job, Self::now()))
		}

		/// How a job ended; `None` while it is live.
		pub fn receipt(job: JobId) -> Option<ReceiptOf<T>> {
			Receipts::<T>::get(job)
		}

		/// One word for what holds of a job for a call that is sent now: the name of its
		/// [`Stage`].
		pub fn phase(job: JobId) -> Option<Vec<u8>> {
			let stage = match Jobs::<T>::get(job) {
				Some(live) => live.phase(Self::now()).stage(),
				None => Receipts::<T>::get(job)?.outcome.stage(),
			};
			Some(stage.name().as_bytes().to_vec())
		}

		/// The terms of a job with this highest price, if it were opened now.
		pub fn terms(max_price: Balance) -> JobTerms {
			terms::terms::<T>(max_price)
		}

		/// Number of a client's live jobs, overdue ones among them.
		pub fn live_of(client: T::AccountId) -> u32 {
			ClientJobs::<T>::get(client)
		}
	}
}
