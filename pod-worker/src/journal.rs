// SPDX-License-Identifier: Apache-2.0

//! What the worker must not forget when it restarts: the sealed inputs that clients delivered.
//!
//! Everything else is on the chain, and the worker acts on what it reads there. Inputs are kept as
//! they came, encrypted to the pod's key; nothing here is readable without that key. Writes are
//! durable (`synchronous = FULL`) before a delivery is confirmed to the client: after that, the
//! client may forget its copy.

use crate::error::{Error, Result};
use proofpod_primitives::JobId;
use rusqlite::{params, Connection, OptionalExtension};
use std::{
	fs::File,
	path::{Path, PathBuf},
	sync::{Mutex, MutexGuard, PoisonError},
};

/// Version of the tables, in SQLite's `user_version`.
const SCHEMA: u32 = 1;

/// The worker's journal: one SQLite file in its data folder, which it locks.
pub struct Journal {
	connection: Mutex<Connection>,
	_lock: File,
}

impl Journal {
	/// Opens the journal in `folder`, which is made if it is missing and locked for this process.
	pub fn open(folder: &Path) -> Result<Self> {
		let unusable = |error| Error::DataFolder { path: folder.into(), error };
		std::fs::create_dir_all(folder).map_err(unusable)?;
		let lock = lock(&folder.join("lock"))?;
		let connection = Connection::open(folder.join("journal.sqlite"))?;
		connection.pragma_update(None, "journal_mode", "WAL")?;
		connection.pragma_update(None, "synchronous", "FULL")?;
		let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
		if version > SCHEMA {
			return Err(unusable(std::io::Error::other(format!(
				"its journal has version {version}, this worker knows {SCHEMA}: use a newer worker"
			))));
		}
		if version == 0 {
			connection.execute_batch(
				"CREATE TABLE deliveries (
					job INTEGER PRIMARY KEY,
					sealed BLOB NOT NULL,
					received INTEGER NOT NULL DEFAULT (unixepoch())
				) STRICT;",
			)?;
			connection.pragma_update(None, "user_version", SCHEMA)?;
		}
		Ok(Self { connection: Mutex::new(connection), _lock: lock })
	}

	fn connection(&self) -> MutexGuard<'_, Connection> {
		// SQLite's own transactions keep the file whole, whatever a panicking holder was doing.
		self.connection.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// Keeps what a client delivered for a job; a later delivery replaces an earlier one.
	pub fn store_delivery(&self, job: JobId, sealed: &[u8]) -> Result<()> {
		self.connection().execute(
			"INSERT INTO deliveries (job, sealed) VALUES (?1, ?2)
			 ON CONFLICT (job) DO UPDATE SET sealed = ?2, received = unixepoch()",
			params![key(job), sealed],
		)?;
		Ok(())
	}

	/// What was delivered for a job.
	pub fn delivery(&self, job: JobId) -> Result<Option<Vec<u8>>> {
		Ok(self
			.connection()
			.query_row("SELECT sealed FROM deliveries WHERE job = ?1", [key(job)], |row| row.get(0))
			.optional()?)
	}

	/// Forgets a job that is over.
	pub fn forget(&self, job: JobId) -> Result<()> {
		self.connection().execute("DELETE FROM deliveries WHERE job = ?1", [key(job)])?;
		Ok(())
	}

	/// Every job for which something is kept.
	pub fn jobs(&self) -> Result<Vec<JobId>> {
		let connection = self.connection();
		let mut statement = connection.prepare("SELECT job FROM deliveries ORDER BY job")?;
		let rows = statement.query_map([], |row| row.get::<_, i64>(0))?;
		rows.map(|row| Ok(JobId(row? as u64))).collect()
	}
}

/// SQLite's integers are signed; the cast is a bijection.
fn key(job: JobId) -> i64 {
	job.0 as i64
}

fn lock(path: &PathBuf) -> Result<File> {
	let unusable = |error| Error::DataFolder { path: path.clone(), error };
	let file = File::create(path).map_err(unusable)?;
	match file.try_lock() {
		Ok(()) => Ok(file),
		Err(std::fs::TryLockError::WouldBlock) => {
			Err(Error::DataFolderInUse { path: path.clone() })
		},
		Err(std::fs::TryLockError::Error(error)) => Err(unusable(error)),
	}
}

#[cfg(test)]
mod tests {
	use super::*;

	#[test]
	fn deliveries_survive_a_restart() {
		let folder = tempfile::tempdir().unwrap();
		let (small, large) = (JobId(3), JobId(u64::MAX));
		{
			let journal = Journal::open(folder.path()).unwrap();
			journal.store_delivery(small, b"first").unwrap();
			journal.store_delivery(small, b"second").unwrap();
			journal.store_delivery(large, b"other").unwrap();
		}
		let journal = Journal::open(folder.path()).unwrap();
		assert_eq!(journal.delivery(small).unwrap().unwrap(), b"second");
		assert_eq!(journal.delivery(large).unwrap().unwrap(), b"other");
		assert_eq!(journal.delivery(JobId(4)).unwrap(), None);
		assert_eq!(journal.jobs().unwrap().len(), 2);
		journal.forget(small).unwrap();
		assert_eq!(journal.jobs().unwrap(), vec![large]);
	}

	#[test]
	fn one_worker_per_folder() {
		let folder = tempfile::tempdir().unwrap();
		let _first = Journal::open(folder.path()).unwrap();
		assert!(matches!(Journal::open(folder.path()), Err(Error::DataFolderInUse { .. })));
	}

	#[test]
	fn journal_of_a_newer_worker_is_refused() {
		let folder = tempfile::tempdir().unwrap();
		drop(Journal::open(folder.path()).unwrap());
		let connection = Connection::open(folder.path().join("journal.sqlite")).unwrap();
		connection.pragma_update(None, "user_version", SCHEMA + 1).unwrap();
		drop(connection);
		assert!(matches!(Journal::open(folder.path()), Err(Error::DataFolder { .. })));
	}

	#[test]
	fn damaged_journal_is_an_error_not_a_panic() {
		let folder = tempfile::tempdir().unwrap();
		std::fs::write(folder.path().join("journal.sqlite"), [7u8; 4096]).unwrap();
		assert!(matches!(Journal::open(folder.path()), Err(Error::Journal(_))));
	}
}
