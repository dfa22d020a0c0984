//! The outside world as inputs: randomness, time and the disk. Stages receive these; only `cli` picks the real ones.
//!
//! # Plaintext in memory
//!
//! - The program wipes every block of the heap when it is given back (`src/main.rs`), whichever crate it belonged to.
//! - [`SecretText`] and `Zeroizing` say so in the types as well, and hold in every program that uses the library.
//! - [`core_dump`] keeps memory off the disk and away from other processes.
//!
//! - [`stack::wipe`] overwrites the stack after a private key was used, and when a command is done.
//!
//! Not covered: what lies on the stack in between, what registers leave there, and memory that the system swaps out.
//! `tests/conformance/memory.sh` measures it, with the real program.

pub mod core_dump;
pub mod disk;
pub mod dotgit;
pub mod editor;
#[cfg(unix)]
pub mod guard;
pub mod named;
pub mod replace;
pub mod root;
pub mod scratch;

pub use sops::{Entropy, FixedEntropy, OsEntropy, SecretText, stack};
