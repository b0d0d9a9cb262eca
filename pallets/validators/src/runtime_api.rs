// SPDX-License-Identifier: Apache-2.0

//! What a node that has seen an author make two blocks in one slot asks of the runtime.

use sp_consensus_aura::sr25519::AuthorityId;
use sp_consensus_slots::EquivocationProof;

sp_api::decl_runtime_apis! {
	/// Reports of equivocations in Aura.
	pub trait ValidatorsApi {
		/// Puts a report into the node's transaction pool; `None` when the proof does not hold, the
		/// offence is known, or the pool refuses it. Only useful in a context that has access to
		/// the pool.
		fn submit_report_aura_equivocation(
			proof: EquivocationProof<Block::Header, AuthorityId>,
		) -> Option<()>;
	}
}
