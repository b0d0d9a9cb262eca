// SPDX-License-Identifier: Apache-2.0

//! Every movement of a balance that a job causes.
//!
//! All amounts are exact: a hold that is smaller than its job's record says is a broken invariant,
//! and the movement fails rather than take another job's money. Movements that fulfil an
//! obligation are forced past freezes, which the owner could otherwise use to escape them.

use crate::{Config, HoldReason};
use frame_support::traits::{
	fungible::{Inspect, MutateHold},
	tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
};
use proofpod_primitives::{
	job::{BondTerms, Lock},
	Balance,
};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

type CurrencyOf<T> = <T as Config>::Currency;

/// Holds a job's highest price from its client.
pub(crate) fn hold_payment<T: Config>(client: &AccountId32, max_price: Balance) -> DispatchResult {
	CurrencyOf::<T>::hold(&HoldReason::JobPayment.into(), client, max_price)
}

/// Gives a job's whole payment back to its client.
pub(crate) fn refund<T: Config>(client: &AccountId32, max_price: Balance) -> DispatchResult {
	release::<T>(HoldReason::JobPayment, client, max_price)
}

/// Holds a job's bond from a pod.
pub(crate) fn hold_bond<T: Config>(pod: &AccountId32, bond: Balance) -> DispatchResult {
	CurrencyOf::<T>::hold(&HoldReason::JobBond.into(), pod, bond)
}

/// Gives a job's whole bond back to its pod.
pub(crate) fn release_bond<T: Config>(pod: &AccountId32, bond: Balance) -> DispatchResult {
	release::<T>(HoldReason::JobBond, pod, bond)
}

/// Pays the pod that proved: releases its bond, transfers the price out of the client's payment,
/// and releases the rest to the client.
///
/// The bond comes first: it alone reaches the existential deposit, so the price can follow
/// whatever else the pod's account holds.
pub(crate) fn settle<T: Config>(
	client: &AccountId32,
	lock: &Lock<AccountId32>,
	max_price: Balance,
	bond: Balance,
) -> DispatchResult {
	release_bond::<T>(&lock.pod, bond)?;
	transfer::<T>(HoldReason::JobPayment, client, &lock.pod, lock.price)?;
	release::<T>(HoldReason::JobPayment, client, max_price.saturating_sub(lock.price))
}

/// Refunds the client of a failed job and takes `amount` from the pod's bond: part compensates the
/// client, part is burned, and the rest of the bond is released. Gives the compensation.
///
/// The refund comes first: it alone reaches the existential deposit, so that even the smallest
/// compensation can follow.
pub(crate) fn slash<T: Config>(
	client: &AccountId32,
	pod: &AccountId32,
	max_price: Balance,
	terms: &BondTerms,
	amount: Balance,
) -> Result<Balance, DispatchError> {
	refund::<T>(client, max_price)?;
	let (compensation, burned) = terms.split(amount);
	transfer::<T>(HoldReason::JobBond, pod, client, compensation)?;
	burn::<T>(HoldReason::JobBond, pod, burned)?;
	release_bond::<T>(pod, terms.bond.saturating_sub(amount))?;
	Ok(compensation)
}

fn transfer<T: Config>(
	reason: HoldReason,
	from: &AccountId32,
	to: &AccountId32,
	amount: Balance,
) -> DispatchResult {
	if amount == 0 {
		return Ok(());
	}
	CurrencyOf::<T>::transfer_on_hold(
		&reason.into(),
		from,
		to,
		amount,
		Precision::Exact,
		Restriction::Free,
		Fortitude::Force,
	)
	.map(|_| ())
}

fn burn<T: Config>(reason: HoldReason, who: &AccountId32, amount: Balance) -> DispatchResult {
	if amount == 0 {
		return Ok(());
	}
	CurrencyOf::<T>::burn_held(&reason.into(), who, amount, Precision::Exact, Fortitude::Force)
		.map(|_| ())
}

/// Releases a held amount to its owner.
///
/// An account that something else keeps alive may have nothing free; an amount below the
/// existential deposit cannot be released to it and is burned, as dust is everywhere else. To fail
/// instead would let a client keep its pod from being paid.
fn release<T: Config>(reason: HoldReason, who: &AccountId32, amount: Balance) -> DispatchResult {
	if amount == 0 {
		return Ok(());
	}
	match CurrencyOf::<T>::can_deposit(who, amount, Provenance::Extant) {
		DepositConsequence::BelowMinimum => burn::<T>(reason, who, amount),
		_ => CurrencyOf::<T>::release(&reason.into(), who, amount, Precision::Exact).map(|_| ()),
	}
}
