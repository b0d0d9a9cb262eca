// SPDX-License-Identifier: Apache-2.0

//! Writes the page about fees to the file that is given as the argument, as `make fees` does.

mod calls;
mod page;

use std::{env, fs, process::ExitCode};

fn main() -> ExitCode {
	let mut arguments = env::args_os().skip(1);
	let (Some(path), None) = (arguments.next(), arguments.next()) else {
		eprintln!("expected one argument, the path of the file to write");
		return ExitCode::FAILURE;
	};
	match fs::write(&path, page::page()) {
		Ok(()) => ExitCode::SUCCESS,
		Err(error) => {
			eprintln!("cannot write {}: {error}", path.to_string_lossy());
			ExitCode::FAILURE
		},
	}
}
