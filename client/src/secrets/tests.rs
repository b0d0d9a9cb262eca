// SPDX-License-Identifier: Apache-2.0

use super::*;
use std::os::unix::fs::PermissionsExt;

fn secrets(byte: u8) -> JobSecrets {
	JobSecrets {
		model: ModelId([byte; 32]),
		job: None,
		input_commitment: InputCommitment([byte; 32]),
		output_key_commitment: Some(OutputKeyCommitment([byte + 1; 32])),
		salt: Zeroizing::new([byte + 2; 32]),
		output_key: Zeroizing::new([byte + 3; 32]),
		input: Some(Zeroizing::new(vec![-128, -1, 0, 127])),
	}
}

fn store() -> (tempfile::TempDir, SecretsStore) {
	let folder = tempfile::tempdir().unwrap();
	let store = SecretsStore::open(folder.path(), GenesisHash([1; 32])).unwrap();
	(folder, store)
}

#[test]
fn secrets_are_kept_before_and_after_the_job_has_a_number() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	assert_eq!(store.pending().unwrap(), vec![secrets(10)]);
	let filed = store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	assert_eq!(filed, JobSecrets { job: Some(JobId(7)), ..secrets(10) });
	assert_eq!(store.load(JobId(7)).unwrap(), Some(filed));
	assert_eq!(store.jobs().unwrap(), vec![JobId(7)]);
	assert!(store.pending().unwrap().is_empty());
	assert_eq!(store.load(JobId(8)).unwrap(), None);
}

#[test]
fn files_are_private() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
	assert_eq!(mode(&store.job_path(JobId(7))), 0o600);
	assert_eq!(mode(store.folder()), 0o700);
	fs::set_permissions(store.job_path(JobId(7)), fs::Permissions::from_mode(0o644)).unwrap();
	assert!(matches!(store.load(JobId(7)), Err(SecretsError::File(FileError::NotPrivate { .. }))));
}

#[test]
fn a_crash_between_the_two_files_loses_nothing() {
	let (_folder, store) = store();
	let commitment = secrets(10).input_commitment;
	store.prepare(&secrets(10)).unwrap();
	let pending = store.pending_path(commitment);
	let before = fs::read(&pending).unwrap();
	store.assign(commitment, JobId(7)).unwrap();
	// The crash: the second file was written, the first not yet removed.
	files::write_private(&pending, &before, Existing::Keep).unwrap();
	let filed = store.assign(commitment, JobId(7)).unwrap();
	assert_eq!(filed.salt, secrets(10).salt);
	assert!(store.pending().unwrap().is_empty());
	// Once more, with nothing left to do.
	assert_eq!(store.assign(commitment, JobId(7)).unwrap(), filed);
}

#[test]
fn a_half_written_file_is_not_seen() {
	let (_folder, store) = store();
	// The crash: a temporary file with half of the content.
	fs::write(store.folder().join(".job-7.json.00.tmp"), "{\"version\": 1, \"sal").unwrap();
	fs::write(store.folder().join(".pending-0xaa.json.00.tmp"), "").unwrap();
	assert!(store.pending().unwrap().is_empty());
	assert!(store.jobs().unwrap().is_empty());
	assert_eq!(store.load(JobId(7)).unwrap(), None);
}

#[test]
fn pending_secrets_are_claimed_by_their_commitments() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.prepare(&secrets(20)).unwrap();
	let wanted = secrets(20).input_commitment;
	let claimed =
		store.claim(JobId(3), |secrets| secrets.input_commitment == wanted).unwrap().unwrap();
	assert_eq!(claimed.salt, secrets(20).salt);
	assert_eq!(store.pending().unwrap(), vec![secrets(10)]);
	assert_eq!(store.claim(JobId(4), |_| false).unwrap(), None);
}

#[test]
fn secrets_follow_a_job_that_a_reorganisation_renumbered() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	let ours = |secrets: &JobSecrets| secrets.input_commitment == InputCommitment([10; 32]);
	let claimed = store.claim(JobId(8), ours).unwrap().unwrap();
	assert_eq!(claimed.salt, secrets(10).salt);
	assert_eq!(store.load(JobId(8)).unwrap(), Some(claimed));
	// The number's new owner is not given somebody else's secrets.
	assert_eq!(store.claim(JobId(7), |_| false).unwrap(), None);
}

#[test]
fn no_key_is_ever_replaced() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	assert!(store.prepare(&secrets(10)).is_err());
	store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	// A fork, or a development chain that starts anew, can give the number to another job.
	store.prepare(&secrets(20)).unwrap();
	let assigned = store.assign(secrets(20).input_commitment, JobId(7)).unwrap();
	assert_eq!(assigned.salt, secrets(20).salt);
	assert_eq!(store.load(JobId(7)).unwrap().unwrap().salt, secrets(20).salt);
	assert_eq!(store.pending().unwrap(), vec![secrets(10)]);
	let earlier = |secrets: &JobSecrets| secrets.input_commitment == InputCommitment([10; 32]);
	assert_eq!(store.claim(JobId(7), earlier).unwrap().unwrap().salt, secrets(10).salt);
	assert_eq!(store.pending().unwrap(), vec![secrets(20)]);
}

#[test]
fn chains_do_not_mix() {
	let (folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	let other = SecretsStore::open(folder.path(), GenesisHash([2; 32])).unwrap();
	assert_eq!(other.load(JobId(7)).unwrap(), None);
	fs::copy(store.job_path(JobId(7)), other.job_path(JobId(7))).unwrap();
	assert!(matches!(other.load(JobId(7)), Err(SecretsError::Misplaced { .. })));
}

#[test]
fn inputs_are_forgotten_and_keys_are_not() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.assign(secrets(10).input_commitment, JobId(7)).unwrap();
	store.forget_input(JobId(7)).unwrap();
	store.forget_input(JobId(7)).unwrap();
	store.forget_input(JobId(8)).unwrap();
	let kept = store.load(JobId(7)).unwrap().unwrap();
	assert_eq!(kept.input, None);
	assert_eq!(kept.delivery(), None);
	assert_eq!(kept.output_key, secrets(10).output_key);
}

#[test]
fn refused_jobs_leave_nothing() {
	let (_folder, store) = store();
	store.prepare(&secrets(10)).unwrap();
	store.abandon(secrets(10).input_commitment).unwrap();
	store.abandon(secrets(10).input_commitment).unwrap();
	assert!(store.pending().unwrap().is_empty());
}

#[test]
fn damaged_files_are_named_and_not_quoted() {
	let (_folder, store) = store();
	for content in ["", "{", "{\"salt\": \"feedface\"}", "[]"] {
		let path = store.job_path(JobId(7));
		files::write_private(&path, content.as_bytes(), Existing::Replace).unwrap();
		let error = store.load(JobId(7)).unwrap_err();
		assert!(matches!(error, SecretsError::Malformed { .. }), "{error}");
		assert!(error.to_string().contains("job-7.json"), "{error}");
		assert!(!error.to_string().contains("feedface"), "{error}");
	}
}

#[test]
fn nothing_secret_is_shown() {
	let shown = format!("{:?}", secrets(10));
	assert_eq!(shown, format!("JobSecrets(None, {})", secrets(10).input_commitment));
}
