// SPDX-License-Identifier: Apache-2.0

//! Everything on a client's side of the Proofpod chain, and what a pod's worker shares with it.
//!
//! * [`chain`]: a connection to a node: typed reads at one block, streams of blocks, calls,
//!   signed submission with readable errors;
//! * [`sealing`] and [`delivery`]: how a job's input travels to the pod that locked it;
//! * [`keys`] and [`files`]: signing keys and encryption keys in private files;
//! * [`secrets`]: what a client must not lose between opening a job and reading its result;
//! * [`job`]: the whole path of a job, from a record of numbers to a verified prediction;
//! * [`settlement`]: checking a settled job again, off the chain;
//! * [`artefacts`] and [`registration`]: a model's files, and how they get registered;
//! * [`proof_file`]: proofs outside of any job;
//! * [`amount`] and [`account`]: how people write money and accounts.
//!
//! ```no_run
//! use proofpod_client::{
//! 	chain::{At, Chain, Inclusion},
//! 	chain::calls,
//! 	keys::Signer,
//! };
//! use proofpod_primitives::JobId;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let chain = Chain::connect("ws://127.0.0.1:9944").await?;
//! let view = chain.at(At::Finalised).await?;
//! if let Some(job) = view.job(JobId(7)).await? {
//! 	println!("job 7 is {} in block {}", job.phase(view.tick().await?).name(), view.block().number);
//! }
//! let signer = Signer::from_file("operator.seed".as_ref())?;
//! let included = chain.submit(&calls::jobs::cancel(JobId(7)), &signer, Inclusion::Best).await?;
//! println!("cancelled in block {}", included.block.number);
//! # Ok(())
//! # }
//! ```

pub mod account;
pub mod amount;
pub mod artefacts;
pub mod chain;
pub mod delivery;
pub mod files;
mod http;
pub mod job;
pub mod keys;
pub mod proof_file;
pub mod registration;
pub mod sealing;
pub mod secrets;
pub mod settlement;

pub use account::AccountId;

/// A job's record as the chain stores it.
pub type Job = proofpod_primitives::job::Job<AccountId>;
/// What a client asks for.
pub type JobRequest = proofpod_primitives::job::JobRequest<AccountId>;
/// A pod's claim on a job.
pub type Lock = proofpod_primitives::job::Lock<AccountId>;
/// Which pods may lock a job.
pub type Requirements = proofpod_primitives::job::Requirements<AccountId>;
/// What the chain keeps of a job that has ended.
pub type Receipt = proofpod_primitives::job::Receipt<AccountId>;
/// How a job ended.
pub type Outcome = proofpod_primitives::job::Outcome<AccountId>;
/// What a record says of a job; its phase says what holds.
pub type StoredState = proofpod_primitives::job::StoredState<AccountId>;
