// SPDX-License-Identifier: Apache-2.0

//! The statement of a job's proof.
//!
//! Public inputs, in the order of `proofpod_primitives::statement`: binding, input commitment, the
//! output key's commitment (sealed outputs only), packed output (sealed or in the clear).
//! Witnesses: input, salt, output key, and what the gadgets allocate.
//!
//! *There are an int8 input, a salt and an output key that open the commitments, such that the
//! network maps the input to an output whose packing, sealed under the key, is the one given.*
//!
//! The binding enters one constraint, which gives it a witness of its own, equal to it: the proof
//! then depends on it like on any other public input. (Its square, the customary constraint, would
//! do as well, but has the negated binding as a second solution.)

use super::{
	boolean::{int8, power_of_two},
	layers::Layers,
	linear::Linear,
	matrices::Assignment,
	poseidon,
	system::{Circuit, ConstraintSystem},
	CircuitError,
};
use crate::{
	commitment::{self, Secrets, INPUT_PACKING, OUTPUT_KEY_OUTPUTS},
	network::{Interval, OutputPacking, QuantisedNetwork, Trace},
	poseidon::Domain,
};
use ark_bls12_381::Fr;
use ark_ff::{AdditiveGroup, Field};
use proofpod_primitives::manifest::OutputVisibility;
use zeroize::Zeroize;

/// What is computed once for a network.
#[derive(Debug)]
pub(crate) struct Plan {
	/// Of every element of every value.
	pub(super) bounds: Vec<Vec<Interval>>,
	packing: OutputPacking,
	output: OutputVisibility,
	/// By node: the last to read value `v` is `last_reader[v]`.
	pub(super) last_reader: Vec<usize>,
}

impl Plan {
	pub(crate) fn new(
		network: &QuantisedNetwork,
		output: OutputVisibility,
	) -> Result<Self, CircuitError> {
		let bounds = network.bounds()?;
		let packing = OutputPacking::of(network)?;
		let mut last_reader = vec![network.nodes.len(); bounds.len()];
		for (index, node) in network.nodes.iter().enumerate() {
			for operand in node.operands() {
				last_reader[operand] = index;
			}
		}
		Ok(Self { bounds, packing, output, last_reader })
	}

	pub(crate) fn packing(&self) -> &OutputPacking {
		&self.packing
	}

	pub(crate) fn statement<'a>(
		&'a self,
		network: &'a QuantisedNetwork,
		witness: Option<&'a StatementWitness<'a>>,
	) -> Statement<'a> {
		Statement { network, plan: self, witness }
	}

	pub(crate) fn assign(
		&self,
		network: &QuantisedNetwork,
		witness: &StatementWitness,
	) -> Result<Assignment, CircuitError> {
		self.statement(network, Some(witness)).assignment()
	}

	fn is_sealed(&self) -> bool {
		self.output == OutputVisibility::Sealed
	}
}

/// One inference, and what hides it.
pub(crate) struct StatementWitness<'a> {
	trace: &'a Trace,
	secrets: &'a Secrets,
	public: Vec<Fr>,
}

impl<'a> StatementWitness<'a> {
	/// Computes the public inputs.
	pub(crate) fn new(
		plan: &Plan,
		trace: &'a Trace,
		binding: Fr,
		secrets: &'a Secrets,
	) -> Result<Self, CircuitError> {
		if trace.values.len() != plan.bounds.len() {
			return Err(CircuitError::Trace { value: trace.values.len().min(plan.bounds.len()) });
		}
		for (value, (elements, bounds)) in trace.values.iter().zip(&plan.bounds).enumerate() {
			let fits = elements.len() == bounds.len()
				&& elements.iter().zip(bounds).all(|(x, bounds)| bounds.contains(*x));
			if !fits {
				return Err(CircuitError::Trace { value });
			}
		}
		// Value 0 has the bounds of int8.
		let mut input: Vec<i8> = trace.values[0].iter().map(|x| *x as i8).collect();
		let mut public = vec![binding, commitment::input_hash(&input, &secrets.salt)];
		input.zeroize();
		let mut packed = plan.packing.pack(trace.output())?;
		if plan.is_sealed() {
			public.push(commitment::output_key_hash(&secrets.output_key));
			let pads = commitment::pads(&secrets.output_key, packed.len());
			for (element, pad) in packed.iter_mut().zip(pads.iter()) {
				*element += pad;
			}
		}
		public.append(&mut packed);
		Ok(Self { trace, secrets, public })
	}
}

/// The circuit.
pub(crate) struct Statement<'a> {
	network: &'a QuantisedNetwork,
	plan: &'a Plan,
	/// Without, the circuit has a shape only.
	witness: Option<&'a StatementWitness<'a>>,
}

impl Circuit for Statement<'_> {
	fn public_inputs(&self) -> usize {
		2 + usize::from(self.plan.is_sealed()) + self.plan.packing.elements
	}

	fn synthesise<S: ConstraintSystem>(&self, system: &mut S) -> Result<(), CircuitError> {
		let mut public = (0..self.public_inputs())
			.map(|index| system.public(|| self.public_input(index)))
			.collect::<Vec<_>>()
			.into_iter();
		let mut next_public = || {
			public.next().ok_or(CircuitError::PublicInputs {
				expected: self.public_inputs(),
				found: self.public_inputs() + 1,
			})
		};

		system.section(|| "binding".into());
		let binding = next_public()?;
		let copy = system.witness(|| binding.value());
		system.enforce_equal(binding, copy);

		let input = self.input(system, next_public()?);
		let trace = self.witness.map(|witness| witness.trace);
		let layers = Layers { network: self.network, plan: self.plan, trace };
		let output = layers.synthesise(system, input)?;
		let packed = self.pack(&output);

		if self.plan.is_sealed() {
			system.section(|| "output key commitment".into());
			let key = [system.witness(|| self.secret(|secrets| secrets.output_key))];
			let tag = Domain::OutputKey.tag(1);
			let outputs = poseidon::sponge(system, tag, &key, OUTPUT_KEY_OUTPUTS);
			system.enforce_equal(outputs[0].clone(), next_public()?);
			system.section(|| "sealed output".into());
			let mut pads = outputs[1..].to_vec();
			if packed.len() > 1 {
				let others = packed.len() - 1;
				let tag = Domain::Seal.tag(others);
				pads.extend(poseidon::sponge(system, tag, &key, others));
			}
			for (element, pad) in packed.iter().zip(pads) {
				system.enforce_equal(element.plus(&pad), next_public()?);
			}
		} else {
			system.section(|| "public output".into());
			for element in packed {
				system.enforce_equal(element, next_public()?);
			}
		}
		Ok(())
	}
}

impl Statement<'_> {
	fn public_input(&self, index: usize) -> Fr {
		self.witness.and_then(|witness| witness.public.get(index)).copied().unwrap_or(Fr::ZERO)
	}

	fn secret(&self, secret: impl Fn(&Secrets) -> Fr) -> Fr {
		self.witness.map_or(Fr::ZERO, |witness| secret(witness.secrets))
	}

	/// An element of the trace; zero without one.
	fn traced(&self, value: usize, element: usize) -> i64 {
		self.witness
			.and_then(|witness| witness.trace.values.get(value)?.get(element))
			.copied()
			.unwrap_or(0)
	}

	/// The input's elements, each an int8, and their commitment.
	fn input<S: ConstraintSystem>(&self, system: &mut S, commitment: S::Linear) -> Vec<S::Linear> {
		system.section(|| "input range".into());
		let input: Vec<S::Linear> = (0..self.network.input_len())
			.map(|element| int8(system, self.traced(0, element)))
			.collect();
		system.section(|| "input commitment".into());
		let mut preimage = vec![system.witness(|| self.secret(|secrets| secrets.salt))];
		preimage.extend(input.chunks(INPUT_PACKING).map(|chunk| slots(chunk, 8, 128)));
		let digest = poseidon::sponge(system, Domain::Input.tag(input.len()), &preimage, 1);
		system.enforce_equal(digest[0].clone(), commitment);
		input
	}

	/// The packed output.
	fn pack<L: Linear>(&self, output: &[L]) -> Vec<L> {
		let OutputPacking { bits, per_element, offset, .. } = self.plan.packing;
		output.chunks(per_element).map(|chunk| slots(chunk, bits, offset)).collect()
	}
}

/// `Σ 2^(bits·i) · (elements[i] + offset)`.
fn slots<L: Linear>(elements: &[L], bits: u32, offset: i64) -> L {
	let slot = power_of_two(bits);
	let mut weight = Fr::ONE;
	let weights: Vec<Fr> = elements
		.iter()
		.map(|_| {
			let current = weight;
			weight *= slot;
			current
		})
		.collect();
	let constant = weights.iter().sum::<Fr>() * Fr::from(offset);
	L::combine(constant, weights.into_iter().zip(elements))
}
