// SPDX-License-Identifier: Apache-2.0

//! End-to-end tests and the demo: real nodes, workers and command lines, each its own process, on
//! free ports of the loopback interface. Nothing here stands in for a component.

pub mod benchmarks;
pub mod by_hand;
pub mod forgery;
pub mod market;
pub mod network;
pub mod process;
pub mod timing;
