//! The stages on real directories: every state, every fault, real kills, and what a run does once.

mod adopt;
mod disks;
mod faults;
mod kill;
mod places;
mod properties;
mod run;
mod strangers;
mod undo;
mod world;
