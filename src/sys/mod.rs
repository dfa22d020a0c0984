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
pub mod stack;

use zeroize::Zeroizing;

/// Source of randomness and time for `seal`.
pub trait Entropy {
    /// Fills `bytes` with randomness fit for keys.
    fn fill(&mut self, bytes: &mut [u8]);

    /// Returns the time as RFC 3339 in UTC with whole seconds, such as `2026-11-20T22:08:58Z`.
    fn now(&mut self) -> String;
}

/// The operating system's randomness and clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the system has a source of randomness");
    }

    fn now(&mut self) -> String {
        let now = jiff::Timestamp::now();
        jiff::Timestamp::from_second(now.as_second()).map_or_else(|_| now.to_string(), |t| t.to_string())
    }
}

/// Repeatable stand-in for tests: a counter hashed into bytes, and a fixed time.
#[derive(Debug, Clone)]
pub struct FixedEntropy {
    seed: u64,
    counter: u64,
    /// What [`Entropy::now`] returns.
    pub time: String,
}

impl FixedEntropy {
    /// Starts a sequence; the same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            counter: 0,
            time: "2026-01-02T03:04:05Z".to_owned(),
        }
    }
}

impl Entropy for FixedEntropy {
    fn fill(&mut self, bytes: &mut [u8]) {
        use sha2::Digest as _;
        for chunk in bytes.chunks_mut(32) {
            let block = sha2::Sha256::digest([self.seed.to_le_bytes(), self.counter.to_le_bytes()].concat());
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.counter += 1;
        }
    }

    fn now(&mut self) -> String {
        self.time.clone()
    }
}

/// A text that must not be shown: wiped when dropped, and silent in `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(Zeroizing<String>);

impl SecretText {
    /// Takes a secret over.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// Hands the secret out. Callers **must not** print or store it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretText(…)")
    }
}
