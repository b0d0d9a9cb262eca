// SPDX-License-Identifier: Apache-2.0

//! How long a verification takes inside the runtime, and beside it natively, in one run.

use anyhow::{ensure, Result};
use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};
use proofpod_verifier::{Groth16, Native, ProofVerifier};
use proofpod_zkml::{artefacts::ModelDirectory, commitment::Secrets};
use serde::Serialize;
use serde_json::{json, Value};
use std::{
	path::Path,
	time::{Duration, Instant},
};

/// Calls whose median counts.
const ROUNDS: usize = 15;

/// What one verification takes.
#[derive(Clone, Debug, Serialize)]
pub struct Verification {
	/// In the runtime (WebAssembly, with the SDK's host calls), decoding and subgroup checks
	/// included, in milliseconds: the median of a dry run over the node's RPC, less the median of
	/// the same call for a key that the chain does not know.
	pub runtime_ms: f64,
	/// Natively, decoding and subgroup checks included, in milliseconds, median.
	pub native_ms: f64,
	/// Public inputs of the proof.
	pub public_inputs: usize,
}

/// Measures with a proof of the model in this folder, which must be registered on the chain.
pub async fn verification(url: &str, model: &Path) -> Result<Verification> {
	let directory = ModelDirectory::at(model);
	let manifest = directory.manifest()?.manifest;
	let input = vec![0i8; manifest.input_len as usize];
	let secrets = Secrets::random(&mut rand::rngs::OsRng);
	let proved = directory.prover()?.prove(&Scalar([0; 32]), &input, &secrets)?;

	let key = Groth16::<Native>::prepare(&directory.verifying_key()?)?;
	let mut native = Vec::new();
	for _ in 0..ROUNDS {
		let start = Instant::now();
		Groth16::<Native>::verify(&key, &proved.proof, &proved.public_inputs)?;
		native.push(start.elapsed());
	}

	let node = Rpc { client: reqwest::Client::new(), url: url.replacen("ws", "http", 1) };
	let (mut known, mut unknown) = (Vec::new(), Vec::new());
	for _ in 0..ROUNDS {
		let call = (&proved.proof, &proved.public_inputs[..]);
		known.push(node.verify(manifest.verifying_key, call, true).await?);
		unknown.push(node.verify(VerifyingKeyId([0; 32]), call, false).await?);
	}
	Ok(Verification {
		runtime_ms: milliseconds(median(known)) - milliseconds(median(unknown)),
		native_ms: milliseconds(median(native)),
		public_inputs: proved.public_inputs.len(),
	})
}

struct Rpc {
	client: reqwest::Client,
	url: String,
}

impl Rpc {
	async fn verify(
		&self,
		key: VerifyingKeyId,
		(proof, inputs): (&ProofBytes, &[Scalar]),
		expected: bool,
	) -> Result<Duration> {
		let request = json!({
			"jsonrpc": "2.0",
			"id": 1,
			"method": "proofs_verify",
			"params": [key, proof, inputs],
		});
		let start = Instant::now();
		let answer: Value = self.client.post(&self.url).json(&request).send().await?.json().await?;
		let elapsed = start.elapsed();
		ensure!(
			answer["result"]["valid"] == expected,
			"expected the verdict {expected}, found {answer}"
		);
		Ok(elapsed)
	}
}

fn median(mut durations: Vec<Duration>) -> Duration {
	durations.sort_unstable();
	durations.get(durations.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
	duration.as_secs_f64() * 1e3
}
