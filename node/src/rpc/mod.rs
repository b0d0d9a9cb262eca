// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! JSON-RPC: the methods that the node adds to the SDK's.
//!
//! | methods | about |
//! |---|---|
//! | `proofs_verify` | verification of a proof without a transaction ([`proofs`]) |
//! | `jobs_job`, `jobs_view`, `jobs_phase`, `jobs_receipt` | a job's record, state and end ([`jobs`]) |
//! | `jobs_terms`, `jobs_tick` | a new job's terms, and the market's clock ([`jobs`]) |
//! | `pods_view` | a pod's record and standing ([`pods`]) |
//! | `system_accountNextIndex`, `system_dryRun` | accounts |
//! | `payment_queryInfo`, `payment_queryFeeDetails` | fees |
//! | `grandpa_…` | finality |
//! | `engine_createBlock`, `engine_finalizeBlock` | blocks on demand, with `--sealing` only |

mod error;
mod jobs;
mod pods;
mod proofs;
#[cfg(test)]
mod test_client;

use crate::service::types::{Backend, Block, Client, Hash, Pool};
use futures::channel::mpsc;
use jobs::{Jobs, JobsRpcServer};
use jsonrpsee::{server::RegisterMethodError, RpcModule};
use pallet_transaction_payment_rpc::{TransactionPayment, TransactionPaymentApiServer};
use pods::{Pods, PodsRpcServer};
use proofs::{Proofs, ProofsRpcServer};
use sc_consensus_grandpa::{
	FinalityProofProvider, GrandpaJustificationStream, SharedAuthoritySet, SharedVoterState,
};
use sc_consensus_grandpa_rpc::{Grandpa, GrandpaApiServer};
use sc_consensus_manual_seal::{
	rpc::{ManualSeal, ManualSealApiServer},
	EngineCommand,
};
use sp_core::traits::SpawnNamed;
use std::sync::Arc;
use substrate_frame_rpc_system::{System, SystemApiServer};

/// What the methods read from.
pub(crate) struct Dependencies {
	pub(crate) client: Arc<Client>,
	pub(crate) pool: Arc<Pool>,
	pub(crate) authority_set: SharedAuthoritySet<Hash, proofpod_primitives::BlockNumber>,
	pub(crate) voter_state: SharedVoterState,
	pub(crate) justifications: GrandpaJustificationStream<Block>,
	pub(crate) finality_proofs: Arc<FinalityProofProvider<Backend, Block>>,
	/// Where requests for a block go, on a chain with `--sealing`.
	pub(crate) sealing: Option<mpsc::Sender<EngineCommand<Hash>>>,
}

/// Every method that the node adds.
///
/// # Errors
///
/// Two methods of one name.
pub(crate) fn module(
	dependencies: &Dependencies,
	executor: Arc<dyn SpawnNamed>,
) -> Result<RpcModule<()>, RegisterMethodError> {
	let Dependencies {
		client,
		pool,
		authority_set,
		voter_state,
		justifications,
		finality_proofs,
		sealing,
	} = dependencies;
	let mut module = RpcModule::new(());
	module.merge(System::new(client.clone(), pool.clone()).into_rpc())?;
	module.merge(TransactionPayment::new(client.clone()).into_rpc())?;
	module.merge(
		Grandpa::new(
			executor,
			authority_set.clone(),
			voter_state.clone(),
			justifications.clone(),
			finality_proofs.clone(),
		)
		.into_rpc(),
	)?;
	module.merge(Proofs::new(client.clone()).into_rpc())?;
	module.merge(Jobs::new(client.clone()).into_rpc())?;
	module.merge(Pods::new(client.clone()).into_rpc())?;
	if let Some(sealing) = sealing {
		module.merge(ManualSeal::new(sealing.clone()).into_rpc())?;
	}
	Ok(module)
}
