// SPDX-License-Identifier: Apache-2.0

//! Questions about pods that clients, workers and RPC servers ask of a runtime.

use crate::PodView;
use sp_runtime::AccountId32;

sp_api::decl_runtime_apis! {
	/// Reads pods.
	pub trait PodsApi {
		/// A registered pod, and what holds of it in the block of the query.
		fn view(pod: AccountId32) -> Option<PodView>;
	}
}
