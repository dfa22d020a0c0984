//! The `clusterwright` command.

use std::alloc::System;
use std::process::ExitCode;

use zeroizing_alloc::ZeroAlloc;

/// Wipes every block of memory when it is given back: parsers, mergers and the crates below leave no plaintext behind,
/// however they grow and copy their texts.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> ExitCode {
    clusterwright::cli::run()
}
