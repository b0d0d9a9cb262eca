// SPDX-License-Identifier: Apache-2.0

//! The market of the composed chain, attacked: random coalitions against honest parties, every
//! known attack with its price, and ten thousand jobs that end at once.

#![allow(missing_docs)]

mod attacks;
mod chain;
mod coalitions;
mod deadlines;
mod migrations;
mod scenario;
