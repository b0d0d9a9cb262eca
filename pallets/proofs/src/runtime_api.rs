// SPDX-License-Identifier: Apache-2.0

//! What a node can be asked about proofs without a transaction.

use alloc::vec::Vec;
use proofpod_primitives::{ProofBytes, Scalar, VerifyingKeyId};

sp_api::decl_runtime_apis! {
	/// Verification of proofs, free of charge and without a trace.
	pub trait ProofsApi {
		/// Verifies a proof against a registered key. The error is the reason, in UTF-8.
		fn verify(
			key: VerifyingKeyId,
			proof: ProofBytes,
			inputs: Vec<Scalar>,
		) -> Result<(), Vec<u8>>;
	}
}
