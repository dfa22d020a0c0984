//! How much is read of a file at most, by what the file is. All in bytes.
//!
//! A repository may be a stranger's: what is read must fit into memory whatever lies there.

/// Everything that one command reads by one root, together. The largest repository that is known, of 10,000 manifests,
/// has some 50 MB; a stranger's could hold thousands of files that are each within their own limit.
pub const TOTAL: u64 = 128 << 20;

/// Configuration that a person writes: `cluster.yaml`, `nodes.yaml`, `.sops.yaml`, `makejinja.toml`, `.gitignore`. Real
/// ones have a few kilobytes; 4 MiB is little enough to quote from.
pub const CONFIG: u64 = 4 << 20;

/// Files that hold a key or a token. A key has some hundred bytes, a file for `secrets` is a Kubernetes Secret, which
/// etcd keeps only up to 1 MiB.
pub const SECRET: u64 = 1 << 20;

/// Templates of the repository's own `templates/`.
pub const TEMPLATE: u64 = 4 << 20;

/// Inputs and data files in raw mode, which a repository may fill with whatever it wants copied.
pub const RAW: u64 = 16 << 20;

/// Manifests. Kubernetes takes no object of more than 3 MiB (etcd no more than 1.5 MiB); a file may hold several.
pub const MANIFEST: u64 = 4 << 20;

/// Files at the paths that we render or rendered: the largest is some hundred kilobytes, those of raw mode are made of
/// inputs.
pub const OUTPUT: u64 = RAW;

/// `clusterwright.lock` and the journals: one line a file, some 200 bytes; enough for 80,000 files.
pub const LOCK: u64 = 16 << 20;
