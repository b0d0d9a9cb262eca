// SPDX-License-Identifier: Apache-2.0

//! Every movement of a balance that a job causes.
//!
//! All amounts are exact: a hold that is smaller than its job's record says is a broken invariant,
//! and the movement fails rather than take another job's money. Movements that fulfil an
//! obligation are forced past freezes, which the owner could otherwise use to escape them.

use crate::{Config, HoldReason, JobOf};
use frame_support::traits::{
	fungible::{Inspect, MutateHold},
	tokens::{DepositConsequence, Fortitude, Precision, Provenance, Restriction},
};
use proofpod_primitives::{job::Lock, Balance};
use sp_runtime::{AccountId32, DispatchError, DispatchResult};

type CurrencyOf<T> = <T as Config>::Currency;

/// What a claim that came to nothing cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Loss {
	/// Taken from the pod's bond.
	pub(crate) from_pod: Balance,
	/// Taken from the client's deposit.
	pub(crate) from_client: Balance,
	/// Part of it that went to the client.
	pub(crate) compensation: Balance,
}

impl Loss {
	/// The rest of it, which nobody has.
	pub(crate) fn burned(&self) -> Balance {
		self.from_pod.saturating_add(self.from_client).saturating_sub(self.compensation)
	}
}

/// Holds a job's highest price and its deposit from its client.
pub(crate) fn hold_payment<T: Config>(job: &JobOf<T>) -> DispatchResult {
	let payment = HoldReason::JobPayment.into();
	CurrencyOf::<T>::hold(&payment, &job.client, job.request.price.max)?;
	CurrencyOf::<T>::hold(&HoldReason::JobDeposit.into(), &job.client, job.terms.deposit)
}

/// Gives the whole payment, and what is left of the deposit, back to the client; gives the sum.
pub(crate) fn refund<T: Config>(job: &JobOf<T>) -> Result<Balance, DispatchError> {
	let (deposit, payment) = (job.deposit_held(), job.request.price.max);
	release::<T>(HoldReason::JobDeposit, &job.client, deposit)?;
	release::<T>(HoldReason::JobPayment, &job.client, payment)?;
	Ok(deposit.saturating_add(payment))
}

/// Holds a job's bond from a pod.
pub(crate) fn hold_bond<T: Config>(pod: &AccountId32, bond: Balance) -> DispatchResult {
	CurrencyOf::<T>::hold(&HoldReason::JobBond.into(), pod, bond)
}

/// Pays the pod that proved: releases its bond, transfers the price but for the market's fee out of
/// the client's payment, burns the fee, and releases the rest and the deposit to the client. Gives
/// the fee and what was released to the client.
///
/// The bond comes first: it alone reaches the existential deposit, so the price can follow
/// whatever else the pod's account holds. So does the deposit on the client's side.
pub(crate) fn settle<T: Config>(
	job: &JobOf<T>,
	lock: &Lock<AccountId32>,
) -> Result<(Balance, Balance), DispatchError> {
	release::<T>(HoldReason::JobBond, &lock.pod, job.terms.bond)?;
	let deposit = job.deposit_held();
	release::<T>(HoldReason::JobDeposit, &job.client, deposit)?;
	let (fee, paid) = job.terms.fee(lock.price);
	transfer::<T>(HoldReason::JobPayment, &job.client, &lock.pod, paid)?;
	burn::<T>(HoldReason::JobPayment, &job.client, fee)?;
	let rest = job.request.price.max.saturating_sub(lock.price);
	release::<T>(HoldReason::JobPayment, &job.client, rest)?;
	Ok((fee, deposit.saturating_add(rest)))
}

/// Burns the fee for a lock that was given back from the pod's bond, and releases the rest of it.
pub(crate) fn forfeit<T: Config>(
	job: &JobOf<T>,
	lock: &Lock<AccountId32>,
) -> Result<Loss, DispatchError> {
	let fee = job.terms.lapse_fee;
	burn::<T>(HoldReason::JobBond, &lock.pod, fee)?;
	release::<T>(HoldReason::JobBond, &lock.pod, job.terms.bond.saturating_sub(fee))?;
	Ok(Loss { from_pod: fee, ..Loss::default() })
}

/// Burns the fee for a lock that nobody acknowledged from the pod's bond and from the client's
/// deposit, and releases the rest of the bond.
pub(crate) fn lapse<T: Config>(
	job: &JobOf<T>,
	lock: &Lock<AccountId32>,
) -> Result<Loss, DispatchError> {
	let left = job.terms.deposit_after(job.lapses.saturating_add(1));
	let from_client = job.deposit_held().saturating_sub(left);
	burn::<T>(HoldReason::JobDeposit, &job.client, from_client)?;
	Ok(Loss { from_client, ..forfeit::<T>(job, lock)? })
}

/// Takes `amount` from the pod's bond: part compensates the client, part is burned, and the rest of
/// the bond is released.
///
/// The compensation reaches the client's account whatever else that holds: the configuration
/// admits none below the existential deposit.
pub(crate) fn slash<T: Config>(
	job: &JobOf<T>,
	lock: &Lock<AccountId32>,
	amount: Balance,
) -> Result<Loss, DispatchError> {
	let (compensation, burned) = job.terms.split(amount);
	transfer::<T>(HoldReason::JobBond, &lock.pod, &job.client, compensation)?;
	burn::<T>(HoldReason::JobBond, &lock.pod, burned)?;
	release::<T>(HoldReason::JobBond, &lock.pod, job.terms.bond.saturating_sub(amount))?;
	Ok(Loss { from_pod: amount, compensation, ..Loss::default() })
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
/// instead would let a pod keep its client from being refunded.
fn release<T: Config>(reason: HoldReason, who: &AccountId32, amount: Balance) -> DispatchResult {
	if amount == 0 {
		return Ok(());
	}
	match CurrencyOf::<T>::can_deposit(who, amount, Provenance::Extant) {
		DepositConsequence::BelowMinimum => burn::<T>(reason, who, amount),
		_ => CurrencyOf::<T>::release(&reason.into(), who, amount, Precision::Exact).map(|_| ()),
	}
}
