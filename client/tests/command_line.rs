// SPDX-License-Identifier: Apache-2.0

//! Bad input of every kind through the binary: one clear line, the right exit code, nothing else.

use std::{
	collections::BTreeSet,
	fs,
	path::{Path, PathBuf},
	process::{Command, Output, Stdio},
	thread,
	time::Duration,
};
use tempfile::TempDir;

const FAILED: i32 = 1;
const USAGE: i32 = 2;
const INTERRUPTED: i32 = 130;

/// `proofpod` in a folder, without the environment's settings.
fn command(folder: &Path, arguments: &[&str]) -> Command {
	let mut command = Command::new(env!("CARGO_BIN_EXE_proofpod"));
	command
		.args(arguments)
		.current_dir(folder)
		.env_remove("PROOFPOD_URL")
		.env_remove("PROOFPOD_SIGNER")
		.env_remove("PROOFPOD_JOBS_DIR")
		.env_remove("RUST_LOG")
		.env("HOME", folder);
	command
}

fn proofpod(folder: &Path, arguments: &[&str]) -> Output {
	command(folder, arguments).output().unwrap()
}

/// The line of a command that fails.
#[track_caller]
fn failure(folder: &Path, arguments: &[&str]) -> String {
	let output = proofpod(folder, arguments);
	let error = String::from_utf8(output.stderr).unwrap();
	assert_eq!(output.status.code(), Some(FAILED), "{arguments:?}: {error}");
	assert!(output.stdout.is_empty(), "{arguments:?}: nothing on standard output");
	assert_eq!(error.lines().count(), 1, "{arguments:?}: one line: {error}");
	assert!(error.starts_with("error: "), "{arguments:?}: {error}");
	error
}

#[track_caller]
fn assert_says(line: &str, parts: &[&str]) {
	for part in parts {
		assert!(line.contains(part), "expected {part:?} in: {line}");
	}
}

fn folder() -> TempDir {
	tempfile::tempdir().unwrap()
}

fn write(folder: &TempDir, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
	let path = folder.path().join(name);
	fs::write(&path, content).unwrap();
	path
}

/// An ONNX file with one node: `Y = operator(X, W)`, X of two values. Written field by field in
/// protocol-buffer encoding, because the file has to be one that no tool would write.
fn onnx(operator: &str) -> Vec<u8> {
	fn field(number: u8, content: &[u8]) -> Vec<u8> {
		assert!(content.len() < 128);
		[&[number << 3 | 2, content.len() as u8], content].concat()
	}
	fn number(number: u8, value: u8) -> Vec<u8> {
		vec![number << 3, value]
	}
	let shape = |sizes: &[u8]| {
		let dimensions = sizes.iter().flat_map(|size| field(1, &number(1, *size)));
		field(2, &dimensions.collect::<Vec<_>>())
	};
	let tensor_type = |sizes: &[u8]| field(1, &[number(1, 1), shape(sizes)].concat());
	let value = |name: &str, sizes: &[u8]| {
		[field(1, name.as_bytes()), field(2, &tensor_type(sizes))].concat()
	};
	let node = [
		field(1, b"X"),
		field(1, b"W"),
		field(2, b"Y"),
		field(3, b"the_node"),
		field(4, operator.as_bytes()),
	]
	.concat();
	let weights: Vec<u8> = [1.0f32, -1.0, 0.5, 2.0].iter().flat_map(|x| x.to_le_bytes()).collect();
	let initializer =
		[number(1, 2), number(1, 2), number(2, 1), field(8, b"W"), field(9, &weights)].concat();
	let graph = [
		field(1, &node),
		field(2, b"graph"),
		field(5, &initializer),
		field(11, &value("X", &[1, 2])),
		field(12, &value("Y", &[1, 2])),
	]
	.concat();
	// The graph is longer than one byte of length can say.
	let length = [(graph.len() & 0x7f) as u8 | 0x80, (graph.len() >> 7) as u8];
	[number(1, 8), vec![7 << 3 | 2], length.to_vec(), graph, field(8, &number(2, 13))].concat()
}

const CALIBRATION: &str = r#"{"input_data": [[1.0, 2.0], [-1.0, 0.5]], "labels": [1, 0]}"#;

/// A folder with a compiled model in `model` and records beside it.
fn compiled() -> TempDir {
	let folder = folder();
	write(&folder, "net.onnx", onnx("MatMul"));
	write(&folder, "calibration.json", CALIBRATION);
	let output = proofpod(
		folder.path(),
		&["model", "compile", "net.onnx", "--calibration", "calibration.json", "--out", "model"],
	);
	assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
	folder
}

mod compile {
	use super::*;

	fn compile(folder: &TempDir, onnx: &str) -> Vec<String> {
		let _ = folder;
		["model", "compile", onnx, "--calibration", "calibration.json", "--out", "model"]
			.map(String::from)
			.to_vec()
	}

	fn refusal(folder: &TempDir, onnx: &str) -> String {
		let arguments = compile(folder, onnx);
		let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
		failure(folder.path(), &arguments)
	}

	#[test]
	fn a_missing_network_is_named() {
		let folder = folder();
		write(&folder, "calibration.json", CALIBRATION);
		assert_says(&refusal(&folder, "none.onnx"), &["none.onnx", "No such file"]);
	}

	#[test]
	fn a_missing_calibration_is_named() {
		let folder = folder();
		write(&folder, "net.onnx", onnx("MatMul"));
		assert_says(&refusal(&folder, "net.onnx"), &["calibration.json", "No such file"]);
	}

	#[test]
	fn a_file_that_is_no_onnx_is_refused() {
		let folder = folder();
		write(&folder, "calibration.json", CALIBRATION);
		write(&folder, "text.onnx", "this is no network");
		assert_says(&refusal(&folder, "text.onnx"), &["text.onnx", "not a readable ONNX file"]);
		let whole = onnx("MatMul");
		write(&folder, "half.onnx", &whole[..whole.len() / 2]);
		assert_says(&refusal(&folder, "half.onnx"), &["half.onnx"]);
		write(&folder, "empty.onnx", "");
		assert_says(&refusal(&folder, "empty.onnx"), &["empty.onnx"]);
		assert!(!folder.path().join("model").exists(), "nothing is written");
	}

	#[test]
	fn an_unknown_operator_is_named_with_its_node() {
		let folder = folder();
		write(&folder, "calibration.json", CALIBRATION);
		write(&folder, "net.onnx", onnx("Einsum"));
		assert_says(&refusal(&folder, "net.onnx"), &["Einsum", "the_node"]);
	}

	#[test]
	fn records_of_another_length_are_refused() {
		let folder = folder();
		write(&folder, "net.onnx", onnx("MatMul"));
		write(&folder, "calibration.json", r#"{"input_data": [[1.0, 2.0, 3.0]]}"#);
		assert_says(&refusal(&folder, "net.onnx"), &["2", "3"]);
	}
}

mod infer {
	use super::*;

	#[test]
	fn a_record_gives_a_prediction_as_text_and_as_json() {
		let folder = compiled();
		write(&folder, "input.json", r#"{"input_data": [[1.0, 2.0]], "labels": [1]}"#);
		let arguments = ["model", "infer", "model", "--input", "input.json"];
		let text = proofpod(folder.path(), &arguments);
		assert!(text.status.success());
		assert!(String::from_utf8_lossy(&text.stdout).contains("prediction"));
		let json = proofpod(folder.path(), &[&["--json"], &arguments[..]].concat());
		let json: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
		// W = [[1, −1], [0.5, 2]]: X·W = [2, 3].
		assert_eq!(json["class"], 1);
		assert_eq!(json["true_class"], 1);
		assert_eq!(json["logits"].as_array().unwrap().len(), 2);
	}

	#[test]
	fn bad_records_are_refused_with_their_place() {
		let folder = compiled();
		for (content, parts) in [
			(r#"{"input_data": [[1.0]]}"#, ["expected 2", "found 1"]),
			(r#"{"input_data": [[1.0, "x"]]}"#, ["record 0", "value 1"]),
			(r#"{"input_data": [[1.0, 1e39]]}"#, ["record 0", "value 1"]),
			(r#"{"input": [[1.0, 2.0]]}"#, ["input_data", "expected"]),
			("not json", ["input.json", "JSON"]),
		] {
			write(&folder, "input.json", content);
			let line =
				failure(folder.path(), &["model", "infer", "model", "--input", "input.json"]);
			assert_says(&line, &parts);
			assert_says(&line, &["input.json"]);
		}
	}

	#[test]
	fn one_of_several_records_must_be_chosen() {
		let folder = compiled();
		let infer = ["model", "infer", "model", "--input", "calibration.json"];
		assert_says(&failure(folder.path(), &infer), &["found 2", "--record"]);
		let beyond = [&infer[..], &["--record", "2"]].concat();
		assert_says(&failure(folder.path(), &beyond), &["from 0 to 1", "found 2"]);
		let chosen = [&infer[..], &["--record", "1"]].concat();
		assert!(proofpod(folder.path(), &chosen).status.success());
	}

	#[test]
	fn a_folder_without_a_model_is_named() {
		let folder = folder();
		write(&folder, "input.json", CALIBRATION);
		let line = failure(folder.path(), &["model", "infer", "none", "--input", "input.json"]);
		assert_says(&line, &["none", "model compile"]);
		fs::create_dir(folder.path().join("empty")).unwrap();
		let line = failure(folder.path(), &["model", "infer", "empty", "--input", "input.json"]);
		assert_says(&line, &["model.json", "compile"]);
	}

	#[test]
	fn a_changed_network_is_refused() {
		let folder = compiled();
		let path = folder.path().join("model/network.bin");
		let mut bytes = fs::read(&path).unwrap();
		*bytes.last_mut().unwrap() ^= 1;
		fs::write(&path, bytes).unwrap();
		let line = failure(folder.path(), &["model", "inspect", "model"]);
		assert_says(&line, &["network.bin", "expected digest"]);
	}
}

mod prove {
	use super::*;

	#[test]
	fn a_proof_verifies_until_anything_in_it_is_changed() {
		let folder = compiled();
		let run = |arguments: &[&str]| proofpod(folder.path(), arguments);
		write(&folder, "input.json", r#"{"input_data": [[1.0, 2.0]]}"#);
		let prove = ["model", "prove", "model", "--input", "input.json", "--out", "proof.json"];
		let line = failure(folder.path(), &prove);
		assert_says(&line, &["setup"]);
		assert!(run(&["model", "setup", "model"]).status.success());
		let output = run(&prove);
		assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
		let verify = ["model", "verify", "model", "--proof", "proof.json"];
		assert!(run(&verify).status.success());

		let path = folder.path().join("proof.json");
		let honest: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
		let keys: Vec<_> = honest.as_object().unwrap().keys().cloned().collect();
		assert_eq!(keys.len(), 7, "no secret is written: {keys:?}");
		for name in ["model", "binding", "input", "output_key", "proof"] {
			let mut changed = honest.clone();
			let text = changed[name].as_str().unwrap().to_string();
			let digit = if text.ends_with('1') { "0" } else { "1" };
			changed[name] = format!("{}{digit}", &text[..text.len() - 1]).into();
			fs::write(&path, changed.to_string()).unwrap();
			failure(folder.path(), &verify);
		}
		fs::write(&path, "{}").unwrap();
		assert_says(&failure(folder.path(), &verify), &["proof.json", "expected a proof"]);
	}

	#[test]
	fn an_interrupted_setup_leaves_nothing_behind() {
		let folder = folder();
		write(&folder, "net.onnx", include_bytes!("../../models/digits_cnn/digits_cnn.onnx"));
		let calibration = include_bytes!("../../models/digits_cnn/calibration.json");
		write(&folder, "calibration.json", calibration);
		let compile =
			["model", "compile", "net.onnx", "--calibration", "calibration.json", "--out", "model"];
		assert!(proofpod(folder.path(), &compile).status.success());
		let names = || {
			let files = fs::read_dir(folder.path().join("model")).unwrap();
			let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
			names.collect::<BTreeSet<_>>()
		};
		let before = names();
		let setup = command(folder.path(), &["model", "setup", "model"])
			.stdout(Stdio::piped())
			.stderr(Stdio::piped())
			.spawn()
			.unwrap();
		while names() == before {
			thread::sleep(Duration::from_millis(1));
		}
		let interrupt = Command::new("kill").args(["-INT", &setup.id().to_string()]).status();
		assert!(interrupt.unwrap().success());
		let output = setup.wait_with_output().unwrap();
		let error = String::from_utf8(output.stderr).unwrap();
		assert_eq!(output.status.code(), Some(INTERRUPTED), "{error}");
		assert!(error.ends_with("error: interrupted: nothing was written\n"), "{error}");
		assert_eq!(names(), before);
	}
}

mod chain {
	use super::*;

	/// A URL at which nobody listens.
	fn nobody() -> String {
		let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
		format!("ws://{}", listener.local_addr().unwrap())
	}

	#[test]
	fn an_unreachable_node_is_said_in_a_line() {
		let folder = folder();
		let url = nobody();
		for command in [
			&["pods", "list"][..],
			&["job", "list"],
			&["job", "status", "7"],
			&["job", "cancel", "7", "--signer", "//Alice", "--dev"],
		] {
			let line = failure(folder.path(), &[command, &["--url", &url]].concat());
			assert_says(&line, &[&url, "Connection refused", "--url"]);
		}
	}

	#[test]
	fn a_url_of_another_kind_is_refused() {
		let folder = folder();
		for url in ["http://127.0.0.1:9944", "localhost", ""] {
			let line = failure(folder.path(), &["pods", "list", "--url", url]);
			assert_says(&line, &["ws://"]);
		}
	}

	#[test]
	fn failures_are_json_with_json() {
		let folder = folder();
		let output = proofpod(folder.path(), &["--json", "pods", "list", "--url", &nobody()]);
		assert_eq!(output.status.code(), Some(FAILED));
		assert!(output.stdout.is_empty());
		let error: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
		assert_says(error["error"]["message"].as_str().unwrap(), &["Connection refused"]);
	}

	#[test]
	fn development_accounts_need_their_flag() {
		let folder = folder();
		let line = failure(folder.path(), &["job", "cancel", "7", "--signer", "//Alice"]);
		assert_says(&line, &["--dev"]);
	}

	#[test]
	fn a_signers_file_must_be_private_and_is_not_repeated() {
		let folder = folder();
		let path = write(&folder, "seed", "hunter2 hunter2");
		let cancel = ["job", "cancel", "7", "--signer", "seed"];
		set_mode(&path, 0o644);
		assert_says(&failure(folder.path(), &cancel), &["mode 600", "chmod"]);
		set_mode(&path, 0o600);
		let line = failure(folder.path(), &cancel);
		assert_says(&line, &["seed phrase"]);
		assert!(!line.contains("hunter2"));
	}

	fn set_mode(path: &Path, mode: u32) {
		use std::os::unix::fs::PermissionsExt;
		fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
	}

	#[test]
	fn a_job_is_checked_before_the_node_is_asked() {
		let folder = compiled();
		write(&folder, "input.json", r#"{"input_data": [[1.0, 2.0]]}"#);
		let url = nobody();
		let job = |extra: &[&str]| {
			let signer = ["--signer", "//Alice", "--dev", "--url", &url];
			[&["job", "run", "model", "--input", "input.json"], extra, &signer[..]]
				.concat()
				.into_iter()
				.map(String::from)
				.collect::<Vec<_>>()
		};
		let refusal = |extra: &[&str]| {
			let arguments = job(extra);
			let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
			failure(folder.path(), &arguments)
		};
		assert_says(&refusal(&["--max-price", "1", "--min-price", "2"]), &["--min-price", "1 POD"]);
		assert_says(&refusal(&["--max-price", "0"]), &["above 0"]);
		assert_says(&refusal(&["--max-price", "1"]), &["setup"]);
		assert!(proofpod(folder.path(), &["model", "setup", "model"]).status.success());
		assert_says(&refusal(&["--max-price", "1", "--record", "3"]), &["found 3"]);
		assert_says(&refusal(&["--max-price", "1"]), &["Connection refused"]);
		assert!(!folder.path().join(".local").exists(), "no keys of a job that was not opened");
	}
}

mod usage {
	use super::*;

	#[test]
	fn a_wrong_command_line_exits_with_two() {
		let folder = folder();
		for arguments in [
			&["frobnicate"][..],
			&["job", "status"],
			&["job", "status", "seven"],
			&["model", "compile", "net.onnx"],
			&["job", "run", "model", "--input", "x", "--signer", "//Alice", "--max-price", "much"],
			&["job", "run", "0x12", "--input", "x", "--signer", "//Alice", "--max-price", "1"],
			&["job", "list", "--client", "5Alice"],
		] {
			let output = proofpod(folder.path(), arguments);
			let error = String::from_utf8_lossy(&output.stderr).into_owned();
			assert_eq!(output.status.code(), Some(USAGE), "{arguments:?}: {error}");
			assert!(error.starts_with("error: "), "{arguments:?}: {error}");
		}
	}

	#[test]
	fn help_and_version_are_there() {
		let folder = folder();
		for arguments in [&["--help"][..], &["--version"], &["job", "run", "--help"]] {
			let output = proofpod(folder.path(), arguments);
			assert!(output.status.success(), "{arguments:?}");
			assert!(String::from_utf8_lossy(&output.stdout).contains("proofpod"), "{arguments:?}");
		}
	}
}
