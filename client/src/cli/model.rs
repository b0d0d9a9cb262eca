// SPDX-License-Identifier: Apache-2.0

//! `proofpod model`.

use super::{
	model_directory,
	output::{pairs, table},
	read_input, Global, Output, Record, RecordArgs, SignerArgs,
};
use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use proofpod_client::{
	chain::Chain,
	files,
	proof_file::{self, ProofFile},
	registration,
};
use proofpod_primitives::{
	manifest::{OutputVisibility, WeightsVisibility},
	ModelId,
};
use proofpod_zkml::{
	artefacts::{
		CompileOptions, Model, ModelDescription, ModelDirectory, PROVING_KEY_FILE,
		VERIFYING_KEY_FILE,
	},
	commitment::{commit_input, commit_output_key, Secrets},
	network::class_of,
	onnx,
	quantise::Reveal,
};
use rand::rngs::OsRng;
use serde::Serialize;
use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
	/// Quantise an ONNX network and measure what that costs
	Compile(Compile),
	/// Run the quantised network on a record, on this machine
	Infer(Infer),
	/// Generate the model's Groth16 keys on this machine: for development, because whoever runs
	/// this could forge proofs
	Setup {
		/// Folder of the model
		#[arg(value_name = "DIR")]
		model: PathBuf,
	},
	/// Prove an inference on this machine, outside of any job
	Prove(Prove),
	/// Check a proof that `prove` wrote
	Verify(Verify),
	/// Put the verifying key and the manifest on the chain; harmless when they are there
	Register(Register),
	/// What is in a model's folder
	Inspect {
		/// Folder of the model
		#[arg(value_name = "DIR")]
		model: PathBuf,
	},
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum OutputArgument {
	/// Only the job's client can read it
	Sealed,
	/// Everybody can read it on the chain
	Public,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum WeightsArgument {
	/// The network may be published
	Public,
	/// The network is kept between its owner and the pods
	Withheld,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum RevealArgument {
	/// The network's last values
	Logits,
	/// The class, which tells less about the network and the input
	Label,
}

#[derive(Debug, Args)]
pub(crate) struct Compile {
	/// The network
	#[arg(value_name = "NET.onnx")]
	onnx: PathBuf,
	/// Records that the network will see, from which the scales are taken: {"input_data": [[…], …]},
	/// with "labels" if the accuracy is to be measured
	#[arg(long, value_name = "FILE")]
	calibration: PathBuf,
	/// Folder to write
	#[arg(long, value_name = "DIR")]
	out: PathBuf,
	/// Name for people [default: the file's]
	#[arg(long)]
	name: Option<String>,
	/// Who can read the outputs of its jobs
	#[arg(long, value_enum, default_value = "sealed")]
	output: OutputArgument,
	/// Who can read its weights
	#[arg(long, value_enum, default_value = "public")]
	weights: WeightsArgument,
	/// What its outputs tell: every class's number, or the winning class alone
	#[arg(long, value_enum, default_value = "logits")]
	reveal: RevealArgument,
	/// Names of the classes, separated by commas [default: those in the ONNX file]
	#[arg(long, value_delimiter = ',', value_name = "NAME,…")]
	classes: Option<Vec<String>>,
}

#[derive(Debug, Args)]
pub(crate) struct Infer {
	/// Folder of the model
	#[arg(value_name = "DIR")]
	model: PathBuf,
	#[command(flatten)]
	record: RecordArgs,
}

#[derive(Debug, Args)]
pub(crate) struct Prove {
	/// Folder of the model
	#[arg(value_name = "DIR")]
	model: PathBuf,
	#[command(flatten)]
	record: RecordArgs,
	/// File to write the proof to
	#[arg(long, value_name = "FILE", default_value = "proof.json")]
	out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Verify {
	/// Folder of the model
	#[arg(value_name = "DIR")]
	model: PathBuf,
	/// The proof
	#[arg(long, value_name = "FILE")]
	proof: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct Register {
	/// Folder of the model
	#[arg(value_name = "DIR")]
	model: PathBuf,
	/// Folder where pods and clients find the model's files: file://… or https://…; give it again
	/// for others
	#[arg(long, value_name = "URI")]
	uri: Vec<String>,
	/// The model of which this is the next version; it must be the signer's
	#[arg(long, value_name = "MODEL")]
	replaces: Option<ModelId>,
	#[command(flatten)]
	signer: SignerArgs,
}

pub(crate) async fn run(command: Command, global: &Global, output: &Output) -> Result<ExitCode> {
	match command {
		Command::Compile(arguments) => compile(arguments, output)?,
		Command::Infer(arguments) => infer(arguments, output)?,
		Command::Setup { model } => setup(model, output)?,
		Command::Prove(arguments) => prove(arguments, output)?,
		Command::Verify(arguments) => verify(arguments, output)?,
		Command::Register(arguments) => register(arguments, global, output).await?,
		Command::Inspect { model } => inspect(model, output)?,
	}
	Ok(ExitCode::SUCCESS)
}

fn compile(arguments: Compile, output: &Output) -> Result<()> {
	let onnx = files::read(&arguments.onnx, onnx::MAX_FILE_SIZE as u64)?;
	let calibration = read_input(&arguments.calibration, None)?;
	let stem = || arguments.onnx.file_stem().map(|stem| stem.to_string_lossy().into_owned());
	let options = CompileOptions {
		name: arguments.name.clone().or_else(stem).unwrap_or_default(),
		output: match arguments.output {
			OutputArgument::Sealed => OutputVisibility::Sealed,
			OutputArgument::Public => OutputVisibility::Public,
		},
		weights: match arguments.weights {
			WeightsArgument::Public => WeightsVisibility::Public,
			WeightsArgument::Withheld => WeightsVisibility::Withheld,
		},
		reveal: match arguments.reveal {
			RevealArgument::Logits => Reveal::Logits,
			RevealArgument::Label => Reveal::Label,
		},
		classes: arguments.classes,
	};
	let directory = ModelDirectory::at(&arguments.out);
	let model = output.computation("compiling", |monitor| {
		directory
			.compile_monitored(&onnx, &calibration, &options, monitor)
			.with_context(|| arguments.onnx.display().to_string())
	})?;
	print_description(&directory, &model.description, output)
}

/// A model's folder: the description, and the sizes of its key files.
#[derive(Serialize)]
struct Inspection<'a> {
	#[serde(flatten)]
	description: &'a ModelDescription,
	/// Absent before the setup.
	#[serde(skip_serializing_if = "Option::is_none")]
	keys: Option<KeySizes>,
}

#[derive(Serialize)]
struct KeySizes {
	proving_key_bytes: u64,
	verifying_key_bytes: u64,
}

fn inspect(model: PathBuf, output: &Output) -> Result<()> {
	let directory = model_directory(&model)?;
	let model = directory.load()?;
	print_description(&directory, &model.description, output)
}

fn print_description(
	directory: &ModelDirectory,
	description: &ModelDescription,
	output: &Output,
) -> Result<()> {
	let size = |name| fs::metadata(directory.file(name)).map(|file| file.len());
	let keys = description.manifest.as_ref().and_then(|_| {
		Some(KeySizes {
			proving_key_bytes: size(PROVING_KEY_FILE).ok()?,
			verifying_key_bytes: size(VERIFYING_KEY_FILE).ok()?,
		})
	});
	let inspection = Inspection { description, keys };
	output.result(&inspection, || {
		let (mut lines, circuit) = (vec![], &description.circuit);
		lines.push(("name", description.name.clone()));
		if !description.classes.is_empty() {
			lines.push(("classes", description.classes.join(", ")));
		}
		lines.push(("input", format!("{} values", description.input_len)));
		let elements = description.output_elements;
		let visibility = match description.output {
			OutputVisibility::Sealed => "sealed",
			OutputVisibility::Public => "public",
		};
		let values = description.output_len;
		lines.push((
			"output",
			format!("{values} values in {elements} field elements, {visibility}"),
		));
		let weights = match description.weights {
			WeightsVisibility::Public => "public",
			WeightsVisibility::Withheld => {
				"withheld: network.bin and proving.key are not for publication"
			},
		};
		lines.push(("weights", weights.into()));
		lines.push((
			"circuit",
			format!(
				"{} constraints, {} witnesses, {} public inputs, {} non-zeros",
				circuit.constraints, circuit.witnesses, circuit.public_inputs, circuit.non_zeros
			),
		));
		if let Some(keys) = &inspection.keys {
			let (proving, verifying) = (keys.proving_key_bytes, keys.verifying_key_bytes);
			lines.push(("proving key", format!("{:.2} MB", proving as f64 / 1e6)));
			lines.push(("verifying key", format!("{verifying} bytes")));
		}
		let model = match &description.manifest {
			Some(identified) => identified.id.to_string(),
			None => "no keys yet: run `proofpod model setup`".into(),
		};
		lines.push(("model", model));
		let rows: Vec<_> = circuit
			.sections
			.iter()
			.map(|part| {
				let origin = part.origin.clone().unwrap_or_default();
				let (constraints, non_zeros) = (part.constraints, part.non_zeros);
				vec![part.name.clone(), constraints.to_string(), non_zeros.to_string(), origin]
			})
			.collect();
		let headings = ["part of the circuit", "constraints", "non-zeros", "from"];
		let parts = table(&headings, &rows);
		let calibration = &description.calibration;
		format!("{}\n\n{parts}\n\nOn the calibration records:\n{calibration}", pairs(&lines))
	})
}

/// An inference on this machine.
#[derive(Serialize)]
struct Inference<'a> {
	model: &'a str,
	class: usize,
	label: String,
	true_class: Option<usize>,
	true_label: Option<String>,
	logits: Vec<i64>,
	output: Vec<f64>,
	/// Whether the output decides between classes: one number without names is a quantity.
	#[serde(skip)]
	classifies: bool,
	/// What the network of real numbers says; absent without the ONNX file.
	#[serde(skip_serializing_if = "Option::is_none")]
	float: Option<FloatInference>,
}

/// The same record in the network of real numbers.
#[derive(Serialize)]
struct FloatInference {
	class: usize,
	label: String,
	output: Vec<f32>,
}

impl<'a> Inference<'a> {
	fn new(model: &'a Model, logits: Vec<i64>, true_class: Option<usize>) -> Self {
		let class = model.interface.class(&logits);
		Self {
			model: &model.description.name,
			class,
			label: model.interface.class_name(class),
			true_class,
			true_label: true_class.map(|class| model.interface.class_name(class)),
			output: model.network.dequantise_output(&logits),
			logits,
			classifies: model.interface.label_of.is_some()
				|| model.interface.output.len > 1
				|| !model.interface.classes.is_empty(),
			float: None,
		}
	}

	fn lines(&self) -> Vec<(&'static str, String)> {
		let mut lines = vec![];
		if self.classifies {
			lines.push(("prediction", self.label.clone()));
		}
		lines.extend(self.true_label.clone().map(|label| ("true label", label)));
		let values = |values: &mut dyn Iterator<Item = f64>| {
			values.map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(" ")
		};
		let integers: Vec<_> = self.logits.iter().map(i64::to_string).collect();
		lines.push(("integers", integers.join(" ")));
		lines.push(("output", values(&mut self.output.iter().copied())));
		if let Some(float) = &self.float {
			lines.push(("in floats", values(&mut float.output.iter().map(|x| f64::from(*x)))));
			if self.classifies && float.class != self.class {
				lines.push(("floats say", float.label.clone()));
			}
		}
		lines
	}
}

fn infer(arguments: Infer, output: &Output) -> Result<()> {
	let directory = model_directory(&arguments.model)?;
	let model = directory.load()?;
	let Record { values, label } = arguments.record.read(model.network.input_len())?;
	let trace = model.network.infer(&model.network.quantise_input(&values)?)?;
	let mut inference = Inference::new(&model, trace.output().to_vec(), label);
	if let Some(float) = directory.source()? {
		let output = float.output(&values)?;
		let class = class_of(&output);
		inference.float =
			Some(FloatInference { class, label: model.interface.class_name(class), output });
	}
	output.result(&inference, || pairs(&inference.lines()))
}

fn setup(model: PathBuf, output: &Output) -> Result<()> {
	let directory = model_directory(&model)?;
	let started = Instant::now();
	let identified = output
		.computation("generating keys", |monitor| directory.setup_monitored(&mut OsRng, monitor))?;
	let setup_ms = started.elapsed().as_millis();
	let done = serde_json::json!({
		"model": identified.id,
		"verifying_key": identified.manifest.verifying_key,
		"proving_key": identified.manifest.proving_key,
		"setup": identified.manifest.setup,
		"setup_ms": u64::try_from(setup_ms).unwrap_or(u64::MAX),
	});
	output.result(&done, || {
		pairs(&[
			("model", identified.id.to_string()),
			("verifying key", identified.manifest.verifying_key.to_string()),
			("setup", "single party: for development only".into()),
			("time", format!("{:.1} s", setup_ms as f64 / 1000.0)),
		])
	})
}

/// A proof that was made, without what it hides.
#[derive(Serialize)]
struct Proven<'a> {
	#[serde(flatten)]
	inference: Inference<'a>,
	proof_file: String,
	witness_ms: u64,
	prove_ms: u64,
}

fn prove(arguments: Prove, output: &Output) -> Result<()> {
	let directory = model_directory(&arguments.model)?;
	let model = directory.load()?;
	let Record { values, label } = arguments.record.read(model.network.input_len())?;
	let input = model.network.quantise_input(&values)?;
	let identified = directory.manifest()?;
	let steps = output.steps();
	steps.now("loading the proving key");
	let prover = directory.prover()?;
	drop(steps);
	let secrets = Secrets::random(&mut OsRng);
	let proved = output.computation("proving", |monitor| {
		prover.prove_monitored(&proof_file::NO_JOB, &input, &secrets, monitor)
	})?;
	let file = ProofFile {
		version: proof_file::VERSION,
		model: identified.id,
		binding: proof_file::NO_JOB,
		input: commit_input(&input, &secrets.salt),
		output_key: match identified.manifest.output {
			OutputVisibility::Sealed => Some(commit_output_key(&secrets.output_key)),
			OutputVisibility::Public => None,
		},
		output: proved.output,
		proof: proved.proof,
	};
	// What is written is what verifies.
	file.verify(&identified.manifest, &directory.verifying_key()?)?;
	let text = serde_json::to_string_pretty(&file)? + "\n";
	fs::write(&arguments.out, text)
		.with_context(|| format!("cannot write {}", arguments.out.display()))?;
	let proven = Proven {
		inference: Inference::new(&model, proved.logits, label),
		proof_file: arguments.out.display().to_string(),
		witness_ms: proved.timings.witness_ms,
		prove_ms: proved.timings.prove_ms,
	};
	output.result(&proven, || {
		let mut lines = proven.inference.lines();
		lines.push(("proof", proven.proof_file.clone()));
		lines.push(("time", format!("{:.2} s", proven.prove_ms as f64 / 1000.0)));
		pairs(&lines)
	})
}

fn verify(arguments: Verify, output: &Output) -> Result<()> {
	let directory = model_directory(&arguments.model)?;
	let bytes = files::read(&arguments.proof, proof_file::MAX_FILE)?;
	let path = || arguments.proof.display().to_string();
	let file = ProofFile::parse(&bytes).with_context(path)?;
	let (identified, key) = (directory.manifest()?, directory.verifying_key()?);
	let started = Instant::now();
	file.verify(&identified.manifest, &key).with_context(path)?;
	let verify_ms = started.elapsed().as_secs_f64() * 1000.0;
	let done = serde_json::json!({
		"valid": true,
		"model": identified.id,
		"input_commitment": file.input,
		"verify_ms": verify_ms,
	});
	output
		.result(&done, || format!("valid: a proof of model {} ({verify_ms:.1} ms)", identified.id))
}

async fn register(arguments: Register, global: &Global, output: &Output) -> Result<()> {
	let directory = model_directory(&arguments.model)?;
	let signer = arguments.signer.signer()?;
	let uris = registration::parse_uris(&arguments.uri)?;
	// Reads the network too, so that a folder that does not hold together costs no fee.
	directory.load()?;
	let (manifest, key) = (directory.manifest()?.manifest, directory.verifying_key()?);
	let chain = Chain::connect(&global.url).await?;
	let steps = output.steps();
	steps.now("registering");
	let replaces = arguments.replaces;
	let done = registration::register(&chain, &signer, &manifest, &key, uris, replaces).await?;
	drop(steps);
	output.result(&done, || {
		let now = |now| if now { "registered" } else { "was registered already" };
		pairs(&[
			("model", format!("{} {}", done.model, now(done.model_registered))),
			("verifying key", format!("{} {}", done.verifying_key, now(done.key_registered))),
		])
	})
}
