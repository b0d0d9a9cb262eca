// SPDX-License-Identifier: Apache-2.0

mod calls;
mod chain;
mod genesis;
mod limits;
mod proxies;
