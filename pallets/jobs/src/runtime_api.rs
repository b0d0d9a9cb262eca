// SPDX-License-Identifier: Apache-2.0

//! Questions about jobs that clients, workers and RPC servers ask of a runtime.

use alloc::vec::Vec;
use codec::Codec;
use proofpod_primitives::{
	job::{Job, JobTerms, JobView, Receipt},
	Balance, JobId, Tick,
};

sp_api::decl_runtime_apis! {
	/// Reads jobs and their receipts.
	#[api_version(2)]
	pub trait JobsApi<AccountId>
	where
		AccountId: Codec,
	{
		/// A live job's record as stored; `None` once it has ended.
		fn job(job: JobId) -> Option<Job<AccountId>>;

		/// A live job's record and what holds of it for a call that is sent now; `None` once it has
		/// ended.
		fn view(job: JobId) -> Option<JobView<AccountId>>;

		/// What holds of a job for a call that is sent now, as one UTF-8 word: `open`, `locked`,
		/// `proving`, or how it ends: `settled`, `cancelled`, `expired`, `failed`. `None` when no
		/// job has this number.
		fn phase(job: JobId) -> Option<Vec<u8>>;

		/// How a job ended; `None` while it is live.
		fn receipt(job: JobId) -> Option<Receipt<AccountId>>;

		/// The terms of a job with this highest price, if it were opened now: what is held for it
		/// beside the price, and what is at stake for its pod.
		fn terms(max_price: Balance) -> JobTerms;

		/// Whether the chain's storage is between two layouts: until that is over, a live job or a
		/// registered pod may look like none.
		fn migrating() -> bool;

		/// Now, in the ticks by which prices, windows and deadlines are counted.
		fn tick() -> Tick;
	}
}
