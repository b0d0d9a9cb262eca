// SPDX-License-Identifier: Apache-2.0

//! Questions about jobs that clients, workers and RPC servers ask of a runtime.

use alloc::vec::Vec;
use codec::Codec;
use proofpod_primitives::{
	job::{Job, Receipt},
	JobId,
};

sp_api::decl_runtime_apis! {
	/// Reads jobs and their receipts.
	pub trait JobsApi<AccountId>
	where
		AccountId: Codec,
	{
		/// A live job's record; `None` once it has ended.
		fn job(job: JobId) -> Option<Job<AccountId>>;

		/// What holds of a job in the block of the query, as one UTF-8 word: `open`, `locked`,
		/// `proving`, `expired`, `missed`, or how it ended: `settled`, `cancelled`, `expired`,
		/// `failed`. `None` when no job has this number.
		fn phase(job: JobId) -> Option<Vec<u8>>;

		/// How a job ended; `None` while it is live.
		fn receipt(job: JobId) -> Option<Receipt<AccountId>>;
	}
}
