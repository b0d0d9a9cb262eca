// SPDX-License-Identifier: Apache-2.0

//! The binary and what it says to wrong input: one line with a stable code, exit code 1.

use std::{
	path::Path,
	process::{Command, Output},
};

fn worker(arguments: &[&str], folder: &Path) -> Output {
	Command::new(env!("CARGO_BIN_EXE_pod-worker"))
		.args(arguments)
		.current_dir(folder)
		.output()
		.unwrap()
}

/// Asserts that the worker refuses with this code and these words, in one line.
fn assert_refuses(output: &Output, code: &str, words: &[&str]) {
	let text = String::from_utf8_lossy(&output.stderr);
	let last = text.trim_end().lines().last().unwrap_or_default();
	assert_eq!(output.status.code(), Some(1), "{text}");
	assert!(last.starts_with(&format!("error [{code}]: ")), "{text}");
	for word in words {
		assert!(text.contains(word), "expected {word:?} in: {text}");
	}
}

fn with_config(edit: impl Fn(String) -> String, arguments: &[&str]) -> Output {
	let folder = tempfile::tempdir().unwrap();
	let config = edit(pod_worker::config::EXAMPLE.to_owned());
	std::fs::write(folder.path().join("pod.toml"), config).unwrap();
	worker(arguments, folder.path())
}

#[test]
fn init_writes_a_configuration_that_check_accepts_and_never_replaces_one() {
	let folder = tempfile::tempdir().unwrap();
	assert!(worker(&["init", "pod.toml"], folder.path()).status.success());
	assert!(worker(&["check", "--config", "pod.toml"], folder.path()).status.success());
	std::fs::write(folder.path().join("pod.toml"), "mine").unwrap();
	assert_refuses(&worker(&["init", "pod.toml"], folder.path()), "PW-CFG-003", &["pod.toml"]);
	assert_eq!(std::fs::read(folder.path().join("pod.toml")).unwrap(), b"mine");
}

#[test]
fn missing_and_malformed_configurations_are_named() {
	let folder = tempfile::tempdir().unwrap();
	let missing = worker(&["check", "--config", "none.toml"], folder.path());
	assert_refuses(&missing, "PW-CFG-001", &["none.toml"]);
	let check = ["check", "--config", "pod.toml"];
	let unknown = with_config(|text| text.replacen("url =", "uri =", 1), &check);
	assert_refuses(&unknown, "PW-CFG-002", &["line 5", "unknown field `uri`"]);
}

#[test]
fn development_accounts_need_the_flag_and_keys_must_be_private() {
	let development = |text: String| {
		text.replacen("account_file = \"account.phrase\"", "account_dev = \"//Bob\"", 1)
	};
	let run = ["run", "--config", "pod.toml"];
	assert_refuses(&with_config(development, &run), "PW-KEY-001", &["--dev"]);
	assert_refuses(&with_config(|text| text, &run), "PW-KEY-001", &["account.phrase"]);
}

#[test]
fn a_folder_without_a_model_is_named() {
	let edit = |text: String| {
		text.replacen("account_file = \"account.phrase\"", "account_dev = \"//Bob\"", 1)
	};
	let output = with_config(edit, &["run", "--dev", "--config", "pod.toml"]);
	assert_refuses(&output, "PW-MOD-001", &["models/digits"]);
}

#[test]
fn a_wrong_command_line_exits_with_two() {
	let folder = tempfile::tempdir().unwrap();
	assert_eq!(worker(&["run"], folder.path()).status.code(), Some(2));
	assert_eq!(worker(&["walk"], folder.path()).status.code(), Some(2));
}
