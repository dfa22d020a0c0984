//! The `clusterwright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    clusterwright::cli::run()
}
