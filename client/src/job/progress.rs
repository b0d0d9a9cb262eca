// SPDX-License-Identifier: Apache-2.0

//! What a client hears while it waits.

use crate::{amount::Amount, AccountId};
use proofpod_primitives::{BlockNumber, JobId};
use std::fmt;

/// A step of a job. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
	/// The input is quantised and committed to, and the keys are kept.
	Prepared,
	/// The job is open.
	Opened {
		/// The job.
		job: JobId,
		/// Block of the opening.
		block: BlockNumber,
	},
	/// A pod has claimed it.
	Locked {
		/// The pod.
		pod: AccountId,
		/// Its price.
		price: Amount,
		/// Block in which the client saw it.
		block: BlockNumber,
	},
	/// The pod has taken the sealed input.
	Delivered {
		/// The pod.
		pod: AccountId,
	},
	/// The pod does not know yet that it holds the job; the input is posted again until it does.
	PodBehind {
		/// The pod.
		pod: AccountId,
	},
	/// The input did not reach the pod. Unless `last`, it is tried again with the next block.
	NotDelivered {
		/// The pod.
		pod: AccountId,
		/// Why.
		reason: String,
		/// Whether trying again is pointless.
		last: bool,
	},
	/// The pod answers for the result now.
	Acknowledged {
		/// Block in which the client saw it.
		block: BlockNumber,
	},
	/// The pod lost its claim; another can take the job.
	Reopened {
		/// Block in which the client saw it.
		block: BlockNumber,
	},
	/// The job's deadline has passed: the client asks the chain to end it.
	Overdue {
		/// Block in which the client saw it.
		block: BlockNumber,
	},
	/// The job has ended.
	Ended {
		/// `settled`, `cancelled`, `expired` or `failed`.
		outcome: &'static str,
		/// Block of the end.
		block: BlockNumber,
	},
	/// The proof holds, checked on this machine.
	Verified,
}

impl fmt::Display for Progress {
	fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
		match self {
			Self::Prepared => write!(f, "input committed, keys kept"),
			Self::Opened { job, block } => write!(f, "job {job} opened in block {block}"),
			Self::Locked { pod, price, block } => {
				write!(f, "locked by {pod} for {price} (seen in block {block})")
			},
			Self::Delivered { pod } => write!(f, "sealed input delivered to {pod}"),
			Self::PodBehind { pod } => {
				write!(f, "waiting until {pod} sees its lock in a finalised block")
			},
			Self::NotDelivered { pod, reason, last: false } => {
				write!(f, "{pod} did not take the input yet: {reason}")
			},
			Self::NotDelivered { pod, reason, last: true } => {
				write!(f, "{pod} does not take the input: {reason}")
			},
			Self::Acknowledged { block } => {
				write!(f, "acknowledged (seen in block {block})")
			},
			Self::Reopened { block } => {
				write!(f, "the pod lost its claim, waiting for another (seen in block {block})")
			},
			Self::Overdue { block } => {
				write!(f, "deadline passed in block {block}, ending the job")
			},
			Self::Ended { outcome, block } => write!(f, "{outcome} in block {block}"),
			Self::Verified => write!(f, "proof verified on this machine"),
		}
	}
}
