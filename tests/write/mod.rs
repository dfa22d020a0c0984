//! The diff and write stages on real directories: every state, every fault, real kills.

mod adopt;
mod disks;
mod faults;
mod kill;
mod places;
mod properties;
mod strangers;
mod undo;
mod world;
