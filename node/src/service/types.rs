// SPDX-License-Identifier: GPL-3.0-or-later WITH Classpath-exception-2.0

//! The concrete types that the node is assembled from.

use crate::equivocation::WatchedImport;
use proofpod_runtime::RuntimeApi;
use sp_runtime::traits::Block as BlockT;

/// A block whose extrinsics are opaque bytes: only the runtime knows their format.
pub(crate) type Block = proofpod_runtime::opaque::Block;

/// Identifies a block.
pub(crate) type Hash = <Block as BlockT>::Hash;

/// A block without its extrinsics.
pub(crate) type Header = <Block as BlockT>::Header;

/// Host functions that the runtime calls beyond the SDK's: arithmetic on BLS12-381.
pub(crate) type ExtraHostFunctions = sp_crypto_ec_utils::bls12_381::host_calls::HostFunctions;

/// Every host function that the runtime may call.
pub(crate) type HostFunctions = (sp_io::SubstrateHostFunctions, ExtraHostFunctions);

/// Executes the WebAssembly runtime.
pub(crate) type Executor = sc_executor::WasmExecutor<HostFunctions>;

/// Access to the chain: its blocks, its state and the runtime's APIs.
pub(crate) type Client = sc_service::TFullClient<Block, RuntimeApi, Executor>;

/// The database.
pub(crate) type Backend = sc_service::TFullBackend<Block>;

/// The transaction pool.
pub(crate) type Pool = sc_transaction_pool::TransactionPoolHandle<Block, Client>;

/// The rule by which the best chain is chosen.
pub(crate) type SelectChain = sc_consensus::LongestChain<Backend, Block>;

/// Import of blocks that keeps GRANDPA's authority set.
pub(crate) type GrandpaBlockImport =
	sc_consensus_grandpa::GrandpaBlockImport<Backend, Block, Client, SelectChain>;

/// Import of blocks, whose authors are watched.
pub(crate) type BlockImport = WatchedImport<GrandpaBlockImport, Client>;

/// What ties GRANDPA's voter to [`GrandpaBlockImport`].
pub(crate) type GrandpaLink = sc_consensus_grandpa::LinkHalf<Block, Client, SelectChain>;
