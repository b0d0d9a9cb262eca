// SPDX-License-Identifier: Apache-2.0

//! Signing keys of accounts and encryption keys of pods, kept in private files.

use crate::{
	account::AccountId,
	files::{self, Existing, FileError},
	sealing::{DecryptionKey, SealingError},
};
use std::{
	path::{Path, PathBuf},
	str::FromStr,
};
use subxt::{transactions::Signer as SubxtSigner, utils::MultiSignature, SubstrateConfig};
use subxt_signer::{sr25519::Keypair, SecretUri};
use zeroize::Zeroizing;

/// Most bytes of a file that holds a key.
const MAX_KEY_FILE: u64 = 4096;

/// Why a key cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
	/// The file cannot be read or written.
	#[error(transparent)]
	File(#[from] FileError),
	/// The file does not hold a seed phrase.
	#[error("expected {} to hold a seed phrase of 12 to 24 words or a 0x… seed in one line, found something else", path.display())]
	NotAPhrase {
		/// The file.
		path: PathBuf,
	},
	/// A development account was asked for, and this is not said to be a development chain.
	#[error("development accounts such as //Alice belong to everybody: add --dev to sign with one, or name a file that holds a seed phrase")]
	DevelopmentAccount,
	/// The text is neither a development account nor a file.
	#[error("expected a development account such as //Alice, found a text that is none")]
	NotADevelopmentAccount,
	/// The file does not hold an encryption key.
	#[error("expected {} to hold an X25519 key as 64 hexadecimal digits, found something else", path.display())]
	NotAnEncryptionKey {
		/// The file.
		path: PathBuf,
	},
}

/// Signs transactions for one account (sr25519). Its secret is never shown.
#[derive(Clone)]
pub struct Signer(Keypair);

impl std::fmt::Debug for Signer {
	fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
		write!(f, "Signer({})", self.account())
	}
}

impl Signer {
	/// A signer from what a person gives on the command line: `//Alice` and the like, if
	/// `development` accounts are allowed, otherwise the path of a file for [`Self::from_file`].
	///
	/// # Errors
	/// When a development account is not allowed, or the file holds no seed phrase.
	pub fn from_argument(argument: &str, development: bool) -> Result<Self, KeyError> {
		match argument.strip_prefix("//") {
			Some(_) if development => Self::development(argument),
			Some(_) => Err(KeyError::DevelopmentAccount),
			None => Self::from_file(Path::new(argument)),
		}
	}

	/// A development account: `//Alice`, `//Alice//stash`. Everybody knows its key.
	///
	/// # Errors
	/// When the text does not begin with a derivation.
	pub fn development(uri: &str) -> Result<Self, KeyError> {
		let derivation = uri.strip_prefix("//").filter(|name| !name.is_empty());
		derivation.ok_or(KeyError::NotADevelopmentAccount)?;
		let uri = SecretUri::from_str(uri).map_err(|_| KeyError::NotADevelopmentAccount)?;
		Keypair::from_uri(&uri).map(Self).map_err(|_| KeyError::NotADevelopmentAccount)
	}

	/// A signer from a file that holds a seed phrase (BIP-39), or `0x` and a 32-byte seed, either
	/// with derivations (`…//worker`), in one line. The file must be readable by its owner only.
	///
	/// # Errors
	/// When the file cannot be read, is not private, or holds something else. The error does not
	/// repeat what it holds.
	pub fn from_file(path: &Path) -> Result<Self, KeyError> {
		let bytes = files::read_private(path, MAX_KEY_FILE)?;
		let not_a_phrase = || KeyError::NotAPhrase { path: path.into() };
		let text = std::str::from_utf8(&bytes).map_err(|_| not_a_phrase())?.trim();
		// Without a phrase of its own, a URI means the development phrase.
		if text.is_empty() || text.starts_with('/') || text.lines().count() != 1 {
			return Err(not_a_phrase());
		}
		let uri = SecretUri::from_str(text).map_err(|_| not_a_phrase())?;
		Keypair::from_uri(&uri).map(Self).map_err(|_| not_a_phrase())
	}

	/// The account that it signs for.
	pub fn account(&self) -> AccountId {
		self.0.public_key().to_account_id()
	}
}

impl SubxtSigner<SubstrateConfig> for Signer {
	fn account_id(&self) -> AccountId {
		self.account()
	}

	fn sign(&self, payload: &[u8]) -> MultiSignature {
		self.0.sign(payload).into()
	}
}

/// Creates a pod's encryption key in a private file, as hexadecimal digits.
///
/// # Errors
/// When the file exists or cannot be written: a key that clients may have sealed to is never
/// replaced.
pub fn create_encryption_key(path: &Path) -> Result<DecryptionKey, KeyError> {
	let key = DecryptionKey::generate();
	let mut digits = Zeroizing::new([0u8; 65]);
	digits[64] = b'\n';
	let encoded = hex::encode_to_slice(&key.to_bytes()[..], &mut digits[..64]);
	encoded.map_err(|_| KeyError::NotAnEncryptionKey { path: path.into() })?;
	files::write_private(path, &digits[..], Existing::Keep)?;
	Ok(key)
}

/// Loads a pod's encryption key from its private file.
///
/// # Errors
/// When the file cannot be read, is not private, or holds something else.
pub fn load_encryption_key(path: &Path) -> Result<DecryptionKey, KeyError> {
	let text = files::read_private(path, MAX_KEY_FILE)?;
	let not_a_key = || KeyError::NotAnEncryptionKey { path: path.into() };
	let mut bytes = Zeroizing::new([0u8; 32]);
	hex::decode_to_slice(text.trim_ascii(), &mut bytes[..]).map_err(|_| not_a_key())?;
	DecryptionKey::from_bytes(&bytes).map_err(|_: SealingError| not_a_key())
}

#[cfg(test)]
mod tests {
	use super::*;
	use std::{fs, os::unix::fs::PermissionsExt};

	const PHRASE: &str = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
	const ALICE: &str = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";

	fn file(folder: &tempfile::TempDir, content: &str) -> PathBuf {
		let path = folder.path().join("key");
		files::write_private(&path, content.as_bytes(), Existing::Replace).unwrap();
		path
	}

	#[test]
	fn a_seed_phrase_in_a_private_file_signs() {
		let folder = tempfile::tempdir().unwrap();
		let path = file(&folder, &format!("{PHRASE}//Alice\n"));
		assert_eq!(Signer::from_file(&path).unwrap().account().to_string(), ALICE);
		assert_eq!(
			Signer::from_argument(path.to_str().unwrap(), false).unwrap().account().to_string(),
			ALICE
		);
		let path = file(&folder, &format!("0x{}", "11".repeat(32)));
		assert_ne!(Signer::from_file(&path).unwrap().account().to_string(), ALICE);
	}

	#[test]
	fn development_accounts_need_the_flag() {
		assert_eq!(Signer::from_argument("//Alice", true).unwrap().account().to_string(), ALICE);
		assert!(matches!(
			Signer::from_argument("//Alice", false),
			Err(KeyError::DevelopmentAccount)
		));
		for text in ["//", "Alice", PHRASE] {
			assert!(matches!(Signer::development(text), Err(KeyError::NotADevelopmentAccount)));
		}
	}

	#[test]
	fn files_without_a_phrase_are_refused_without_repeating_them() {
		let folder = tempfile::tempdir().unwrap();
		for content in
			["", "\n", "//Alice", "hunter2 is no phrase", "0x1234", &format!("{PHRASE}\n{PHRASE}")]
		{
			let path = file(&folder, content);
			let error = Signer::from_file(&path).unwrap_err();
			assert!(matches!(error, KeyError::NotAPhrase { .. }), "{content:?}: {error}");
			assert!(!error.to_string().contains("hunter2"));
		}
	}

	#[test]
	fn a_phrase_that_others_can_read_is_refused() {
		let folder = tempfile::tempdir().unwrap();
		let path = file(&folder, PHRASE);
		fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
		assert!(matches!(
			Signer::from_file(&path),
			Err(KeyError::File(FileError::NotPrivate { mode: 0o644, .. }))
		));
	}

	#[test]
	fn encryption_keys_survive_their_file() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("encryption.key");
		let created = create_encryption_key(&path).unwrap();
		let loaded = load_encryption_key(&path).unwrap();
		assert_eq!(created.public(), loaded.public());
		assert_eq!(created.to_bytes(), loaded.to_bytes());
		assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
	}

	#[test]
	fn an_encryption_key_is_never_replaced() {
		let folder = tempfile::tempdir().unwrap();
		let path = folder.path().join("encryption.key");
		let first = create_encryption_key(&path).unwrap().public();
		assert!(matches!(
			create_encryption_key(&path),
			Err(KeyError::File(FileError::Exists { .. }))
		));
		assert_eq!(load_encryption_key(&path).unwrap().public(), first);
	}

	#[test]
	fn files_without_an_encryption_key_are_refused() {
		let folder = tempfile::tempdir().unwrap();
		for content in ["", "12", &"zz".repeat(32), &"11".repeat(33)] {
			let path = file(&folder, content);
			assert!(
				matches!(load_encryption_key(&path), Err(KeyError::NotAnEncryptionKey { .. })),
				"{content:?}"
			);
		}
	}

	#[test]
	fn nothing_secret_is_shown() {
		let signer = Signer::development("//Alice").unwrap();
		assert_eq!(format!("{signer:?}"), format!("Signer({ALICE})"));
	}
}
