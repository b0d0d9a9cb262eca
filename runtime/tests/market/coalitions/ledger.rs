// SPDX-License-Identifier: Apache-2.0

//! What has happened, by the events alone, and what everybody must therefore own.
//!
//! Let H be the honest accounts, C all others that play, and A the author of the blocks. After
//! every call:
//!
//! 1. **Conservation.** Every account owns what it had, plus and minus what the events say of it;
//!    the issuance is what it was, less what was burned.
//! 2. **No job pays more than it was given.** What a job has paid out and burned, and what it still
//!    holds, is what client and pods put into it.
//! 3. **An honest client** owns at least what it had, less the prices of its settled jobs, its
//!    fees, and the fees of its lapses, which are at most `max_lapses` for each job and never due
//!    where an honest pod had the job. It has no other costs: whatever else takes from a client's
//!    holds is an error.
//! 4. **An honest pod** owns at least what it had, plus what it earned, less its fees and one lapse
//!    fee for each lock that it gave back, or that lapsed, because the client did not deliver. It
//!    is never slashed.
//! 5. **The coalition of all others** owns at most what it had, plus what honest clients paid it
//!    for settled jobs (net of the market's fee), less its own fees, what it paid honest pods, what
//!    it compensated honest clients with, and what was burned of its own. Nothing else flows from H
//!    to C: an honest pod is never slashed, and nobody honest gives presents. The others' money is
//!    equal to that bound but for dust, which is burned. In particular no coalition gains from
//!    honest parties but by proofs: C ≤ start + prices that H paid for settled jobs − fees.
//!
//! A settled job's proof was made by the pod that was paid: the game tells the ledger whom it
//! made proofs for.

use crate::chain::{now, Signer};
use pallet_jobs::Event as Job;
use proofpod_primitives::{
	job::{Reason, Stage},
	Balance, JobId, Tick,
};
use proofpod_runtime::{
	units::{MILLI_POD, POD},
	AccountId, Balances, Runtime, RuntimeEvent, System,
};
use std::collections::{BTreeMap, BTreeSet};

/// A live job's books.
#[derive(Debug)]
struct Book {
	client: AccountId,
	/// What is held from the client: payment and deposit.
	held: Balance,
	/// Who has the job, with what is held from that pod.
	bond: Option<(AccountId, Balance)>,
	stage: Stage,
	/// The last ticks for the acknowledgement and for the result of who has it.
	deadlines: (Tick, Tick),
	max_price: Balance,
	lapses: u8,
	/// All that anybody put in.
	put_in: Balance,
	/// All that anybody got out.
	paid_out: Balance,
	burned: Balance,
}

impl Book {
	fn lapse_fee(&self) -> Balance {
		self.max_price.div_ceil(100).max(10 * MILLI_POD)
	}

	/// What it costs to give the job up now: from a fifth of the bond to all of it.
	fn discard_slash(&self, bond: Balance) -> Balance {
		let (from, to) = self.deadlines;
		let (kept, window) = (Tick(now()).since(from), to.since(from));
		let least = bond.div_ceil(5);
		least + (bond - least) * Balance::from(kept) / Balance::from(window)
	}

	fn balances(&self) -> bool {
		let bond = self.bond.as_ref().map_or(0, |(_, bond)| *bond);
		self.put_in == self.paid_out + self.burned + self.held + bond
	}
}

/// What honest parties and the others have done to one another.
#[derive(Debug, Default)]
pub(crate) struct Flows {
	/// What honest clients paid the others for settled jobs, net of the market's fee.
	pub(crate) paid_by_honest: Balance,
	/// What the others paid honest pods.
	pub(crate) paid_to_honest: Balance,
	/// What the others compensated honest clients with.
	pub(crate) compensated: Balance,
	/// What was burned of the others' money.
	pub(crate) burned: Balance,
	/// What the others gave away.
	pub(crate) presents: Balance,
	/// What the others paid for transactions.
	pub(crate) fees: Balance,
}

/// The books.
pub(crate) struct Ledger {
	honest: BTreeSet<AccountId>,
	author: AccountId,
	start: BTreeMap<AccountId, Balance>,
	issuance: Balance,
	moved: BTreeMap<AccountId, i128>,
	burned: Balance,
	live: BTreeMap<JobId, Book>,
	/// Who made a valid proof of which job.
	pub(crate) proved: BTreeSet<(JobId, AccountId)>,
	/// Locks of honest pods whose client did not deliver.
	pub(crate) silent: BTreeSet<(JobId, AccountId)>,
	/// What an honest account may have lost, and has earned.
	costs: BTreeMap<AccountId, Balance>,
	earned: BTreeMap<AccountId, Balance>,
	pub(crate) flows: Flows,
	/// What went into jobs, came out of them, and was burned of it.
	pub(crate) put_in: Balance,
	pub(crate) paid_out: Balance,
	pub(crate) burned_of_jobs: Balance,
	/// How often what happened.
	pub(crate) seen: BTreeMap<String, u32>,
}

impl Ledger {
	/// Opens the books on all that there is.
	pub(crate) fn new(honest: BTreeSet<AccountId>) -> Self {
		let start = frame_system::Account::<Runtime>::iter_keys()
			.map(|who| (who.clone(), total(&who)))
			.collect();
		Self {
			honest,
			author: Signer::alice().account,
			start,
			issuance: Balances::total_issuance(),
			moved: BTreeMap::new(),
			burned: 0,
			live: BTreeMap::new(),
			proved: BTreeSet::new(),
			silent: BTreeSet::new(),
			costs: BTreeMap::new(),
			earned: BTreeMap::new(),
			flows: Flows::default(),
			put_in: 0,
			paid_out: 0,
			burned_of_jobs: 0,
			seen: BTreeMap::new(),
		}
	}

	pub(crate) fn count(&mut self, what: impl Into<String>) {
		*self.seen.entry(what.into()).or_default() += 1;
	}

	fn is_honest(&self, who: &AccountId) -> bool {
		self.honest.contains(who)
	}

	/// Whether an account plays for the coalition.
	fn is_other(&self, who: &AccountId) -> bool {
		*who != self.author && !self.honest.contains(who)
	}

	fn gain(&mut self, who: &AccountId, amount: Balance) {
		*self.moved.entry(who.clone()).or_default() += amount as i128;
	}

	fn lose(&mut self, who: &AccountId, amount: Balance) {
		*self.moved.entry(who.clone()).or_default() -= amount as i128;
	}

	/// Money of this account is burned.
	fn burn(&mut self, who: &AccountId, amount: Balance) {
		self.lose(who, amount);
		self.burned += amount;
		if self.is_other(who) {
			self.flows.burned += amount;
		}
	}

	/// An honest account loses what it knew that it might.
	fn cost(&mut self, who: &AccountId, amount: Balance) {
		*self.costs.entry(who.clone()).or_default() += amount;
	}

	/// Enters what has happened.
	pub(crate) fn enter(&mut self, events: Vec<RuntimeEvent>) {
		for event in events {
			match event {
				RuntimeEvent::Jobs(event) => self.enter_job(event),
				RuntimeEvent::TransactionPayment(
					pallet_transaction_payment::Event::TransactionFeePaid {
						who, actual_fee, ..
					},
				) => {
					self.lose(&who, actual_fee);
					let author = self.author.clone();
					self.gain(&author, actual_fee);
					self.cost(&who, actual_fee);
					if self.is_other(&who) {
						self.flows.fees += actual_fee;
					}
				},
				RuntimeEvent::Balances(pallet_balances::Event::Transfer { from, to, amount }) => {
					assert!(!self.is_honest(&from), "nobody honest gives presents");
					self.lose(&from, amount);
					self.gain(&to, amount);
					if self.is_other(&from) && !self.is_other(&to) {
						self.flows.presents += amount;
					}
				},
				RuntimeEvent::Balances(pallet_balances::Event::DustLost { account, amount }) => {
					self.burn(&account, amount);
					self.count("dust");
				},
				RuntimeEvent::Clock(pallet_clock::Event::Held { reason }) => {
					self.count(format!("held: {reason:?}"));
				},
				RuntimeEvent::Pods(pallet_pods::Event::PodSuspended { reason, .. }) => {
					self.count(format!("suspended: {reason:?}"));
				},
				_ => (),
			}
		}
	}

	fn book(&mut self, job: JobId) -> &mut Book {
		self.live.get_mut(&job).expect("the job is live")
	}

	/// A job goes from one stage to another.
	fn go(&mut self, job: JobId, from: Stage, to: Stage) {
		let book = self.book(job);
		assert_eq!(book.stage, from, "{job:?} is not where the event says");
		book.stage = to;
	}

	fn enter_job(&mut self, event: Job<Runtime>) {
		match event {
			Job::Opened { job, client, to, max_price, deposit, .. } => {
				let put_in = max_price + deposit;
				self.put_in += put_in;
				let book = Book {
					client,
					held: put_in,
					bond: None,
					stage: to,
					deadlines: Default::default(),
					max_price,
					lapses: 0,
					put_in,
					paid_out: 0,
					burned: 0,
				};
				assert!(self.live.insert(job, book).is_none());
			},
			Job::Locked { job, pod, from, to, bond, price, acknowledge_by, prove_by, .. } => {
				self.go(job, from, to);
				self.put_in += bond;
				let book = self.book(job);
				assert_eq!(bond, book.max_price.max(POD), "the bond is the highest price");
				assert!(price <= book.max_price);
				assert!(book.bond.replace((pod, bond)).is_none());
				book.deadlines = (acknowledge_by, prove_by);
				book.put_in += bond;
			},
			Job::Acknowledged { job, from, to, .. } => self.go(job, from, to),
			Job::Settled { job, pod, client, from, to, price, fee, refunded, .. } => {
				self.count("settled");
				self.go(job, from, to);
				assert!(self.proved.remove(&(job, pod.clone())), "nobody proved {job:?}");
				assert_eq!(fee, price / 100, "the market's fee is a hundredth");
				let paid = price - fee;
				self.lose(&client, paid);
				self.gain(&pod, paid);
				self.burn(&client, fee);
				self.burned_of_jobs += fee;
				match (self.is_honest(&client), self.is_honest(&pod)) {
					(true, false) => {
						self.flows.paid_by_honest += paid;
						self.count("honest clients paid the coalition");
					},
					(false, true) => {
						self.flows.paid_to_honest += paid;
						self.count("the coalition paid honest pods");
					},
					_ => (),
				}
				self.cost(&client, price);
				*self.earned.entry(pod.clone()).or_default() += paid;
				let book = self.book(job);
				book.held -= price;
				book.paid_out += paid;
				book.burned += fee;
				self.paid_out += paid;
				self.give_back(job, &pod, 0);
				self.close(job, refunded);
			},
			Job::Reopened {
				job,
				pod,
				from,
				to,
				reason,
				from_pod,
				from_client,
				compensation,
				burned,
			} => {
				self.count(format!("reopened: {reason:?}"));
				assert_eq!(to, Stage::Open);
				self.go(job, from, to);
				self.undo(job, &pod, reason, [from_pod, from_client, compensation, burned]);
			},
			Job::Ended {
				job,
				from,
				to,
				reason,
				pod,
				from_pod,
				from_client,
				compensation,
				burned,
				refunded,
				..
			} => {
				self.count(format!("ended: {to:?}, {reason:?}"));
				self.go(job, from, to);
				match pod {
					Some(pod) => {
						let amounts = [from_pod, from_client, compensation, burned];
						self.undo(job, &pod, reason, amounts);
					},
					None => assert_eq!([from_pod, from_client, compensation, burned], [0; 4]),
				}
				self.close(job, refunded);
			},
			Job::Deferred { .. } => panic!("nothing may fail: {event:?}"),
		}
	}

	/// A claim came to nothing.
	fn undo(
		&mut self,
		job: JobId,
		pod: &AccountId,
		reason: Reason,
		[from_pod, from_client, compensation, burned]: [Balance; 4],
	) {
		assert_eq!(from_pod + from_client, compensation + burned);
		let silent = self.silent.remove(&(job, pod.clone()));
		let book = self.book(job);
		let (client, fee) = (book.client.clone(), book.lapse_fee());
		let bond = book.max_price.max(POD);
		match reason {
			Reason::Lapsed => {
				book.lapses += 1;
				assert!(book.lapses <= 4, "a client pays for four lapses at most");
				assert_eq!([from_pod, from_client, compensation], [fee, fee, 0]);
			},
			Reason::Released => assert_eq!([from_pod, from_client, compensation], [fee, 0, 0]),
			Reason::Discarded => {
				let slash = book.discard_slash(bond);
				assert_eq!([from_pod, from_client, compensation], [slash, 0, slash / 2]);
			},
			Reason::Missed => {
				assert_eq!([from_pod, from_client, compensation], [bond, 0, bond / 2])
			},
			Reason::Withdrawn | Reason::NotTaken => panic!("{reason:?} undoes no claim"),
		}
		book.held -= from_client;
		book.paid_out += compensation;
		book.burned += burned;
		self.paid_out += compensation;
		self.burned_of_jobs += burned;

		self.burn(&client, from_client);
		self.burn(pod, from_pod - compensation);
		self.lose(pod, compensation);
		self.gain(&client, compensation);
		self.cost(&client, from_client);
		if self.is_honest(pod) {
			assert!(silent, "an honest pod lost by {reason:?} where the client had delivered");
			assert!(!self.is_honest(&client), "an honest client did not deliver");
			self.cost(pod, from_pod);
		}
		if self.is_honest(&client) && self.is_other(pod) {
			self.flows.compensated += compensation;
		}
		self.give_back(job, pod, from_pod);
	}

	/// A pod gets its bond back, less what was taken from it.
	fn give_back(&mut self, job: JobId, pod: &AccountId, taken: Balance) {
		let book = self.book(job);
		let (holder, bond) = book.bond.take().expect("a pod has the job");
		assert_eq!(holder, *pod, "another pod had {job:?}");
		book.paid_out += bond - taken;
		self.paid_out += bond - taken;
	}

	/// A job ends, and so much is released to its client.
	fn close(&mut self, job: JobId, refunded: Balance) {
		let mut book = self.live.remove(&job).expect("the job is live");
		assert_eq!(book.held, refunded, "what is refunded of {job:?} is not what was held");
		book.held = 0;
		book.paid_out += refunded;
		self.paid_out += refunded;
		assert!(book.bond.is_none() && book.balances(), "{job:?}: {book:?}");
	}

	/// Number of live jobs.
	pub(crate) fn live(&self) -> usize {
		self.live.len()
	}

	/// Compares the books with the chain.
	pub(crate) fn check(&self) -> Result<(), String> {
		let fail = |what: String| -> Result<(), String> { Err(what) };
		if Balances::total_issuance() != self.issuance - self.burned {
			fail(format!("issuance is not what was, less {} burned", self.burned))?;
		}
		if pallet_jobs::Jobs::<Runtime>::iter_keys().count() != self.live.len() {
			fail("live jobs are not those that were opened and have not ended".into())?;
		}
		if let Some((job, book)) = self.live.iter().find(|(_, book)| !book.balances()) {
			fail(format!("{job:?} has paid more or less than was put in: {book:?}"))?;
		}
		if self.paid_out > self.put_in {
			fail(format!("{} were paid out of {}", self.paid_out, self.put_in))?;
		}
		let mut accounts: BTreeSet<AccountId> =
			frame_system::Account::<Runtime>::iter_keys().collect();
		accounts.extend(self.start.keys().cloned());
		let (mut sum, mut others, mut others_at_start) = (0, 0, 0);
		for who in &accounts {
			let (owns, started) = (total(who), self.start.get(who).copied().unwrap_or_default());
			let moved = self.moved.get(who).copied().unwrap_or_default();
			if owns as i128 != started as i128 + moved {
				fail(format!("{who} owns {owns}, not {started} and {moved}"))?;
			}
			let held: Balance =
				pallet_balances::Holds::<Runtime>::get(who).iter().map(|hold| hold.amount).sum();
			if System::account(who).data.reserved != held {
				fail(format!("what is reserved of {who} is not what is held"))?;
			}
			sum += owns;
			if self.is_honest(who) {
				let earned = self.earned.get(who).copied().unwrap_or_default();
				let costs = self.costs.get(who).copied().unwrap_or_default();
				if owns + costs < started + earned {
					fail(format!("{who} is honest and owns {owns}: {started} and {earned} earned, {costs} of cost"))?;
				}
			} else if self.is_other(who) {
				others += owns;
				others_at_start += started;
			}
		}
		if sum != Balances::total_issuance() {
			fail(format!("everybody together owns {sum}, not the issuance"))?;
		}
		let Flows { paid_by_honest, paid_to_honest, compensated, burned, presents, fees } =
			self.flows;
		let got = others_at_start + paid_by_honest;
		let spent = paid_to_honest + compensated + burned + presents + fees;
		if others + spent > got {
			fail(format!("the coalition owns {others}, got {got} and spent {spent}"))?;
		}
		Ok(())
	}
}

fn total(who: &AccountId) -> Balance {
	use frame_support::traits::fungible::Inspect;
	Balances::total_balance(who)
}
