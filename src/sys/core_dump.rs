//! Core dumps, which would put plaintext on a disk.

/// Turns them off for this process and those that it starts. Where the system refuses or knows none, nothing happens.
pub fn forbid() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
}
