// SPDX-License-Identifier: Apache-2.0

//! A runtime for the tests: real balances, the real verifier.

use crate::{self as pallet_proofs, PublicInputs, VerifyingKeyBytes};
use ark_bls12_381::{Bls12_381, Fr};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::{
	gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError},
	lc,
};
use ark_serialize::CanonicalSerialize;
use ark_snark::SNARK;
use frame_support::{derive_impl, parameter_types, traits::fungible::InspectHold};
use proofpod_primitives::{Balance, ProofBytes, VerifyingKeyId};
use proofpod_verifier::{encode_scalar, verifying_key_id, Native};
use rand::{rngs::StdRng, SeedableRng};
use sp_runtime::{traits::IdentityLookup, AccountId32, BuildStorage};

type Block = frame_system::mocking::MockBlockU32<Test>;

#[frame_support::runtime]
mod test_runtime {
	#[runtime::runtime]
	#[runtime::derive(
		RuntimeCall,
		RuntimeEvent,
		RuntimeError,
		RuntimeOrigin,
		RuntimeFreezeReason,
		RuntimeHoldReason,
		RuntimeSlashReason,
		RuntimeLockId,
		RuntimeTask,
		RuntimeViewFunction
	)]
	pub struct Test;

	#[runtime::pallet_index(0)]
	pub type System = frame_system;
	#[runtime::pallet_index(1)]
	pub type Balances = pallet_balances;
	#[runtime::pallet_index(2)]
	pub type Proofs = pallet_proofs;
}

#[derive_impl(frame_system::config_preludes::TestDefaultConfig)]
impl frame_system::Config for Test {
	type Block = Block;
	type AccountId = AccountId32;
	type Lookup = IdentityLookup<AccountId32>;
	type AccountData = pallet_balances::AccountData<Balance>;
	type DbWeight = frame_support::weights::constants::RocksDbWeight;
}

#[derive_impl(pallet_balances::config_preludes::TestDefaultConfig)]
impl pallet_balances::Config for Test {
	type AccountStore = System;
	type Balance = Balance;
	type ExistentialDeposit = frame_support::traits::ConstU128<1>;
}

parameter_types! {
	pub const DepositBase: Balance = 1_000;
	pub const DepositPerByte: Balance = 10;
}

impl pallet_proofs::Config for Test {
	type Currency = Balances;
	type RuntimeHoldReason = RuntimeHoldReason;
	type Verifier = proofpod_verifier::Groth16<Native>;
	type DepositBase = DepositBase;
	type DepositPerByte = DepositPerByte;
	type WeightInfo = ();
}

/// An account with funds.
pub(crate) const ALICE: AccountId32 = AccountId32::new([1; 32]);
/// Another account with funds.
pub(crate) const BOB: AccountId32 = AccountId32::new([2; 32]);
/// An account whose funds do not suffice for any deposit.
pub(crate) const POOR: AccountId32 = AccountId32::new([3; 32]);

/// What the accounts with funds have at the start.
pub(crate) const FUNDS: Balance = 1_000_000;

/// Block 1 of a fresh chain.
pub(crate) fn externalities() -> sp_io::TestExternalities {
	let mut storage = frame_system::GenesisConfig::<Test>::default().build_storage().unwrap();
	pallet_balances::GenesisConfig::<Test> {
		balances: vec![(ALICE, FUNDS), (BOB, FUNDS), (POOR, 10)],
		..Default::default()
	}
	.assimilate_storage(&mut storage)
	.unwrap();
	let mut externalities = sp_io::TestExternalities::new(storage);
	externalities.execute_with(|| {
		System::set_block_number(1);
	});
	externalities
}

/// Runs a test in block 1 of a fresh chain, and checks the chain's state after it.
pub(crate) fn build_and_execute(test: impl FnOnce()) {
	externalities().execute_with(|| {
		test();
		Proofs::do_try_state().unwrap();
	});
}

/// Events of the pallet since the last call.
pub(crate) fn take_events() -> Vec<crate::Event<Test>> {
	let events = System::events()
		.into_iter()
		.filter_map(|record| match record.event {
			RuntimeEvent::Proofs(event) => Some(event),
			_ => None,
		})
		.collect();
	System::reset_events();
	events
}

/// What is held from an account for its keys.
pub(crate) fn held(who: &AccountId32) -> Balance {
	Balances::balance_on_hold(&crate::HoldReason::KeyDeposit.into(), who)
}

/// Proves knowledge of square roots of the public inputs.
struct SquareRoots(Vec<Fr>);

impl ConstraintSynthesizer<Fr> for SquareRoots {
	fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
		for root in self.0 {
			let square = cs.new_input_variable(|| Ok(root * root))?;
			let root = cs.new_witness_variable(|| Ok(root))?;
			cs.enforce_r1cs_constraint(|| lc!() + root, || lc!() + root, || lc!() + square)?;
		}
		Ok(())
	}
}

/// A real circuit with its real keys.
pub(crate) struct Circuit {
	proving_key: ProvingKey<Bls12_381>,
}

impl Circuit {
	/// Sets a circuit with this many public inputs up; every seed gives other keys.
	pub(crate) fn new(inputs: usize, seed: u64) -> Self {
		let roots = SquareRoots(vec![Fr::from(1); inputs]);
		let mut rng = StdRng::seed_from_u64(seed);
		let (proving_key, _) =
			Groth16::<Bls12_381>::circuit_specific_setup(roots, &mut rng).unwrap();
		Self { proving_key }
	}

	/// The verifying key's canonical bytes.
	pub(crate) fn key(&self) -> VerifyingKeyBytes {
		let mut bytes = Vec::new();
		self.proving_key.vk.serialize_compressed(&mut bytes).unwrap();
		bytes.try_into().unwrap()
	}

	/// The verifying key's id.
	pub(crate) fn id(&self) -> VerifyingKeyId {
		verifying_key_id(&self.key())
	}

	/// Registers the verifying key in Alice's name.
	pub(crate) fn registered(self) -> Self {
		Proofs::register_key(RuntimeOrigin::signed(ALICE), self.key()).unwrap();
		System::reset_events();
		self
	}

	/// Proves knowledge of these roots of their squares.
	pub(crate) fn prove(&self, roots: &[u64]) -> (ProofBytes, PublicInputs) {
		let roots: Vec<Fr> = roots.iter().map(|root| Fr::from(*root)).collect();
		let inputs: Vec<_> = roots.iter().map(|root| encode_scalar(&(*root * root))).collect();
		let mut rng = StdRng::seed_from_u64(7);
		let proof =
			Groth16::<Bls12_381>::prove(&self.proving_key, SquareRoots(roots), &mut rng).unwrap();
		let mut bytes = Vec::new();
		proof.serialize_compressed(&mut bytes).unwrap();
		let bytes: [u8; ProofBytes::SIZE] = bytes.try_into().unwrap();
		(ProofBytes(bytes), inputs.try_into().unwrap())
	}
}
