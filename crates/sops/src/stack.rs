//! What calls leave on the stack.

/// How far is wiped, in bytes: further down than any work with keys and plaintext here goes.
const DEPTH: usize = 256 << 10;

/// Overwrites the stack below the caller, where the calls before this one left copies of what they worked on.
#[inline(never)]
#[allow(clippy::large_stack_arrays, reason = "it is the stack that is wiped")]
pub fn wipe() {
    let mut block = [0_u8; DEPTH];
    std::hint::black_box(&mut block);
}
