// SPDX-License-Identifier: Apache-2.0

//! Every call of the chain's own pallets, with the largest arguments that it may have.

use codec::Encode;
use proofpod_primitives::{
	job::{JobRequest, PriceRamp, RequiredTag, Requirements, Windows},
	manifest::{
		ArtefactUri, ArtefactUris, ModelManifest, ModelName, OutputVisibility, SetupProvenance,
		WeightsVisibility, MANIFEST_VERSION,
	},
	pod::{
		Endpoint, PodProfile, PrivacyTier, Region, Regions, ServedModel, ServedModels, Tag, Tags,
	},
	statement::OutputElements,
	Digest, EncryptionKey, InputCommitment, JobId, ModelId, OutputKeyCommitment, ProofBytes,
	Scalar, Tick, VerifyingKeyId, MAX_OUTPUT_ELEMENTS,
};
use proofpod_runtime::{AccountId, Header, Runtime, RuntimeCall};
use proofpod_verifier::{MAX_PUBLIC_INPUTS, MAX_VERIFYING_KEY_SIZE};
use sp_consensus_aura::{
	digests::CompatibleDigestItem,
	sr25519::{AuthorityId, AuthoritySignature},
	Slot,
};
use sp_core::{sr25519, H256};
use sp_runtime::{
	generic::{Digest as HeaderDigest, DigestItem},
	BoundedVec,
};

const ACCOUNT: AccountId = AccountId::new([1; 32]);
const SCALAR: Scalar = Scalar([1; 32]);
const PROOF: ProofBytes = ProofBytes([1; ProofBytes::SIZE]);
const KEY: VerifyingKeyId = VerifyingKeyId([1; 32]);
const MODEL: ModelId = ModelId([1; 32]);
const JOB: JobId = JobId(u64::MAX);
/// Bytes of a header in a report.
const LONGEST_HEADER: usize = 16 << 10;

/// All of them, pallet by pallet.
pub(crate) fn all() -> Vec<RuntimeCall> {
	let mut calls = jobs();
	calls.extend(pods());
	calls.extend(models());
	calls.extend(proofs());
	calls.extend(validators());
	calls.extend(governance());
	calls
}

fn jobs() -> Vec<RuntimeCall> {
	use pallet_jobs::Call;
	let output = OutputElements::truncate_from(vec![SCALAR; MAX_OUTPUT_ELEMENTS as usize]);
	[
		Call::<Runtime>::open { request: request() },
		Call::lock { job: JOB, min_price: u128::MAX },
		Call::acknowledge { job: JOB },
		Call::submit_result { job: JOB, proof: PROOF, output },
		Call::cancel { job: JOB },
		Call::discard { job: JOB },
		Call::release { job: JOB },
		Call::poke { job: JOB },
	]
	.map(RuntimeCall::from)
	.into()
}

fn pods() -> Vec<RuntimeCall> {
	use pallet_pods::Call;
	let (pod, operator, until) = (ACCOUNT, Some(ACCOUNT), Tick(u32::MAX));
	[
		Call::<Runtime>::register { profile: profile(), operator: operator.clone() },
		Call::update { profile: profile() },
		Call::leave {},
		Call::withdraw {},
		Call::set_operator { operator },
		Call::bond_more { amount: u128::MAX },
		Call::heartbeat {},
		Call::attest { pod: pod.clone(), tags: tags(), expires: until },
		Call::revoke { pod: pod.clone() },
		Call::suspend { pod: pod.clone(), until },
		Call::reinstate { pod },
	]
	.map(RuntimeCall::from)
	.into()
}

fn models() -> Vec<RuntimeCall> {
	use pallet_models::Call;
	[
		Call::<Runtime>::register { manifest: manifest(), uris: uris(), replaces: Some(MODEL) },
		Call::update_uris { model: MODEL, uris: uris() },
		Call::deprecate { model: MODEL },
		Call::remove { model: MODEL },
	]
	.map(RuntimeCall::from)
	.into()
}

fn proofs() -> Vec<RuntimeCall> {
	use pallet_proofs::Call;
	let verifying_key = BoundedVec::truncate_from(vec![0; MAX_VERIFYING_KEY_SIZE]);
	let inputs = BoundedVec::truncate_from(vec![SCALAR; MAX_PUBLIC_INPUTS]);
	[
		Call::<Runtime>::register_key { verifying_key },
		Call::remove_key { id: KEY },
		Call::verify { key: KEY, proof: PROOF, inputs },
	]
	.map(RuntimeCall::from)
	.into()
}

fn validators() -> Vec<RuntimeCall> {
	use pallet_validators::Call;
	let slot = Slot::from(u64::MAX);
	let header = |filler: usize| {
		let signature = AuthoritySignature::from(sr25519::Signature::from_raw([1; 64]));
		let logs = vec![
			<DigestItem as CompatibleDigestItem<AuthoritySignature>>::aura_pre_digest(slot),
			DigestItem::Other(vec![0; filler]),
			DigestItem::aura_seal(signature),
		];
		Header {
			parent_hash: H256::zero(),
			number: u32::MAX,
			state_root: H256::zero(),
			extrinsics_root: H256::zero(),
			digest: HeaderDigest { logs },
		}
	};
	// The length of the filler takes a byte more than that of none.
	let filler = LONGEST_HEADER - header(0).encoded_size() - 1;
	let proof = Box::new(sp_consensus_slots::EquivocationProof {
		offender: AuthorityId::from(sr25519::Public::from_raw([1; 32])),
		slot,
		first_header: header(filler),
		second_header: header(filler),
	});
	[
		Call::<Runtime>::admit { account: ACCOUNT },
		Call::remove { account: ACCOUNT },
		Call::resign {},
		Call::withdraw_keys {},
		Call::apply { bond: u128::MAX },
		Call::bond_more { amount: u128::MAX },
		Call::withdraw_bond {},
		Call::rejoin {},
		Call::report_aura_equivocation { proof },
	]
	.map(RuntimeCall::from)
	.into()
}

/// The call that is enacted has a weight and bytes of its own; here it has hardly any.
fn governance() -> Vec<RuntimeCall> {
	let call = Box::new(frame_system::Call::remark { remark: vec![] }.into());
	vec![pallet_governance::Call::enact { call }.into()]
}

fn tag() -> Tag {
	Tag::truncate_from(vec![b'a'; 32])
}

fn tags() -> Tags {
	Tags::truncate_from(vec![tag(); 16])
}

fn request() -> JobRequest<AccountId> {
	let required = RequiredTag { tag: tag(), attested_by: Some(ACCOUNT) };
	JobRequest {
		model: MODEL,
		input: InputCommitment([1; 32]),
		output_key: Some(OutputKeyCommitment([1; 32])),
		price: PriceRamp { min: u128::MAX, max: u128::MAX, ramp: u32::MAX },
		windows: Windows {
			lock: u32::MAX,
			acknowledge: u32::MAX,
			prove: u32::MAX,
			failover: u32::MAX,
		},
		requirements: Requirements {
			pods: BoundedVec::truncate_from(vec![ACCOUNT; 8]),
			regions: BoundedVec::truncate_from(vec![Region(*b"CH"); 8]),
			min_reputation: u16::MAX,
			tier: PrivacyTier::Sealed,
			tags: BoundedVec::truncate_from(vec![required; 4]),
		},
	}
}

fn profile() -> PodProfile {
	let served = ServedModel { model: MODEL, min_price: u128::MAX };
	PodProfile {
		endpoint: Endpoint::truncate_from(vec![b'a'; 256]),
		encryption_key: EncryptionKey([1; 32]),
		regions: Regions::truncate_from(vec![Region(*b"CH"); 4]),
		models: ServedModels::truncate_from(vec![served; 64]),
		tags: tags(),
	}
}

fn manifest() -> ModelManifest {
	ModelManifest {
		version: MANIFEST_VERSION,
		name: ModelName::truncate_from(vec![b'a'; 64]),
		interface: Digest([1; 32]),
		verifying_key: KEY,
		proving_key: Digest([1; 32]),
		input_len: u32::MAX,
		output_len: u32::MAX,
		output_elements: MAX_OUTPUT_ELEMENTS,
		output: OutputVisibility::Sealed,
		weights: WeightsVisibility::Public,
		setup: SetupProvenance::Ceremony { transcript: Digest([1; 32]) },
	}
}

fn uris() -> ArtefactUris {
	ArtefactUris::truncate_from(vec![ArtefactUri::truncate_from(vec![b'a'; 256]); 8])
}
