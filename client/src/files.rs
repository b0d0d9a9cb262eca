// SPDX-License-Identifier: Apache-2.0

//! Private files: readable by their owner only, and whole or absent after a crash.

use std::{
	fs::{self, File, OpenOptions},
	io::{self, Read, Write},
	os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
	path::{Path, PathBuf},
};
use zeroize::Zeroizing;

/// Permission bits of a private file.
pub const PRIVATE_FILE: u32 = 0o600;
/// Permission bits of a private folder.
pub const PRIVATE_FOLDER: u32 = 0o700;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
	/// The operating system refuses.
	#[error("cannot {what} {}: {error}", path.display())]
	Io {
		/// `read`, `write`, …
		what: &'static str,
		/// The file.
		path: PathBuf,
		/// Why.
		error: io::Error,
	},
	/// Others can read a file that holds a secret.
	#[error("expected {} to be readable by its owner only (mode 600), found mode {mode:03o}: run chmod 600 on it", path.display())]
	NotPrivate {
		/// The file.
		path: PathBuf,
		/// Its permission bits.
		mode: u32,
	},
	/// The file is larger than what it should hold.
	#[error("expected {} to hold at most {limit} bytes, found more", path.display())]
	TooLarge {
		/// The file.
		path: PathBuf,
		/// Most bytes.
		limit: u64,
	},
	/// The file exists and must not be replaced.
	#[error("{} exists already and is not replaced", path.display())]
	Exists {
		/// The file.
		path: PathBuf,
	},
}

impl FileError {
	pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
		let path = path.to_path_buf();
		move |error| Self::Io { what, path, error }
	}

	/// Whether the file does not exist.
	pub fn is_missing(&self) -> bool {
		matches!(self, Self::Io { error, .. } if error.kind() == io::ErrorKind::NotFound)
	}
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// When the file cannot be read or is larger.
pub fn read(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
	let file = File::open(path).map_err(FileError::io("read", path))?;
	read_open(file, path, limit)
}

/// Reads a private file of at most `limit` bytes. The bytes are wiped when dropped.
///
/// # Errors
/// When the file cannot be read, is larger, or others than its owner may read or write it.
pub fn read_private(path: &Path, limit: u64) -> Result<Zeroizing<Vec<u8>>, FileError> {
	let file = File::open(path).map_err(FileError::io("read", path))?;
	let metadata = file.metadata().map_err(FileError::io("read", path))?;
	let mode = metadata.permissions().mode() & 0o777;
	if mode & 0o077 != 0 {
		return Err(FileError::NotPrivate { path: path.into(), mode });
	}
	read_open(file, path, limit).map(Zeroizing::new)
}

fn read_open(file: File, path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
	let size = file.metadata().map_or(0, |metadata| metadata.len()).min(limit);
	// Room for everything from the start: a buffer that grows would leave copies of a secret.
	let mut bytes = Vec::with_capacity(size as usize + 1);
	file.take(limit + 1).read_to_end(&mut bytes).map_err(FileError::io("read", path))?;
	if bytes.len() as u64 > limit {
		return Err(FileError::TooLarge { path: path.into(), limit });
	}
	Ok(bytes)
}

/// Makes a folder, and those above it, that only its owner can enter.
///
/// # Errors
/// When it cannot be made.
pub fn create_private_folder(path: &Path) -> Result<(), FileError> {
	fs::DirBuilder::new()
		.recursive(true)
		.mode(PRIVATE_FOLDER)
		.create(path)
		.map_err(FileError::io("create", path))
}

/// Whether a write may replace what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
	/// It may.
	Replace,
	/// It must not.
	Keep,
}

/// Writes a private file in one step: whoever reads the path sees the old content, the new
/// content, or no file, also after a crash. On return the bytes are on the disk.
///
/// # Errors
/// [`FileError::Exists`] when something is there that must be kept; otherwise when the file
/// cannot be written.
pub fn write_private(path: &Path, bytes: &[u8], existing: Existing) -> Result<(), FileError> {
	let temporary = temporary_name(path);
	let written = (|| {
		let mut file = OpenOptions::new()
			.write(true)
			.create_new(true)
			.mode(PRIVATE_FILE)
			.open(&temporary)
			.map_err(FileError::io("create", &temporary))?;
		file.write_all(bytes).map_err(FileError::io("write", &temporary))?;
		file.sync_all().map_err(FileError::io("write", &temporary))?;
		match existing {
			Existing::Replace => fs::rename(&temporary, path).map_err(FileError::io("write", path)),
			// Unlike a rename, a hard link fails when its name is taken.
			Existing::Keep => fs::hard_link(&temporary, path).map_err(|error| match error.kind() {
				io::ErrorKind::AlreadyExists => FileError::Exists { path: path.into() },
				_ => FileError::io("write", path)(error),
			}),
		}
	})();
	// After a rename there is nothing left to remove.
	let _ = fs::remove_file(&temporary);
	written?;
	sync_folder(path)
}

/// Makes the folder's list of names durable.
pub(crate) fn sync_folder(path: &Path) -> Result<(), FileError> {
	let folder = match path.parent() {
		Some(folder) if !folder.as_os_str().is_empty() => folder,
		_ => Path::new("."),
	};
	File::open(folder).and_then(|folder| folder.sync_all()).map_err(FileError::io("write", folder))
}

fn temporary_name(path: &Path) -> PathBuf {
	let name = path.file_name().unwrap_or_default().to_string_lossy();
	path.with_file_name(format!(".{name}.{:016x}.tmp", rand::random::<u64>()))
}

#[cfg(test)]
mod tests {
	use super::*;

	fn mode(path: &Path) -> u32 {
		fs::metadata(path).unwrap().permissions().mode() & 0o777
	}

	#[test]
	fn private_files_are_for_their_owner_only() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("a/b/secret");
		create_private_folder(path.parent().unwrap()).unwrap();
		write_private(&path, b"secret", Existing::Keep).unwrap();
		assert_eq!(mode(&path), 0o600);
		assert_eq!(mode(path.parent().unwrap()), 0o700);
		assert_eq!(*read_private(&path, 6).unwrap(), b"secret");
	}

	#[test]
	fn files_that_others_can_read_are_refused() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("secret");
		write_private(&path, b"secret", Existing::Keep).unwrap();
		for open in [0o640, 0o604, 0o620, 0o660, 0o644] {
			fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
			let error = read_private(&path, 6).unwrap_err();
			assert!(matches!(error, FileError::NotPrivate { mode, .. } if mode == open), "{error}");
			assert!(error.to_string().contains("chmod 600"));
		}
	}

	#[test]
	fn what_must_be_kept_is_kept() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("secret");
		write_private(&path, b"first", Existing::Keep).unwrap();
		let error = write_private(&path, b"second", Existing::Keep).unwrap_err();
		assert!(matches!(error, FileError::Exists { .. }), "{error}");
		assert_eq!(*read_private(&path, 9).unwrap(), b"first");
		write_private(&path, b"second", Existing::Replace).unwrap();
		assert_eq!(*read_private(&path, 9).unwrap(), b"second");
		let names = fs::read_dir(folder.path()).unwrap().count();
		assert_eq!(names, 1, "no temporary file is left");
	}

	#[test]
	fn large_files_are_refused_unread() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("large");
		fs::write(&path, [0; 11]).unwrap();
		assert!(matches!(read(&path, 10), Err(FileError::TooLarge { limit: 10, .. })));
		assert_eq!(read(&path, 11).unwrap().len(), 11);
		assert!(read(&folder.path().join("none"), 1).unwrap_err().is_missing());
	}
}
