//! Core dumps, which would put plaintext on a disk.

/// Turns them off for this process and those that it starts. Where the system refuses or knows none, nothing happens.
///
/// On Linux other processes of the same person cannot look into the memory of this one either.
pub fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        // Linux asks for no limit when dumps are piped to a program, but for this one: with 1 nothing is dumped.
        let least = Some(u64::from(cfg!(target_os = "linux")));
        let none = Rlimit {
            current: least,
            maximum: least,
        };
        let _ = setrlimit(Resource::Core, none);
    }
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
