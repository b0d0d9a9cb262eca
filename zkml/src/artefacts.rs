// SPDX-License-Identifier: Apache-2.0

//! A model's folder: everything that belongs to one model, each file under its digest.
//!
//! | file | content | written by |
//! |---|---|---|
//! | `network.bin` | the [quantised network](crate::network) | [`ModelDirectory::compile`] |
//! | `interface.bin` | the network's [`Interface`]: what clients need, without the weights | [`ModelDirectory::compile`] |
//! | `model.json` | [`ModelDescription`]: names, sizes, accuracy, digests; after the setup the manifest | both |
//! | `source.onnx` | the ONNX file that it was compiled from: the reference to compare with, never needed by pods; not of a model whose weights are withheld | [`ModelDirectory::compile`] |
//! | `accuracy.svg` | the report on the calibration records as a picture | [`ModelDirectory::compile`] |
//! | `verifying.key` | canonical verifying key | [`ModelDirectory::setup`] |
//! | `proving.key` | proving key | [`ModelDirectory::setup`] |
//!
//! Pods need all but `source.onnx` and the picture; clients need `interface.bin`, `model.json` and
//! `verifying.key`, or the first alone and the chain. Folders are passed on: whatever is read is checked against `model.json`, and whoever wants a
//! certain model compares [`ModelDirectory::manifest`]'s identity with the chain's.

mod error;

pub use error::ArtefactError;

use crate::{
	accuracy::{self, AccuracyReport},
	circuit::{self, Section},
	float::FloatNetwork,
	input::InputFile,
	network::{Interface, QuantisedNetwork, MAX_INTERFACE_SIZE},
	onnx,
	progress::{Monitor, Step},
	prover::Prover,
	quantise::{self, QuantiseOptions, Quantised, Reveal},
	setup::{self, ProvingKey, SetupError},
};
use proofpod_primitives::{
	blake2_256,
	manifest::{
		ModelManifest, OutputVisibility, SetupProvenance, WeightsVisibility, MANIFEST_VERSION,
	},
	Digest, ModelId, VerifyingKeyId,
};
use proofpod_verifier::{Native, VerifyingKey, MAX_VERIFYING_KEY_SIZE};
use rand::{CryptoRng, RngCore};
use serde::{Deserialize, Serialize};
use std::{
	fs, io,
	path::{Path, PathBuf},
};

/// Version of `model.json`.
pub const DESCRIPTION_VERSION: u16 = 2;
/// Name of the quantised network's file.
pub const NETWORK_FILE: &str = "network.bin";
/// Name of the interface's file.
pub const INTERFACE_FILE: &str = "interface.bin";
/// Name of the copy of the ONNX file.
pub const SOURCE_FILE: &str = "source.onnx";
/// Name of the accuracy report's picture.
pub const PICTURE_FILE: &str = "accuracy.svg";
/// Name of the description's file.
pub const DESCRIPTION_FILE: &str = "model.json";
/// Name of the verifying key's file.
pub const VERIFYING_KEY_FILE: &str = "verifying.key";
/// Name of the proving key's file.
pub const PROVING_KEY_FILE: &str = "proving.key";

/// Beside the names of the classes, each byte of which JSON may escape with six.
const MAX_DESCRIPTION_SIZE: u64 = (4 << 20) + 6 * MAX_INTERFACE_SIZE as u64;

/// How to compile a model.
#[derive(Clone, Debug)]
pub struct CompileOptions {
	/// Name for people, at most 64 bytes.
	pub name: String,
	/// Who can read the outputs of its jobs.
	pub output: OutputVisibility,
	/// Who can read its weights.
	pub weights: WeightsVisibility,
	/// What its outputs tell.
	pub reveal: Reveal,
	/// Names of the classes; without, those of the ONNX file's property `classes`, or none.
	pub classes: Option<Vec<String>>,
}

/// What a circuit costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CircuitSize {
	/// Rank-1 constraints.
	pub constraints: usize,
	/// Witnesses.
	pub witnesses: usize,
	/// Public inputs.
	pub public_inputs: usize,
	/// Non-zero entries of the matrices.
	pub non_zeros: usize,
	/// Digest of the matrices: whoever compiles the same network gets the same.
	pub matrices: Digest,
	/// Every part of the circuit, in order.
	pub sections: Vec<Section>,
}

impl CircuitSize {
	fn of(quantised: &Quantised, output: OutputVisibility) -> Result<Self, ArtefactError> {
		let (mut shape, matrices) = circuit::measure(&quantised.network, output)?;
		let nodes = shape.sections.iter_mut().filter(|section| section.is_node());
		for (section, origin) in nodes.zip(&quantised.origins) {
			section.origin = Some(origin.node.clone());
		}
		Ok(Self {
			constraints: shape.dimensions.constraints,
			witnesses: shape.dimensions.witnesses,
			public_inputs: shape.dimensions.public_inputs,
			non_zeros: shape.non_zeros,
			matrices,
			sections: shape.sections,
		})
	}
}

/// A manifest and the identity that the chain knows it by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdentifiedManifest {
	/// The model's identity.
	pub id: ModelId,
	/// The manifest.
	pub manifest: ModelManifest,
}

/// What `model.json` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelDescription {
	/// [`DESCRIPTION_VERSION`].
	pub version: u16,
	/// Name for people.
	pub name: String,
	/// Names of the classes; empty when nobody gave any.
	pub classes: Vec<String>,
	/// Number of values of the input.
	pub input_len: usize,
	/// Number of values of the output.
	pub output_len: usize,
	/// Field elements of the packed output.
	pub output_elements: usize,
	/// Who can read the outputs of its jobs.
	pub output: OutputVisibility,
	/// Who can read its weights.
	pub weights: WeightsVisibility,
	/// Digest of the ONNX file that it was compiled from.
	pub source: Digest,
	/// Digest of `interface.bin`, which the manifest names.
	pub interface: Digest,
	/// Digest of `network.bin`, which the interface names.
	pub network: Digest,
	/// Float and integer network compared on the calibration records.
	pub calibration: AccuracyReport,
	/// What its circuit costs.
	pub circuit: CircuitSize,
	/// The manifest, once there are keys.
	pub manifest: Option<IdentifiedManifest>,
}

/// A model that was read from its folder and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Model {
	/// Its description.
	pub description: ModelDescription,
	/// What its clients need.
	pub interface: Interface,
	/// Its network.
	pub network: QuantisedNetwork,
}

/// The folder of one model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelDirectory {
	path: PathBuf,
}

impl ModelDirectory {
	/// The folder at a path, whether it exists or not.
	pub fn at(path: impl Into<PathBuf>) -> Self {
		Self { path: path.into() }
	}

	/// The folder.
	pub fn path(&self) -> &Path {
		&self.path
	}

	/// Path of a file in the folder.
	pub fn file(&self, name: &str) -> PathBuf {
		self.path.join(name)
	}

	/// Reads an ONNX file, quantises it, measures it on the calibration records, counts its circuit's
	/// constraints, and writes the folder's files but the keys. The same model compiled again keeps its keys.
	///
	/// # Errors
	/// When the file, the records or the options do not fit, or the folder cannot be written.
	pub fn compile(
		&self,
		onnx: &[u8],
		calibration: &InputFile,
		options: &CompileOptions,
	) -> Result<Model, ArtefactError> {
		self.compile_monitored(onnx, calibration, options, Monitor::none())
	}

	/// [`Self::compile`], watched.
	///
	/// # Errors
	/// As for [`Self::compile`], and when the monitor cancels: an earlier model stays as it is then.
	pub fn compile_monitored(
		&self,
		onnx: &[u8],
		calibration: &InputFile,
		options: &CompileOptions,
		monitor: Monitor,
	) -> Result<Model, ArtefactError> {
		let float = onnx::import(onnx)?;
		let quantise = QuantiseOptions { name: options.name.clone(), reveal: options.reveal };
		// Shares of the time, about: the comparison evaluates both networks.
		let (calibrate, compare) = (0.0..0.3, 0.3..0.9);
		let quantised = quantise::quantise_monitored(
			&float,
			&quantise,
			&calibration.records,
			monitor,
			calibrate,
		)?;
		let report =
			accuracy::compare_monitored(&float, &quantised, calibration, monitor, compare)?;
		monitor.step(Step::Measurement, 0.9)?;
		let circuit = CircuitSize::of(&quantised, options.output)?;
		let network = quantised.network;
		let classes = options.classes.clone().unwrap_or(float.classes);
		let interface = Interface::of(&network, classes)?;
		let bytes = network.encode();
		let mut description = ModelDescription {
			version: DESCRIPTION_VERSION,
			name: options.name.clone(),
			classes: interface.classes.clone(),
			input_len: interface.input_len(),
			output_len: interface.output.len,
			output_elements: interface.output.elements,
			output: options.output,
			weights: options.weights,
			source: Digest(blake2_256(onnx)),
			interface: interface.digest(),
			network: interface.network,
			calibration: report,
			circuit,
			manifest: None,
		};
		description.manifest =
			self.description().ok().and_then(|earlier| earlier.manifest).filter(|identified| {
				let manifest = &identified.manifest;
				let same = manifest_of(
					&description,
					manifest.verifying_key,
					manifest.proving_key,
					manifest.setup,
				);
				same.is_ok_and(|same| same == *manifest)
			});
		fs::create_dir_all(&self.path).map_err(io_error("create", &self.path))?;
		self.write(NETWORK_FILE, &bytes)?;
		self.write(INTERFACE_FILE, &interface.encode())?;
		match options.weights {
			WeightsVisibility::Public => self.write(SOURCE_FILE, onnx)?,
			// The weights again, in a file that nobody needs: not beside what is passed on.
			WeightsVisibility::Withheld => self.remove(SOURCE_FILE)?,
		}
		self.write(PICTURE_FILE, accuracy::picture(&description.calibration).as_bytes())?;
		self.write_description(&description)?;
		Ok(Model { description, interface, network })
	}

	/// Reads and checks `model.json` and `interface.bin`.
	///
	/// # Errors
	/// When a file is missing, damaged, or not the one that the description names.
	pub fn interface(&self) -> Result<(ModelDescription, Interface), ArtefactError> {
		let description = self.description()?;
		let limit = MAX_INTERFACE_SIZE as u64;
		let bytes = self.read(INTERFACE_FILE, limit, "compile the model again")?;
		self.check_digest(INTERFACE_FILE, description.interface, Digest(blake2_256(&bytes)))?;
		let interface = Interface::decode(&bytes)?;
		let found = (
			interface.input_len(),
			interface.output.len,
			interface.output.elements,
			(&interface.name, &interface.classes, interface.network),
		);
		let described = (
			description.input_len,
			description.output_len,
			description.output_elements,
			(&description.name, &description.classes, description.network),
		);
		match found == described {
			true => Ok((description, interface)),
			false => Err(self.unreadable("sizes, names or a network that are not the interface's")),
		}
	}

	/// Reads and checks `model.json`, `interface.bin` and `network.bin`.
	///
	/// # Errors
	/// When a file is missing, damaged, or not the one that the description names.
	pub fn load(&self) -> Result<Model, ArtefactError> {
		let (description, interface) = self.interface()?;
		let limit = crate::network::MAX_FILE_SIZE as u64;
		let bytes = self.read(NETWORK_FILE, limit, "compile the model again")?;
		self.check_digest(NETWORK_FILE, description.network, Digest(blake2_256(&bytes)))?;
		let network = QuantisedNetwork::decode(&bytes)?;
		match Interface::of(&network, interface.classes.clone())? == interface {
			true => Ok(Model { description, interface, network }),
			false => Err(self.unreadable("an interface that is not the network's")),
		}
	}

	/// The network of real numbers that the model was compiled from; `None` when the folder does not
	/// hold the ONNX file.
	///
	/// # Errors
	/// When the file is not the one that the description names.
	pub fn source(&self) -> Result<Option<FloatNetwork>, ArtefactError> {
		let expected = self.description()?.source;
		let bytes = match self.read(SOURCE_FILE, onnx::MAX_FILE_SIZE as u64, "compile again") {
			Err(ArtefactError::Missing { .. }) => return Ok(None),
			bytes => bytes?,
		};
		self.check_digest(SOURCE_FILE, expected, Digest(blake2_256(&bytes)))?;
		Ok(Some(onnx::import(&bytes)?))
	}

	/// The description, whose manifest is known to agree with it.
	///
	/// # Errors
	/// When `model.json` is missing, damaged or contradicts itself.
	pub fn description(&self) -> Result<ModelDescription, ArtefactError> {
		let bytes = self.read(DESCRIPTION_FILE, MAX_DESCRIPTION_SIZE, "compile the model first")?;
		let description: ModelDescription =
			serde_json::from_slice(&bytes).map_err(|error| self.unreadable(error.to_string()))?;
		if description.version != DESCRIPTION_VERSION {
			return Err(self.unreadable(format!("version {}", description.version)));
		}
		if let Some(IdentifiedManifest { id, manifest }) = &description.manifest {
			let expected = manifest_of(
				&description,
				manifest.verifying_key,
				manifest.proving_key,
				manifest.setup,
			);
			if !expected.is_ok_and(|expected| expected == *manifest) || *id != manifest.id() {
				return Err(self.unreadable("a manifest that contradicts it"));
			}
		}
		Ok(description)
	}

	/// The manifest.
	///
	/// # Errors
	/// When the description cannot be read, or there are no keys yet.
	pub fn manifest(&self) -> Result<IdentifiedManifest, ArtefactError> {
		let not_set_up = || ArtefactError::NotSetUp { path: self.path.clone() };
		self.description()?.manifest.ok_or_else(not_set_up)
	}

	/// Generates the model's keys on this machine, writes them, and records the manifest. Keys from an
	/// earlier setup are replaced, and with them the model's identity.
	///
	/// # Errors
	/// When the model is not compiled, too large, or the folder cannot be written.
	pub fn setup(
		&self,
		rng: &mut (impl RngCore + CryptoRng),
	) -> Result<IdentifiedManifest, ArtefactError> {
		self.setup_monitored(rng, Monitor::none())
	}

	/// [`Self::setup`], watched.
	///
	/// # Errors
	/// As for [`Self::setup`], and when the monitor cancels: earlier keys stay as they are then.
	pub fn setup_monitored(
		&self,
		rng: &mut (impl RngCore + CryptoRng),
		monitor: Monitor,
	) -> Result<IdentifiedManifest, ArtefactError> {
		let model = self.load()?;
		let (path, partial) = (self.file(PROVING_KEY_FILE), self.partial(PROVING_KEY_FILE));
		let file = fs::File::create(&partial).map_err(io_error("write", &partial))?;
		let output = model.description.output;
		let keys = match setup::generate(&model.network, output, rng, file, monitor) {
			Ok(keys) => keys,
			Err(error) => {
				// Of no use to anybody; that it stays is no reason to hide why.
				let _ = fs::remove_file(&partial);
				return Err(error.into());
			},
		};
		fs::rename(&partial, &path).map_err(io_error("write", &path))?;
		self.write(VERIFYING_KEY_FILE, &keys.verifying)?;
		self.record(model.description, &keys.verifying, keys.proving, SetupProvenance::SingleParty)
	}

	/// Records keys that lie in the folder already, such as a ceremony's: computes their digests and
	/// writes the manifest.
	///
	/// # Errors
	/// When a file is missing, when the verifying key is not one for this circuit's public inputs, or
	/// when `model.json` cannot be read or written.
	pub fn record_keys(&self, setup: SetupProvenance) -> Result<IdentifiedManifest, ArtefactError> {
		let description = self.load()?.description;
		let verifying =
			self.read(VERIFYING_KEY_FILE, MAX_VERIFYING_KEY_SIZE as u64, "run the setup again")?;
		let public_inputs = VerifyingKey::<Native>::decode(&verifying)
			.map(|key| key.public_inputs())
			.map_err(|error| error.to_string());
		let expected = description.circuit.public_inputs;
		if public_inputs != Ok(expected) {
			return Err(ArtefactError::VerifyingKey {
				path: self.file(VERIFYING_KEY_FILE),
				expected,
				found: public_inputs.map_or_else(|error| error, |found| found.to_string()),
			});
		}
		let proving = setup::digest(self.open(PROVING_KEY_FILE, "run the setup again")?)?;
		self.record(description, &verifying, proving, setup)
	}

	/// Writes the manifest of a described model with these keys.
	fn record(
		&self,
		mut description: ModelDescription,
		verifying: &[u8],
		proving: Digest,
		setup: SetupProvenance,
	) -> Result<IdentifiedManifest, ArtefactError> {
		let key = VerifyingKeyId(blake2_256(verifying));
		let manifest = manifest_of(&description, key, proving, setup)
			.map_err(|reason| self.unreadable(reason))?;
		let identified = IdentifiedManifest { id: manifest.id(), manifest };
		description.manifest = Some(identified.clone());
		self.write_description(&description)?;
		Ok(identified)
	}

	/// The verifying key's canonical bytes.
	///
	/// # Errors
	/// When the key is missing or not the one that the manifest names.
	pub fn verifying_key(&self) -> Result<Vec<u8>, ArtefactError> {
		let expected = self.manifest()?.manifest.verifying_key;
		let bytes =
			self.read(VERIFYING_KEY_FILE, MAX_VERIFYING_KEY_SIZE as u64, "run the setup again")?;
		self.check_digest(VERIFYING_KEY_FILE, Digest(expected.0), Digest(blake2_256(&bytes)))?;
		Ok(bytes)
	}

	/// The proving key, mapped from its file.
	///
	/// # Errors
	/// When the key is missing or not the one that the manifest names.
	pub fn proving_key(&self) -> Result<ProvingKey, ArtefactError> {
		let expected = self.manifest()?.manifest.proving_key;
		let file = self.open(PROVING_KEY_FILE, "run the setup again")?;
		match ProvingKey::open(&file, &expected) {
			Err(SetupError::Digest { expected, found }) => {
				self.check_digest(PROVING_KEY_FILE, expected, found)?;
				Err(SetupError::Digest { expected, found }.into())
			},
			key => Ok(key?),
		}
	}

	/// A prover for the model.
	///
	/// # Errors
	/// When a file is missing or not the one that the description names.
	pub fn prover(&self) -> Result<Prover, ArtefactError> {
		let model = self.load()?;
		Ok(Prover::new(model.network, model.description.output, self.proving_key()?)?)
	}

	fn unreadable(&self, reason: impl Into<String>) -> ArtefactError {
		ArtefactError::Description { path: self.file(DESCRIPTION_FILE), reason: reason.into() }
	}

	fn check_digest(
		&self,
		name: &str,
		expected: Digest,
		found: Digest,
	) -> Result<(), ArtefactError> {
		if expected == found {
			return Ok(());
		}
		Err(ArtefactError::Changed {
			path: self.file(name),
			expected,
			found,
			remedy: "the file was changed or belongs to another model; fetch it again, or compile and set up the model again",
		})
	}

	fn read(&self, name: &str, limit: u64, remedy: &'static str) -> Result<Vec<u8>, ArtefactError> {
		use io::Read;
		let path = self.file(name);
		let file = self.open(name, remedy)?;
		let found = file.metadata().map_err(io_error("read", &path))?.len();
		if found > limit {
			return Err(ArtefactError::Size { path, limit, found });
		}
		let mut bytes = Vec::new();
		file.take(limit).read_to_end(&mut bytes).map_err(io_error("read", &path))?;
		Ok(bytes)
	}

	fn open(&self, name: &str, remedy: &'static str) -> Result<fs::File, ArtefactError> {
		let path = self.file(name);
		fs::File::open(&path).map_err(|source| match source.kind() {
			io::ErrorKind::NotFound => ArtefactError::Missing { path, remedy },
			_ => ArtefactError::Io { action: "read", path, source },
		})
	}

	/// Where a file is written before it takes its name.
	fn partial(&self, name: &str) -> PathBuf {
		self.file(&format!("{name}.partial"))
	}

	/// Writes a file whole or not at all.
	fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ArtefactError> {
		let (path, partial) = (self.file(name), self.partial(name));
		fs::write(&partial, bytes).map_err(io_error("write", &partial))?;
		fs::rename(&partial, &path).map_err(io_error("write", &path))
	}

	/// Removes a file, if it is there.
	fn remove(&self, name: &str) -> Result<(), ArtefactError> {
		let path = self.file(name);
		match fs::remove_file(&path) {
			Err(error) if error.kind() != io::ErrorKind::NotFound => {
				Err(io_error("remove", &path)(error))
			},
			_ => Ok(()),
		}
	}

	fn write_description(&self, description: &ModelDescription) -> Result<(), ArtefactError> {
		let mut text = serde_json::to_vec_pretty(description)
			.map_err(|error| self.unreadable(error.to_string()))?;
		text.push(b'\n');
		self.write(DESCRIPTION_FILE, &text)
	}
}

/// The manifest of a described model with these keys.
fn manifest_of(
	description: &ModelDescription,
	verifying_key: VerifyingKeyId,
	proving_key: Digest,
	setup: SetupProvenance,
) -> Result<ModelManifest, String> {
	let number = |number: usize| u32::try_from(number).map_err(|error| error.to_string());
	let name = description.name.clone().into_bytes();
	Ok(ModelManifest {
		version: MANIFEST_VERSION,
		name: name.try_into().map_err(|_| "a name that is too long".to_string())?,
		interface: description.interface,
		verifying_key,
		proving_key,
		input_len: number(description.input_len)?,
		output_len: number(description.output_len)?,
		output_elements: number(description.output_elements)?,
		output: description.output,
		weights: description.weights,
		setup,
	})
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArtefactError {
	let path = path.to_path_buf();
	move |source| ArtefactError::Io { action, path, source }
}

#[cfg(test)]
mod tests;
