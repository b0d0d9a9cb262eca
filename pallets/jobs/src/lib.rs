// SPDX-License-Identifier: Apache-2.0

//! # Jobs
//!
//! The market where clients buy verified inferences and pods sell them.
//!
//! ## Terminology
//!
//! * **Job**: a client's request to run one registered model on one committed input.
//! * **Pod**: the account that runs it; it must be registered with `pallet-pods`.
//! * **Lock**: a pod's exclusive claim on a job, at the price of the block in which it locks.
//! * **Payment**: the job's highest price, held on the client's account from opening to end.
//! * **Bond**: held on the pod's account while it has the lock, at risk once it acknowledges.
//!
//! ## A job's life
//!
//! The table is [`proofpod_primitives::job`]: storage keeps a
//! [`StoredState`](proofpod_primitives::job::StoredState), and what *holds* is [`Job::phase`], a
//! pure function of the record and the block, which every call asks first. A job past its deadline
//! is over whether or not anybody has tidied it; `on_idle` tidies with the weight that blocks leave
//! over, and anybody may [`poke`](Pallet::poke) a job to its end. Nothing depends on either being
//! prompt: the destination of every balance is fixed by the record.
//!
//! | end | payment | bond |
//! |---|---|---|
//! | settled | price to the pod, rest to the client | released |
//! | cancelled, expired | to the client | released, if a lapsed lock still held it |
//! | failed | to the client | slash split between the client and burning, rest released |
//!
//! ## Example
//!
//! A client opens a job of 10 to 20 POD. A pod locks it when the ramp stands at 14, with a bond of
//! 4 held. It receives the input off the chain, acknowledges, proves, and calls
//! [`submit_result`](Pallet::submit_result): the chain verifies the proof against the
//! [statement](proofpod_primitives::statement), moves 14 to the pod, releases 6 to the client and
//! 4 to the pod, stores the [`Receipt`], and charges no fee.
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
mod escrow;
#[cfg(any(feature = "try-runtime", test))]
mod invariants;
mod lifecycle;
mod request;
pub mod runtime_api;
pub mod weights;

#[cfg(test)]
mod mock;
#[cfg(test)]
mod tests;

pub use pallet::*;
pub use weights::WeightInfo;

use frame_support::weights::Weight;
use pallet_proofs::WeightInfo as _;
use proofpod_primitives::job::{Job, Receipt};

/// A live job's record in this chain's types.
pub type JobOf<T> = Job<<T as frame_system::Config>::AccountId>;
/// What the chain keeps of an ended job, in this chain's types.
pub type ReceiptOf<T> = Receipt<<T as frame_system::Config>::AccountId>;

/// Weight of submitting a result with this many elements: settling, and verifying a proof with
/// those, the binding and at most two commitments as public inputs.
pub(crate) fn submission_weight<T: Config>(elements: u32) -> Weight {
	<T as pallet_proofs::Config>::WeightInfo::verify(elements.saturating_add(3))
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
		job::{FailureReason, JobRequest},
		statement::OutputElements,
		Balance, BlockNumber, Digest, JobId, ModelId, ProofBytes,
	};
	use sp_runtime::{traits::SaturatedConversion, AccountId32, Permill};

	/// The pallet.
	#[pallet::pallet]
	pub struct Pallet<T>(_);

	/// What the runtime decides.
	#[pallet::config]
	pub trait Config:
		frame_system::Config<AccountId = AccountId32> + pallet_models::Config + pallet_pods::Config
	{
		/// The runtime's reasons for holds, which include this pallet's.
		type RuntimeHoldReason: From<HoldReason>;

		/// Holds payments and bonds.
		type Currency: fungible::MutateHold<
			AccountId32,
			Reason = <Self as Config>::RuntimeHoldReason,
			Balance = Balance,
		>;

		/// Least `min` of a job's price ramp. At least the existential deposit, so that a payment
		/// can reach any account.
		#[pallet::constant]
		type MinPrice: Get<Balance>;

		/// Fewest blocks of any of a job's windows.
		#[pallet::constant]
		type MinWindow: Get<BlockNumber>;

		/// Most blocks from opening to the lock.
		#[pallet::constant]
		type MaxLockWindow: Get<BlockNumber>;

		/// Most blocks from the lock to its acknowledgement.
		#[pallet::constant]
		type MaxAcknowledgeWindow: Get<BlockNumber>;

		/// Most blocks from the end of the acknowledgement's window to the result.
		#[pallet::constant]
		type MaxProveWindow: Get<BlockNumber>;

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

		/// Part of a slash that compensates the client, in thousandths; the rest is burned. Half
		/// or less keeps a pod and a client in collusion from gaining anything.
		#[pallet::constant]
		type ClientShare: Get<u16>;

		/// Blocks after which `on_idle` tries an overdue job again whose end failed.
		#[pallet::constant]
		type RetryDelay: Get<BlockNumber>;

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

	/// Live jobs by the block from which they are overdue, or are tried again. Every live job
	/// stands in exactly one slot; slots have no capacity that could be exhausted.
	#[pallet::storage]
	pub type Agenda<T> =
		StorageDoubleMap<_, Twox64Concat, BlockNumber, Twox64Concat, JobId, (), OptionQuery>;

	/// First slot of the agenda that may hold a job; all before it are empty.
	#[pallet::storage]
	pub type AgendaCursor<T> = StorageValue<_, BlockNumber, ValueQuery>;

	/// Overdue jobs whose end failed in `on_idle`, with the slot in which they wait instead.
	#[pallet::storage]
	pub type Retries<T> = StorageMap<_, Twox64Concat, JobId, BlockNumber>;

	/// What happened.
	#[pallet::event]
	#[pallet::generate_deposit(pub(crate) fn deposit_event)]
	pub enum Event<T: Config> {
		/// A client opened a job; its highest price is held.
		Opened {
			/// The job.
			job: JobId,
			/// Who pays.
			client: T::AccountId,
			/// The model to run.
			model: ModelId,
			/// Amount held from the client.
			max_price: Balance,
		},
		/// A pod locked the job; its bond is held.
		Locked {
			/// The job.
			job: JobId,
			/// Who has it.
			pod: T::AccountId,
			/// What it will be paid.
			price: Balance,
			/// Epoch of the pod's key to which the client seals the input.
			key_epoch: u32,
		},
		/// The pod has the input; from now on its bond is at risk.
		Acknowledged {
			/// The job.
			job: JobId,
			/// Who has it.
			pod: T::AccountId,
		},
		/// The proof was verified and the pod paid.
		Settled {
			/// The job.
			job: JobId,
			/// Who was paid.
			pod: T::AccountId,
			/// Who paid.
			client: T::AccountId,
			/// How much.
			price: Balance,
			/// Digest of the proved statement.
			statement: Digest,
		},
		/// The client withdrew the job and has its payment back.
		Cancelled {
			/// The job.
			job: JobId,
		},
		/// Nobody took the job, or nobody acknowledged it, in time; the client has its payment back.
		Expired {
			/// The job.
			job: JobId,
		},
		/// A pod no longer has the job: it gave the lock back, or never acknowledged. Its bond is
		/// released.
		Reopened {
			/// The job.
			job: JobId,
			/// Who had it.
			pod: T::AccountId,
		},
		/// A pod acknowledged the job and did not prove it; the client has its payment back.
		Failed {
			/// The job.
			job: JobId,
			/// Who had it.
			pod: T::AccountId,
			/// Why.
			reason: FailureReason,
			/// What the pod lost.
			slashed: Balance,
			/// Part of it that went to the client.
			compensation: Balance,
		},
		/// An overdue job could not be ended now and will be tried again; nothing of it has moved.
		Deferred {
			/// The job.
			job: JobId,
			/// Block of the next try.
			until: BlockNumber,
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
		/// Nothing is overdue: the job stands as its record says.
		NothingToDo,
		/// The price now is below the caller's minimum; wait for the ramp to rise.
		PriceBelowMinimum,
		/// The job's requirements (accounts, regions, reputation) do not admit this pod.
		RequirementsNotMet,
		/// The price ramp needs `0 < min <= max`.
		MalformedPrice,
		/// The ramp's `min` is below the chain's `MinPrice`.
		PriceTooLow,
		/// One of the windows is shorter than the chain's `MinWindow`.
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
	}

	#[pallet::hooks]
	impl<T: Config> Hooks<BlockNumberFor<T>> for Pallet<T> {
		fn on_idle(now: BlockNumberFor<T>, limit: Weight) -> Weight {
			agenda::tidy::<T>(now.saturated_into(), limit)
		}

		fn integrity_test() {
			request::check_config::<T>();
		}

		#[cfg(feature = "try-runtime")]
		fn try_state(_: BlockNumberFor<T>) -> Result<(), sp_runtime::TryRuntimeError> {
			Self::do_try_state()
		}
	}

	#[pallet::call]
	impl<T: Config> Pallet<T> {
		/// Opens a job and holds its highest price from the caller.
		///
		/// Fails when the request breaks the chain's bounds, the model is unknown or deprecated,
		/// or the caller cannot cover the price. Emits [`Event::Opened`].
		#[pallet::call_index(0)]
		#[pallet::weight(<T as Config>::WeightInfo::open())]
		pub fn open(origin: OriginFor<T>, request: JobRequest<T::AccountId>) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_open(client, request).map(|_| ())
		}

		/// Locks an open job at this block's price and holds the bond from the caller, a pod.
		///
		/// Fails with [`Error::PriceBelowMinimum`] rather than lock below `min_price`. A lapsed
		/// lock of another pod is undone first. Emits [`Event::Locked`].
		#[pallet::call_index(1)]
		#[pallet::weight(<T as Config>::WeightInfo::lock())]
		pub fn lock(origin: OriginFor<T>, job: JobId, min_price: Balance) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_lock(pod, job, min_price)
		}

		/// Confirms that the pod has the input and that it opens the commitment; from now on the
		/// bond is at risk. Emits [`Event::Acknowledged`].
		#[pallet::call_index(2)]
		#[pallet::weight(<T as Config>::WeightInfo::acknowledge())]
		pub fn acknowledge(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_acknowledge(pod, job)
		}

		/// Verifies the proof of the job's result and, when it holds, pays the pod, releases its
		/// bond and stores the receipt, free of charge.
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
			let pod = ensure_signed(origin)?;
			Self::do_submit_result(pod, job, proof, output)?;
			Ok(Pays::No.into())
		}

		/// Withdraws the caller's job while no pod has it. Emits [`Event::Cancelled`].
		#[pallet::call_index(4)]
		#[pallet::weight(<T as Config>::WeightInfo::cancel())]
		pub fn cancel(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let client = ensure_signed(origin)?;
			Self::do_cancel(client, job)
		}

		/// Gives an acknowledged job up before its deadline, for the smaller slash. Emits
		/// [`Event::Failed`].
		#[pallet::call_index(5)]
		#[pallet::weight(<T as Config>::WeightInfo::discard())]
		pub fn discard(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_discard(pod, job)
		}

		/// Gives a lock back before acknowledging it, at no loss: the job is open again, or expires
		/// when its time to be locked is over. Emits [`Event::Reopened`].
		#[pallet::call_index(6)]
		#[pallet::weight(<T as Config>::WeightInfo::release())]
		pub fn release(origin: OriginFor<T>, job: JobId) -> DispatchResult {
			let pod = ensure_signed(origin)?;
			Self::do_release(pod, job)
		}

		/// Moves an overdue job to its end, or undoes a lapsed lock. Anybody may call it; it is free
		/// of charge when there was something to do, else [`Error::NothingToDo`].
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
		/// A live job's record; `None` once it has ended.
		pub fn job(job: JobId) -> Option<JobOf<T>> {
			Jobs::<T>::get(job)
		}

		/// How a job ended; `None` while it is live.
		pub fn receipt(job: JobId) -> Option<ReceiptOf<T>> {
			Receipts::<T>::get(job)
		}

		/// One word for what holds of a job in the current block: the name of its
		/// [`Phase`](proofpod_primitives::job::Phase), or of its
		/// [`Outcome`](proofpod_primitives::job::Outcome) once it has ended.
		pub fn phase(job: JobId) -> Option<Vec<u8>> {
			let name = match Jobs::<T>::get(job) {
				Some(live) => live.phase(Self::now()).name(),
				None => Receipts::<T>::get(job)?.outcome.name(),
			};
			Some(name.as_bytes().to_vec())
		}
	}
}
