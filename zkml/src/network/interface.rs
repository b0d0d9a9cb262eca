// SPDX-License-Identifier: Apache-2.0

//! What a model's clients need of its network: how a record becomes its input, and what its output
//! means. Not the weights, which may be withheld from them.

use super::{
	check_width, class_of, power_of_two, InputSpec, NetworkError, OutputPacking, PackingError,
	QuantisedNetwork, MAX_EXPONENT, MAX_NAME, MAX_WIDTH,
};
use codec::{Decode, DecodeAll, Encode};
use proofpod_primitives::{blake2_256, manifest::ModelManifest, Digest};

/// First bytes of an interface's file.
const MAGIC: [u8; 8] = *b"ppod-ifc";
/// Version of the file's format.
const VERSION: u16 = 1;
/// Most bytes of a class's name.
const MAX_CLASS_NAME: usize = 64;
/// Most bytes of an interface's file.
pub const MAX_INTERFACE_SIZE: usize = MAX_WIDTH * 5 + MAX_WIDTH * (MAX_CLASS_NAME + 4) + 1024;

/// A network as its clients see it. A model's manifest holds the digest of the interface's file, and
/// the file that of the network's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
	/// Name for people.
	pub name: String,
	/// Names of the classes; empty when nobody gave any.
	pub classes: Vec<String>,
	/// How a record becomes the network's input.
	pub input: InputSpec,
	/// How the output is packed.
	pub output: OutputPacking,
	/// The output's scale: `real = output · 2^−output_exponent`.
	pub output_exponent: i8,
	/// Whether the output is the number of a class, among how many.
	pub label_of: Option<usize>,
	/// Digest of the network's file.
	pub network: Digest,
}

#[derive(Encode, Decode)]
struct InterfaceFile {
	name: String,
	classes: Vec<String>,
	exponents: Vec<i8>,
	zero_points: Vec<i32>,
	output_bits: u32,
	output_len: u32,
	output_exponent: i8,
	label_of: Option<u32>,
	network: [u8; 32],
}

impl Interface {
	/// The interface of a network.
	///
	/// # Errors
	/// When the network is not valid, its output too long, or the class names do not fit: there must
	/// be none, or one per class.
	pub fn of(network: &QuantisedNetwork, classes: Vec<String>) -> Result<Self, PackingError> {
		let interface = Self {
			name: network.name.clone(),
			classes,
			input: network.input.clone(),
			output: OutputPacking::of(network)?,
			output_exponent: network.output_exponent,
			label_of: network.reveals_label().then(|| network.classes()),
			network: Digest(blake2_256(&network.encode())),
		};
		interface.check()?;
		Ok(interface)
	}

	fn check(&self) -> Result<(), NetworkError> {
		if !(1..=MAX_NAME).contains(&self.name.len()) || self.name.chars().any(char::is_control) {
			return Err(NetworkError::Name { found: self.name.len() });
		}
		self.input.check()?;
		check_width(0, self.input.len())?;
		if self.output_exponent.unsigned_abs() > MAX_EXPONENT as u8 {
			return Err(NetworkError::Exponent { found: self.output_exponent });
		}
		if self.label_of.is_some_and(|n| self.output.len != 1 || !(1..=MAX_WIDTH).contains(&n)) {
			let reason = "a label that is not one number among 1 to 65,536 classes".into();
			return Err(NetworkError::Damaged { reason });
		}
		let expected = self.class_count();
		let refuse = |found| Err(NetworkError::Classes { expected, limit: MAX_CLASS_NAME, found });
		if !self.classes.is_empty() && self.classes.len() != expected {
			return refuse(format!("{} names", self.classes.len()));
		}
		let unfit = |class: &&String| {
			!(1..=MAX_CLASS_NAME).contains(&class.len()) || class.chars().any(char::is_control)
		};
		match self.classes.iter().find(unfit) {
			Some(class) => refuse(format!("a name of {} bytes", class.len())),
			None => Ok(()),
		}
	}

	/// Whether a manifest has this interface's name and sizes.
	pub fn fits(&self, manifest: &ModelManifest) -> bool {
		let sizes = [manifest.input_len, manifest.output_len, manifest.output_elements];
		let own = [self.input_len(), self.output.len, self.output.elements];
		sizes.map(|size| size as usize) == own && *manifest.name == *self.name.as_bytes()
	}

	/// Number of values of the input.
	pub fn input_len(&self) -> usize {
		self.input.len()
	}

	/// Classes that an output can name: one per value, two for a single one.
	pub fn class_count(&self) -> usize {
		self.label_of.unwrap_or(self.output.len).max(2)
	}

	/// The class that an output names: the output itself when the network reveals no more, else the
	/// place of its largest value, as [`class_of`] says.
	pub fn class(&self, output: &[i64]) -> usize {
		match output {
			[label] if self.label_of.is_some() => usize::try_from(*label).unwrap_or(0),
			logits => class_of(logits),
		}
	}

	/// The name of a class, or its number.
	pub fn class_name(&self, class: usize) -> String {
		self.classes.get(class).cloned().unwrap_or_else(|| class.to_string())
	}

	/// Quantises a record: see [`InputSpec::quantise`].
	///
	/// # Errors
	/// When the record has the wrong length, or a value that is NaN or infinite.
	pub fn quantise_input(&self, record: &[f32]) -> Result<Vec<i8>, NetworkError> {
		self.input.quantise(record)
	}

	/// The output as real numbers.
	pub fn dequantise_output(&self, output: &[i64]) -> Vec<f64> {
		let step = power_of_two(self.output_exponent.saturating_neg());
		output.iter().map(|value| *value as f64 * step).collect()
	}

	/// Digest of the interface's file: what a manifest names the network by.
	pub fn digest(&self) -> Digest {
		Digest(blake2_256(&self.encode()))
	}

	/// The interface's file: a magic, a version, then SCALE.
	pub fn encode(&self) -> Vec<u8> {
		// Lengths beyond 32 bits cannot occur; saturating keeps them invalid.
		let narrow = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
		let file = InterfaceFile {
			name: self.name.clone(),
			classes: self.classes.clone(),
			exponents: self.input.exponents.clone(),
			zero_points: self.input.zero_points.clone(),
			output_bits: self.output.bits,
			output_len: narrow(self.output.len),
			output_exponent: self.output_exponent,
			label_of: self.label_of.map(narrow),
			network: self.network.0,
		};
		(MAGIC, VERSION, file).encode()
	}

	/// Reads an interface's file, which anybody may have written.
	///
	/// # Errors
	/// When the file is of another kind or version, damaged, not canonical, or its numbers do not fit
	/// together.
	pub fn decode(bytes: &[u8]) -> Result<Self, PackingError> {
		if bytes.len() > MAX_INTERFACE_SIZE {
			let (limit, found) = (MAX_INTERFACE_SIZE, bytes.len());
			return Err(NetworkError::FileSize { limit, found }.into());
		}
		let body = bytes
			.strip_prefix(&MAGIC)
			.and_then(|rest| rest.strip_prefix(&VERSION.to_le_bytes()))
			.ok_or(NetworkError::FileKind { version: VERSION })?;
		let damaged = |reason: String| NetworkError::Damaged { reason };
		let file = InterfaceFile::decode_all(&mut &*body).map_err(|e| damaged(e.to_string()))?;
		let interface = Self {
			name: file.name,
			classes: file.classes,
			input: InputSpec { exponents: file.exponents, zero_points: file.zero_points },
			output: OutputPacking::new(file.output_bits, file.output_len as usize)?,
			output_exponent: file.output_exponent,
			label_of: file.label_of.map(|classes| classes as usize),
			network: Digest(file.network),
		};
		interface.check()?;
		if interface.encode() != bytes {
			return Err(damaged("its encoding is not canonical".into()).into());
		}
		Ok(interface)
	}
}

#[cfg(test)]
mod tests {
	use super::*;
	use crate::network::{tests::small, Node};

	fn interface() -> Interface {
		Interface::of(&small(), vec!["no".into(), "yes".into()]).unwrap()
	}

	#[test]
	fn files_read_back_and_name_the_network() {
		let interface = interface();
		assert_eq!(Interface::decode(&interface.encode()), Ok(interface.clone()));
		assert_eq!(interface.network.0, blake2_256(&small().encode()));
		let other = Interface { output_exponent: 3, ..interface.clone() };
		assert_ne!(other.digest(), interface.digest());
	}

	#[test]
	fn interfaces_read_records_and_outputs_as_the_network_does() {
		let (interface, network) = (interface(), small());
		let record = [0.3, -0.7];
		assert_eq!(interface.quantise_input(&record), network.quantise_input(&record));
		assert_eq!(interface.dequantise_output(&[5]), network.dequantise_output(&[5]));
		assert_eq!((interface.class(&[5]), interface.class_name(1)), (1, "yes".into()));
		assert_eq!((interface.class(&[-5]), interface.class_name(2)), (0, "2".into()));
	}

	#[test]
	fn labels_are_classes_themselves() {
		let mut network = small();
		network.nodes.push(Node::ArgMax { input: 2 });
		network.nodes.remove(2);
		let interface = Interface::of(&network, vec![]).unwrap();
		assert_eq!((interface.label_of, interface.class_count()), (Some(2), 2));
		assert_eq!((interface.class(&[1]), interface.class(&[0])), (1, 0));
		assert_eq!(Interface::decode(&interface.encode()), Ok(interface));
	}

	#[test]
	fn files_that_do_not_fit_together_are_refused() {
		type Change = fn(&mut Interface);
		let changes: [Change; 6] = [
			|i| i.name.clear(),
			|i| i.classes = vec!["one".into()],
			|i| i.classes[0] = "\u{7}".into(),
			|i| i.input.zero_points.push(0),
			|i| i.output_exponent = 127,
			|i| i.output.bits = 61,
		];
		for change in changes {
			let mut broken = interface();
			change(&mut broken);
			assert!(Interface::decode(&broken.encode()).is_err(), "{broken:?}");
		}
		let bytes = interface().encode();
		for length in 0..bytes.len() {
			assert!(Interface::decode(&bytes[..length]).is_err());
		}
		assert!(Interface::decode(&[&bytes[..], &[0]].concat()).is_err());
	}
}
