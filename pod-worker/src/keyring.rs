// SPDX-License-Identifier: Apache-2.0

//! The pod's encryption keys: the one that it publishes, and earlier ones to which the inputs of
//! jobs that it still has were sealed.
//!
//! A job pins the key that was published when it was locked, so a key may be exchanged at any time.
//! The old one is deleted once no job needs it: whoever takes the machine then cannot read what was
//! sealed to it.

use crate::error::{Error, Result};
use proofpod_client::{keys, sealing::DecryptionKey};
use proofpod_primitives::EncryptionKey;
use std::{
	collections::BTreeMap,
	fs,
	path::{Path, PathBuf},
	sync::{Mutex, MutexGuard, PoisonError},
};

/// File of the published key, in the data folder.
const CURRENT: &str = "encryption.key";
/// File of a key that is to become the published one.
const FRESH: &str = "encryption.key.new";
/// Digits of a public key that name the file of a retired one, behind [`CURRENT`] and a point.
const DIGITS: usize = 16;

/// What is to become of the published key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyChange {
	/// It stays.
	#[default]
	None,
	/// A new one takes its place, and it is kept for the jobs that were locked under it.
	Rotate,
	/// It is lost, and with it the inputs of the jobs that were locked under it.
	Replace,
}

/// The keys in a data folder, which the journal's lock keeps for one worker.
#[derive(Debug)]
pub struct Keyring {
	current: DecryptionKey,
	retired: Mutex<BTreeMap<EncryptionKey, (PathBuf, DecryptionKey)>>,
}

fn failed(error: keys::KeyError) -> Error {
	Error::Key(error.to_string())
}

impl Keyring {
	/// The keys in `folder`, of a pod that has published this key if it is registered. A key is
	/// made where there is none yet: a registered pod has promised its key to clients, so it gets a
	/// new one only by `change`.
	///
	/// # Errors
	/// When a file cannot be read or written, or the published key is missing. No key is lost then.
	pub fn open(
		folder: &Path,
		published: Option<EncryptionKey>,
		change: KeyChange,
	) -> Result<Self> {
		let file = folder.join(CURRENT);
		let mut retired = load_retired(folder)?;
		let present = file.exists().then(|| keys::load_encryption_key(&file));
		let old = match present.transpose().map_err(failed)? {
			Some(current) if change != KeyChange::Rotate => {
				return Ok(Self { current, retired: Mutex::new(retired) })
			},
			old => old,
		};
		// A rotation that was interrupted has left the published key among the retired ones.
		let is_kept =
			|key| retired.contains_key(&key) || old.as_ref().is_some_and(|old| old.public() == key);
		if change != KeyChange::Replace && published.is_some_and(|key| !is_kept(key)) {
			return Err(Error::Key(format!(
				"this pod is registered, but its encryption key is not in {}: restore the file, or \
				 start with --replace-key, which loses the inputs of the jobs that it holds",
				file.display()
			)));
		}
		// The old key moves only once there is a new one.
		let fresh = folder.join(FRESH);
		let failed_at = |path: &Path, error| Error::DataFolder { path: path.into(), error };
		if fresh.exists() {
			// Of a rotation that was interrupted: nobody has seen it.
			fs::remove_file(&fresh).map_err(|error| failed_at(&fresh, error))?;
		}
		let current = keys::create_encryption_key(&fresh).map_err(failed)?;
		if let Some(old) = old {
			let kept = folder.join(retired_name(&old.public()));
			fs::rename(&file, &kept).map_err(|error| failed_at(&kept, error))?;
			retired.insert(old.public(), (kept, old));
		}
		fs::rename(&fresh, &file).map_err(|error| failed_at(&file, error))?;
		Ok(Self { current, retired: Mutex::new(retired) })
	}

	fn retired(&self) -> MutexGuard<'_, BTreeMap<EncryptionKey, (PathBuf, DecryptionKey)>> {
		self.retired.lock().unwrap_or_else(PoisonError::into_inner)
	}

	/// The key that the pod publishes.
	pub fn public(&self) -> EncryptionKey {
		self.current.public()
	}

	/// The private key of a published one, unless it is lost or was deleted.
	pub fn get(&self, public: &EncryptionKey) -> Option<DecryptionKey> {
		if *public == self.public() {
			return Some(self.current.clone());
		}
		self.retired().get(public).map(|(_, key)| key.clone())
	}

	/// Deletes the retired keys that are not needed any more.
	///
	/// # Errors
	/// When a file cannot be deleted; the key is then still there.
	pub fn forget(&self, is_needed: impl Fn(&EncryptionKey) -> bool) -> Result<()> {
		let mut retired = self.retired();
		let over: Vec<_> = retired.keys().filter(|key| !is_needed(key)).copied().collect();
		for key in over {
			if let Some((path, _)) = retired.get(&key) {
				fs::remove_file(path)
					.map_err(|error| Error::DataFolder { path: path.clone(), error })?;
				tracing::info!(%key, "deleted a retired encryption key");
			}
			retired.remove(&key);
		}
		Ok(())
	}
}

fn retired_name(key: &EncryptionKey) -> String {
	let digits: String = hex::encode(key.0).chars().take(DIGITS).collect();
	format!("{CURRENT}.{digits}")
}

fn is_retired_name(name: &str) -> bool {
	let digits = name.strip_prefix(CURRENT).and_then(|rest| rest.strip_prefix('.'));
	digits.is_some_and(|digits| {
		digits.len() == DIGITS && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
	})
}

fn load_retired(folder: &Path) -> Result<BTreeMap<EncryptionKey, (PathBuf, DecryptionKey)>> {
	let unreadable = |error| Error::DataFolder { path: folder.into(), error };
	let mut retired = BTreeMap::new();
	for entry in fs::read_dir(folder).map_err(unreadable)? {
		let entry = entry.map_err(unreadable)?;
		if entry.file_name().to_str().is_some_and(is_retired_name) {
			let path = entry.path();
			let key = keys::load_encryption_key(&path).map_err(failed)?;
			retired.insert(key.public(), (path, key));
		}
	}
	Ok(retired)
}

#[cfg(test)]
mod tests {
	use super::*;
	use proofpod_client::files;

	fn open(folder: &Path, published: Option<EncryptionKey>, change: KeyChange) -> Result<Keyring> {
		Keyring::open(folder, published, change)
	}

	#[test]
	fn first_start_makes_a_key_and_later_ones_keep_it() {
		let folder = tempfile::tempdir().unwrap();
		let first = open(folder.path(), None, KeyChange::None).unwrap().public();
		for change in [KeyChange::None, KeyChange::Replace] {
			assert_eq!(open(folder.path(), Some(first), change).unwrap().public(), first);
		}
	}

	#[test]
	fn registered_pod_gets_another_key_only_when_it_is_told_so() {
		let folder = tempfile::tempdir().unwrap();
		let lost = EncryptionKey([7; 32]);
		for change in [KeyChange::None, KeyChange::Rotate] {
			let error = open(folder.path(), Some(lost), change).unwrap_err();
			assert!(error.to_string().contains("--replace-key"), "{error}");
		}
		let ring = open(folder.path(), Some(lost), KeyChange::Replace).unwrap();
		assert!(ring.get(&lost).is_none());
		assert!(ring.get(&ring.public()).is_some());
	}

	#[test]
	fn rotated_keys_open_what_was_sealed_to_them_until_nobody_needs_them() {
		let folder = tempfile::tempdir().unwrap();
		let first = open(folder.path(), None, KeyChange::None).unwrap().public();
		let second = open(folder.path(), Some(first), KeyChange::Rotate).unwrap().public();
		assert_ne!(first, second);
		let third = open(folder.path(), Some(second), KeyChange::Rotate).unwrap().public();
		let ring = open(folder.path(), Some(third), KeyChange::None).unwrap();
		assert_eq!(ring.public(), third);
		for key in [first, second, third] {
			assert_eq!(ring.get(&key).unwrap().public(), key);
		}
		ring.forget(|key| *key == second).unwrap();
		let again = open(folder.path(), Some(third), KeyChange::None).unwrap();
		for ring in [ring, again] {
			assert!(ring.get(&first).is_none());
			assert!(ring.get(&second).is_some() && ring.get(&third).is_some());
		}
	}

	#[test]
	fn interrupted_rotation_is_finished() {
		let folder = tempfile::tempdir().unwrap();
		let first = open(folder.path(), None, KeyChange::None).unwrap().public();
		let kept = folder.path().join(retired_name(&first));
		fs::rename(folder.path().join(CURRENT), kept).unwrap();
		let ring = open(folder.path(), Some(first), KeyChange::None).unwrap();
		assert_ne!(ring.public(), first);
		assert!(ring.get(&first).is_some());
	}

	#[test]
	fn rotation_that_fails_changes_nothing() {
		let folder = tempfile::tempdir().unwrap();
		let first = open(folder.path(), None, KeyChange::None).unwrap().public();
		let same = |published| {
			let ring = open(folder.path(), published, KeyChange::None).unwrap();
			assert_eq!((ring.public(), ring.retired().len()), (first, 0));
		};
		// The published key is another one, which is not here.
		let lost = EncryptionKey([7; 32]);
		assert!(open(folder.path(), Some(lost), KeyChange::Rotate).is_err());
		same(Some(lost));
		// No new key can be made.
		let fresh = folder.path().join(FRESH);
		fs::create_dir(&fresh).unwrap();
		assert!(open(folder.path(), Some(first), KeyChange::Rotate).is_err());
		same(Some(first));
		fs::remove_dir(&fresh).unwrap();
		// One was made, and nothing more.
		fs::write(&fresh, "left behind").unwrap();
		let ring = open(folder.path(), Some(first), KeyChange::Rotate).unwrap();
		assert_ne!(ring.public(), first);
		assert!(ring.get(&first).is_some() && !fresh.exists());
	}

	#[test]
	fn other_files_are_no_keys_and_broken_keys_are_named() {
		let folder = tempfile::tempdir().unwrap();
		for name in ["encryption.key.bak", "encryption.key.", "encryption.key.0123456789abcdeX"] {
			fs::write(folder.path().join(name), "nothing").unwrap();
		}
		let ring = open(folder.path(), None, KeyChange::None).unwrap();
		assert!(ring.retired().is_empty());
		let broken = folder.path().join("encryption.key.0123456789abcdef");
		let existing = files::Existing::Keep;
		files::write_private(&broken, b"nothing", existing).unwrap();
		let error = open(folder.path(), None, KeyChange::None).unwrap_err();
		assert!(error.to_string().contains("0123456789abcdef"), "{error}");
	}
}
