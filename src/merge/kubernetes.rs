//! The Kubernetes version of the nodes, where a person or Renovate has set another one in the tree.

use super::version::is_newer;
use crate::tree::RepoPath;
use crate::world::lock::{Lock, Sha256, lf};
use crate::world::{Choices, Existing};

/// Where talhelper reads the version that nodes are configured for.
const FILE: &str = "talos/talenv.yaml";

/// Returns the Kubernetes version that stands in the tree after the merge, when that is not the configured one. Then the
/// machine configuration must suit it.
pub fn kept_kubernetes(
    existing: &Existing,
    lock: &Lock,
    choices: &Choices,
    configured: &str,
) -> Option<String> {
    let path = RepoPath::parse(FILE).ok()?;
    let bytes = existing.bytes(&path)?;
    let entry = lock.entries.get(&path).map(|entry| entry.hash);
    if choices.overwrite.contains(&path) || entry == Some(Sha256::of_text(bytes)) {
        return None;
    }
    let text = String::from_utf8(lf(bytes).into_owned()).ok()?;
    let documents = yaml::parse(&text).ok()?;
    let found = documents.first()?.str_at(&["kubernetesVersion"])?;
    let found = found.strip_prefix('v').unwrap_or(found);
    let stays = is_newer(found, configured) || (choices.keep.contains(&path) && found != configured);
    stays.then(|| found.to_owned())
}
