// SPDX-License-Identifier: Apache-2.0

//! The terms of new jobs: what the configuration asks of both sides for a job of some price.

use crate::Config;
use frame_support::traits::Get;
use proofpod_primitives::{job::JobTerms, Balance};

/// Terms for a job with this highest price, under the chain's present configuration.
pub(crate) fn terms<T: Config>(max_price: Balance) -> JobTerms {
	let bond = T::BondShare::get().mul_ceil(max_price).max(T::BondFloor::get());
	let lapse_fee = T::LapseFeeShare::get().mul_ceil(max_price).max(T::LapseFeeFloor::get());
	let max_lapses = T::MaxLapses::get();
	JobTerms {
		bond,
		missed_slash: bond,
		discard_slash: T::DiscardShare::get().mul_ceil(bond),
		client_share: T::ClientShare::get(),
		lapse_fee,
		max_lapses,
		deposit: T::JobDeposit::get().saturating_add(lapse_fee.saturating_mul(max_lapses.into())),
		market_fee: T::MarketFee::get(),
	}
}
