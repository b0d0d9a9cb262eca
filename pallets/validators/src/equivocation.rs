// SPDX-License-Identifier: Apache-2.0

//! Two blocks by one author in one slot of Aura.
//!
//! The SDK has no report for these; this one follows what it has for BABE (`sp_consensus_babe`,
//! `check_equivocation_proof`): two different headers with the same slot, both sealed by the same
//! key. Unlike a vote's, an Aura header's session follows from its slot, so that a report needs no
//! proof of the key's ownership.
//!
//! Whether it was the author's turn is not asked, only whether its key was an active validator's in
//! the session of the slot. Nodes refuse a block out of turn, so that it can mislead nobody; but no
//! honest node ever seals two headers of one slot, in or out of turn, and whoever does cannot be
//! trusted with the key. What is more, the turn depends on the fork: about a session's boundary two
//! forks may give a slot to different authors, and the two headers need not be of one fork.

use crate::{Call, Config, Error, Pallet};
use alloc::{boxed::Box, vec, vec::Vec};
use codec::Encode;
use frame_support::pallet_prelude::{TransactionValidityWithRefund, Weight};
use frame_system::{
	offchain::{CreateAuthorizedTransaction, SubmitTransaction},
	pallet_prelude::HeaderFor,
};
use sp_consensus_aura::{digests::CompatibleDigestItem, Slot};
use sp_runtime::{
	generic::DigestItem,
	traits::{Header, SaturatedConversion},
	transaction_validity::{
		InvalidTransaction, TransactionPriority, TransactionSource, ValidTransaction,
	},
	AccountId32, DispatchError, Perbill, RuntimeAppPublic,
};
use sp_session::ValidatorCount;
use sp_staking::{
	offence::{Kind, Offence, OffenceError, ReportOffence},
	SessionIndex,
};

type AuthorityId<T> = <T as pallet_aura::Config>::AuthorityId;
type Seal<T> = <AuthorityId<T> as RuntimeAppPublic>::Signature;

/// Most bytes of a header in a report. Reports are free, so they must not fill blocks; but no
/// header that the chain accepts may be longer, or its author could not be reported.
pub(crate) const MAX_HEADER: u32 = 16 << 10;

/// Most bytes that a block adds to the header that its author begins with, among so many
/// validators: changes of the authorities of Aura and of GRANDPA, the disabling of a third, and the
/// seal.
pub(crate) const fn most_added(validators: u32) -> u32 {
	/// A key of Aura; a key of GRANDPA, and its weight.
	const CHANGED: u32 = 32 + 32 + 8;
	/// One item for Aura, one for GRANDPA.
	const DISABLED: u32 = 11 + 15;
	/// The seal, and what stands around the lists.
	const FIXED: u32 = 128;
	validators
		.saturating_mul(CHANGED)
		.saturating_add((validators / 3).saturating_mul(DISABLED))
		.saturating_add(FIXED)
}

/// Two headers of one slot with the seals of one author.
pub type AuraEquivocationProof<T> =
	sp_consensus_slots::EquivocationProof<HeaderFor<T>, AuthorityId<T>>;

/// An author made two blocks in one slot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuraEquivocation {
	/// The slot.
	pub slot: Slot,
	/// Session that the slot belongs to.
	pub session: SessionIndex,
	/// How many validators that session has.
	pub validator_count: ValidatorCount,
	/// The author.
	pub offender: AccountId32,
}

impl Offence<AccountId32> for AuraEquivocation {
	const ID: Kind = *b"aura:equivocatio";
	/// Authors of different slots offend together when they do so in one session; who offends in
	/// several slots of it offends once.
	type Slot = SessionIndex;

	fn offenders(&self) -> Vec<AccountId32> {
		vec![self.offender.clone()]
	}

	fn session_index(&self) -> SessionIndex {
		self.session
	}

	fn validator_set_count(&self) -> ValidatorCount {
		self.validator_count
	}

	fn slot(&self) -> SessionIndex {
		self.session
	}

	/// `min(3k / n, 1)²` for `k` offenders among `n` validators, as for GRANDPA and BABE: little
	/// for a lonely mistake, everything when a third collude.
	fn slash_fraction(&self, offenders: u32) -> Perbill {
		Perbill::from_rational(offenders.saturating_mul(3), self.validator_count).square()
	}
}

/// The slot that a header states.
fn slot_of<T: Config>(header: &HeaderFor<T>) -> Option<Slot> {
	header
		.digest()
		.logs()
		.iter()
		.find_map(<DigestItem as CompatibleDigestItem<Seal<T>>>::as_aura_pre_digest)
}

/// What an author has signed: the hash of a header without the last item of its digest, when that
/// is the author's signature of it.
fn sealed_hash<T: Config>(mut header: HeaderFor<T>, author: &AuthorityId<T>) -> Option<T::Hash> {
	let seal: Seal<T> = header.digest_mut().pop()?.as_aura_seal()?;
	let hash = header.hash();
	author.verify(&hash, &seal).then_some(hash)
}

impl<T: Config> Pallet<T> {
	/// Checks a proof and finds out who is to blame.
	///
	/// # Errors
	/// [`Error::InvalidEquivocationProof`] and [`Error::UnknownAuthor`].
	pub(crate) fn check_report(
		proof: &AuraEquivocationProof<T>,
	) -> Result<AuraEquivocation, Error<T>> {
		let headers = [&proof.first_header, &proof.second_header];
		let fits = |header: &HeaderFor<T>| {
			u32::try_from(header.encoded_size()).is_ok_and(|size| size <= MAX_HEADER)
		};
		let valid =
			headers.iter().all(|header| fits(header) && slot_of::<T>(header) == Some(proof.slot));
		if !valid {
			return Err(Error::InvalidEquivocationProof);
		}
		// A second seal of the same block is no second block.
		match headers.map(|header| sealed_hash::<T>(header.clone(), &proof.offender)) {
			[Some(first), Some(second)] if first != second => {},
			_ => return Err(Error::InvalidEquivocationProof),
		}
		let session = Self::session_of(proof.slot).ok_or(Error::UnknownAuthor)?;
		// On a fork that had not begun the session yet, the authors were those of the one before.
		[Some(session), session.checked_sub(1)]
			.into_iter()
			.flatten()
			.find_map(|session| {
				let key_type = <AuthorityId<T> as RuntimeAppPublic>::ID;
				let (offender, validator_count) =
					Self::key_owner_in(session, key_type, &proof.offender.to_raw_vec())?;
				Some(AuraEquivocation { slot: proof.slot, session, validator_count, offender })
			})
			.ok_or(Error::UnknownAuthor)
	}

	/// Has the offender of a valid proof punished.
	pub(crate) fn do_report(proof: &AuraEquivocationProof<T>) -> Result<(), DispatchError> {
		let offence = Self::check_report(proof)?;
		T::ReportOffence::report_offence(Vec::new(), offence).map_err(|error| match error {
			OffenceError::DuplicateReport => Error::<T>::DuplicateReport.into(),
			OffenceError::Other(_) => DispatchError::Other("the offence was not accepted"),
		})
	}

	/// Lets a report without a signature through, when it holds and comes from this node or stands
	/// in a block: only authors of blocks bring them in, so that they can be free.
	pub(crate) fn authorize_report(
		source: TransactionSource,
		proof: &AuraEquivocationProof<T>,
	) -> TransactionValidityWithRefund {
		if !matches!(source, TransactionSource::Local | TransactionSource::InBlock) {
			return Err(InvalidTransaction::Call.into());
		}
		let offence = Self::check_report(proof).map_err(|_| InvalidTransaction::BadProof)?;
		if T::ReportOffence::is_known_offence(&[offence.offender], &offence.session) {
			return Err(InvalidTransaction::Stale.into());
		}
		let validity = ValidTransaction::with_tag_prefix("AuraEquivocation")
			.priority(TransactionPriority::MAX)
			.and_provides((&proof.offender, offence.session))
			// Long enough for this node's turn to come.
			.longevity(Self::session_length().saturated_into())
			.propagate(false)
			.build()?;
		Ok((validity, Weight::zero()))
	}

	/// Puts a report into this node's transaction pool, from outside the chain's execution; `None`
	/// when the pool refuses it.
	pub fn submit_report(proof: AuraEquivocationProof<T>) -> Option<()>
	where
		T: CreateAuthorizedTransaction<Call<T>>,
	{
		let call = Call::report_aura_equivocation { proof: Box::new(proof) };
		let transaction = T::create_authorized_transaction(call.into());
		SubmitTransaction::<T, Call<T>>::submit_transaction(transaction).ok()
	}
}
