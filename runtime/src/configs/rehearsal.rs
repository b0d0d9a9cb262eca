// SPDX-License-Identifier: Apache-2.0

//! What the runtime does at an upgrade that is rehearsed: it writes every job anew, one or two in a
//! block, so that the chain migrates for some blocks while jobs are under way.

use crate::{Runtime, RUNTIME_API_VERSIONS};
use alloc::borrow::Cow;
use frame_support::{
	migrations::{MigrationId, SteppedMigration, SteppedMigrationError},
	weights::WeightMeter,
};
use pallet_jobs::Jobs;
use proofpod_primitives::JobId;
use sp_version::RuntimeVersion;

/// The next version: the macro takes literals only, so it is written out.
#[sp_version::runtime_version]
pub const VERSION: RuntimeVersion = RuntimeVersion {
	spec_name: Cow::Borrowed("proofpod"),
	impl_name: Cow::Borrowed("proofpod"),
	authoring_version: 1,
	spec_version: 3,
	impl_version: 1,
	apis: RUNTIME_API_VERSIONS,
	transaction_version: 2,
	system_version: 1,
};

/// The migration.
pub struct RewriteJobs;

impl SteppedMigration for RewriteJobs {
	/// The job written last.
	type Cursor = JobId;
	type Identifier = MigrationId<9>;

	fn id() -> Self::Identifier {
		MigrationId { pallet_id: *b"rehearsal", version_from: 2, version_to: 3 }
	}

	fn step(
		cursor: Option<JobId>,
		meter: &mut WeightMeter,
	) -> Result<Option<JobId>, SteppedMigrationError> {
		// Half of what a block may give, so that two jobs are written in one at most.
		let required = super::governance::MaxServiceWeight::get().div(2);
		if meter.try_consume(required).is_err() {
			return Err(SteppedMigrationError::InsufficientWeight { required });
		}
		let mut rest = match cursor {
			None => Jobs::<Runtime>::iter(),
			Some(last) => Jobs::<Runtime>::iter_from(Jobs::<Runtime>::hashed_key_for(last)),
		};
		Ok(rest.next().map(|(id, job)| {
			Jobs::<Runtime>::insert(id, job);
			id
		}))
	}
}
