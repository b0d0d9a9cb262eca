// SPDX-License-Identifier: Apache-2.0

//! The market of the composed chain, attacked: random coalitions against honest parties, every
//! known attack with its price, and ten thousand jobs that end at once; and what its calls cost.

#![allow(missing_docs)]

mod attacks;
#[path = "../../examples/fees/calls.rs"]
mod calls;
mod chain;
mod coalitions;
mod deadlines;
mod fees;
mod migrations;
#[path = "../../examples/fees/page.rs"]
mod page;
mod scenario;
