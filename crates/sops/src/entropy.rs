//! Randomness and time as inputs, so that the same inputs give the same files.

/// Source of randomness and time.
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
