// SPDX-License-Identifier: Apache-2.0

use super::*;
use crate::{commitment::Secrets, progress::Progress};
use proofpod_primitives::Scalar;
use rand::rngs::OsRng;
use std::sync::{
	atomic::{AtomicBool, Ordering},
	Mutex,
};
use tempfile::TempDir;

const ONNX: &[u8] = include_bytes!("../../../models/breast_cancer/breast_cancer.onnx");
const CALIBRATION: &[u8] = include_bytes!("../../../models/breast_cancer/calibration.json");

fn options() -> CompileOptions {
	CompileOptions {
		name: "breast_cancer".into(),
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Public,
		reveal: Reveal::Logits,
		classes: None,
	}
}

fn compile(options: &CompileOptions) -> (TempDir, ModelDirectory, Model) {
	let folder = tempfile::tempdir().unwrap();
	let directory = ModelDirectory::at(folder.path().join("model"));
	let calibration = InputFile::parse(CALIBRATION, Some(30)).unwrap();
	let model = directory.compile(ONNX, &calibration, options).unwrap();
	(folder, directory, model)
}

/// The digest errors' file, when it is one.
fn changed(error: ArtefactError) -> Option<String> {
	match error {
		ArtefactError::Changed { path, expected, found, .. } => {
			assert_ne!(expected, found);
			Some(path.file_name()?.to_str()?.to_string())
		},
		_ => None,
	}
}

fn flip(directory: &ModelDirectory, name: &str) {
	let mut bytes = fs::read(directory.file(name)).unwrap();
	let middle = bytes.len() / 2;
	bytes[middle] ^= 1;
	fs::write(directory.file(name), bytes).unwrap();
}

fn edit(directory: &ModelDirectory, change: impl FnOnce(&mut serde_json::Value)) {
	let bytes = fs::read(directory.file(DESCRIPTION_FILE)).unwrap();
	let mut value = serde_json::from_slice(&bytes).unwrap();
	change(&mut value);
	fs::write(directory.file(DESCRIPTION_FILE), value.to_string()).unwrap();
}

#[test]
fn compiled_models_load() {
	let (_folder, directory, model) = compile(&options());
	assert_eq!(directory.load().unwrap(), model);
	let description = &model.description;
	assert_eq!((description.input_len, description.output_len), (30, 2));
	assert_eq!(
		(model.interface.class_name(0), model.interface.class_name(1)),
		("malignant".into(), "benign".into())
	);
	assert_eq!(model.interface.class_name(2), "2");
	assert_eq!(description.calibration.records, 200);
	assert_eq!(description.circuit.public_inputs, 3 + description.output_elements);
	let parts = description.circuit.sections.iter().map(|part| part.constraints);
	assert_eq!(parts.sum::<usize>(), description.circuit.constraints);
}

#[test]
fn parts_of_the_circuit_name_the_nodes_they_come_from() {
	let (_folder, _directory, model) = compile(&options());
	let sections = &model.description.circuit.sections;
	let origins = sections.iter().filter_map(|section| section.origin.as_deref());
	let origins = origins.collect::<Vec<_>>();
	assert_eq!(origins.len(), model.network.nodes.len());
	let layers = &model.description.calibration.layers;
	assert!(layers.iter().skip(1).map(|layer| layer.node.as_str()).eq(origins));
}

#[test]
fn a_compilation_reports_its_progress_and_can_be_cancelled() {
	let folder = tempfile::tempdir().unwrap();
	let directory = ModelDirectory::at(folder.path().join("model"));
	let calibration = InputFile::parse(CALIBRATION, Some(30)).unwrap();
	let run =
		|monitor: Monitor| directory.compile_monitored(ONNX, &calibration, &options(), monitor);
	for last in [0, 1, 200, 201, 400] {
		let (flag, count) = (AtomicBool::new(false), Mutex::new(0));
		let observer = |_| {
			let mut count = count.lock().unwrap();
			flag.fetch_or(*count == last, Ordering::Relaxed);
			*count += 1;
		};
		let cancelled = run(Monitor::none().observed(&observer).cancelled_by(&flag));
		// The last report is of the circuit's size, after which nothing asks.
		assert_eq!(cancelled.is_err(), last < 400, "after report {last}");
		assert_eq!(*count.lock().unwrap(), last + 1);
		assert_eq!(directory.path().exists(), last == 400, "a cancelled one writes nothing");
	}
	let seen = Mutex::new(Vec::new());
	let observer = |progress: Progress| seen.lock().unwrap().push(progress);
	run(Monitor::none().observed(&observer)).unwrap();
	let seen = seen.into_inner().unwrap();
	assert!(seen.is_sorted_by(|left, right| left.fraction <= right.fraction));
	for (step, reports) in
		[(Step::Calibration, 200), (Step::Comparison, 200), (Step::Measurement, 1)]
	{
		assert_eq!(seen.iter().filter(|progress| progress.step == step).count(), reports);
	}
}

#[test]
fn models_without_keys_say_so() {
	let (_folder, directory, _) = compile(&options());
	let errors = [
		directory.manifest().map(drop),
		directory.verifying_key().map(drop),
		directory.proving_key().map(drop),
		directory.prover().map(drop),
	];
	for error in errors {
		assert!(matches!(error, Err(ArtefactError::NotSetUp { .. })));
	}
}

#[test]
fn a_set_up_model_proves_and_keeps_its_keys_when_compiled_again() {
	let (_folder, directory, model) = compile(&options());
	let identified = directory.setup(&mut OsRng).unwrap();
	assert_eq!(directory.manifest().unwrap(), identified);
	assert_eq!(identified.manifest.id(), identified.id);
	assert_eq!(identified.manifest.interface, model.interface.digest());
	assert_eq!(
		identified.manifest.public_inputs() as usize,
		model.description.circuit.public_inputs
	);
	assert_eq!(
		identified.manifest.verifying_key,
		proofpod_verifier::verifying_key_id(&directory.verifying_key().unwrap())
	);
	let prover = directory.prover().unwrap();
	let input = vec![1; 30];
	let proved = prover.prove(&Scalar([0; 32]), &input, &Secrets::random(&mut OsRng)).unwrap();
	assert_eq!(proved.logits, model.network.infer(&input).unwrap().output());

	let calibration = InputFile::parse(CALIBRATION, Some(30)).unwrap();
	directory.compile(ONNX, &calibration, &options()).unwrap();
	assert_eq!(directory.manifest().unwrap(), identified);
	let public = CompileOptions { output: OutputVisibility::Public, ..options() };
	directory.compile(ONNX, &calibration, &public).unwrap();
	assert!(matches!(directory.manifest(), Err(ArtefactError::NotSetUp { .. })));
	// The keys on disk are those of the sealed circuit.
	assert!(matches!(
		directory.record_keys(SetupProvenance::SingleParty),
		Err(ArtefactError::VerifyingKey { .. })
	));
	directory.compile(ONNX, &calibration, &options()).unwrap();
	assert_eq!(directory.record_keys(SetupProvenance::SingleParty).unwrap(), identified);

	flip(&directory, PROVING_KEY_FILE);
	assert_eq!(directory.proving_key().err().and_then(changed).as_deref(), Some(PROVING_KEY_FILE));
	flip(&directory, VERIFYING_KEY_FILE);
	assert_eq!(
		directory.verifying_key().err().and_then(changed).as_deref(),
		Some(VERIFYING_KEY_FILE)
	);
	assert!(directory.load().is_ok(), "the network is as it was");
	fs::remove_file(directory.file(PROVING_KEY_FILE)).unwrap();
	assert!(matches!(directory.prover(), Err(ArtefactError::Missing { .. })));
}

#[test]
fn changed_networks_are_refused() {
	let (_folder, directory, _) = compile(&options());
	flip(&directory, NETWORK_FILE);
	let error = directory.load().unwrap_err();
	assert!(error.to_string().contains("expected digest 0x"), "{error}");
	assert_eq!(changed(error).as_deref(), Some(NETWORK_FILE));
	assert!(directory.interface().is_ok(), "clients need no network");
	fs::remove_file(directory.file(NETWORK_FILE)).unwrap();
	let error = directory.load().unwrap_err().to_string();
	assert!(error.ends_with("found no such file: compile the model again"), "{error}");
	fs::remove_file(directory.file(DESCRIPTION_FILE)).unwrap();
	let error = directory.load().unwrap_err().to_string();
	assert!(error.ends_with("found no such file: compile the model first"), "{error}");
}

#[test]
fn changed_interfaces_are_refused() {
	let (_folder, directory, _) = compile(&options());
	flip(&directory, INTERFACE_FILE);
	assert_eq!(changed(directory.load().unwrap_err()).as_deref(), Some(INTERFACE_FILE));
}

#[test]
fn descriptions_that_contradict_themselves_are_refused() {
	let (_folder, directory, _) = compile(&options());
	directory.setup(&mut OsRng).unwrap();
	let whole = fs::read(directory.file(DESCRIPTION_FILE)).unwrap();
	for (pointer, value) in [
		("/input_len", serde_json::json!(31)),
		("/name", serde_json::json!("other")),
		("/version", serde_json::json!(1)),
		("/classes", serde_json::json!("malignant")),
		("/manifest/id", serde_json::json!(Digest([0; 32]))),
		("/manifest/manifest/input_len", serde_json::json!(31)),
		("/manifest/manifest/interface", serde_json::json!(Digest([0; 32]))),
		("/manifest/manifest/version", serde_json::json!(9)),
	] {
		edit(&directory, |description| *description.pointer_mut(pointer).unwrap() = value);
		let error = directory.load().unwrap_err();
		assert!(matches!(error, ArtefactError::Description { .. }), "{pointer}: {error}");
		fs::write(directory.file(DESCRIPTION_FILE), &whole).unwrap();
	}
	edit(&directory, |description| description["manifest"] = serde_json::Value::Null);
	edit(&directory, |description| description["output_elements"] = 2.into());
	assert!(matches!(directory.load(), Err(ArtefactError::Description { .. })));
	fs::write(directory.file(DESCRIPTION_FILE), b"{").unwrap();
	assert!(matches!(directory.load(), Err(ArtefactError::Description { .. })));
}

#[test]
fn class_names_must_fit_the_output() {
	let folder = tempfile::tempdir().unwrap();
	let directory = ModelDirectory::at(folder.path());
	let calibration = InputFile::parse(CALIBRATION, Some(30)).unwrap();
	for classes in [vec!["one"], vec!["a", "b", "c"], vec!["a", ""], vec!["a", "b\u{7}"]] {
		let classes = Some(classes.into_iter().map(String::from).collect());
		let refused =
			directory.compile(ONNX, &calibration, &CompileOptions { classes, ..options() });
		let error = refused.err().map(|error| error.to_string()).unwrap_or_default();
		assert!(error.contains("expected 2 class names"), "{error}");
	}
	assert!(!directory.file(DESCRIPTION_FILE).exists(), "nothing is written on refusal");
	let unnamed = CompileOptions { classes: Some(vec![]), ..options() };
	let model = directory.compile(ONNX, &calibration, &unnamed).unwrap();
	assert_eq!(model.interface.class_name(1), "1");
}

#[test]
fn large_files_are_not_read() {
	let (_folder, directory, _) = compile(&options());
	let file = fs::File::create(directory.file(DESCRIPTION_FILE)).unwrap();
	file.set_len(MAX_DESCRIPTION_SIZE + 1).unwrap();
	assert!(matches!(directory.load(), Err(ArtefactError::Size { .. })));
}
