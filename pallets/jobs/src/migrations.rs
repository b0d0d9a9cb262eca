// SPDX-License-Identifier: Apache-2.0

//! Changes of this pallet's storage layout; the pods pallet's say how these work.

pub mod v1;
