//! What a line of the lock, a template or a journal may claim, whoever wrote it: a stranger's repository has all three.

use crate::tree::{APPS_ROOT, RAW_ORIGIN, REPO_ORIGIN, RepoPath};
use crate::world::lock::{LOCK_FILE, LockEntry, one_word};
use crate::world::side;

/// Files at the top that a person keeps, beside the private ones.
const CONFIGURATION: [&str; 3] = ["cluster.yaml", "nodes.yaml", side::RAW_SETTINGS];

/// Returns why a file is only the user's or another tool's to write, whatever the tree, the lock or a journal says.
/// Names are compared without case, for there are file systems that know none.
pub(crate) fn never_ours(path: &RepoPath) -> Option<&'static str> {
    let text = path.as_str().to_ascii_lowercase();
    let name = path.file_name().to_ascii_lowercase();
    let below = |dir: &str| text.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'));
    let own = |name: &str| text == name || below(name);
    if text == LOCK_FILE
        || own(".clusterwright/txn")
        || own(".clusterwright/undo")
        || own(".clusterwright/base")
        || own(".clusterwright/run.lock")
    {
        Some("clusterwright keeps its own records there")
    } else if below("talos/clusterconfig") && name != ".gitignore" {
        Some("talhelper writes the machine configurations there")
    } else if name.starts_with("talsecret")
        || matches!(name.as_str(), "kubeconfig" | "talosconfig" | side::AGE_KEY)
    {
        Some("it holds machine secrets that exist only once")
    } else if CONFIGURATION.contains(&text.as_str())
        || side::PRIVATE.contains(&text.as_str())
        || text == side::DEPLOY_KEY_PUBLIC
    {
        Some("it is a file that you keep yourself")
    } else if own("templates") {
        Some("your own templates lie there")
    } else {
        None
    }
}

/// Returns why a line of the lock counts for nothing, for a path that is not rendered now. Apps that the library had once
/// and templates of one's own that are gone still count: a render lies where its origin puts it.
pub(crate) fn doubt(path: &RepoPath, entry: &LockEntry) -> Option<&'static str> {
    never_ours(path)
        .or_else(|| kept_at_the_top(path).then_some("it is a file that people keep themselves"))
        .or_else(|| {
            (!could_come_from(path, &entry.origin))
                .then_some("nothing of that origin is ever rendered to there")
        })
}

/// Files at the top that a template may render, and that stay when it no longer does: losing one does harm beyond the tree.
fn kept_at_the_top(path: &RepoPath) -> bool {
    let text = path.as_str().to_ascii_lowercase();
    let first = text.split('/').next().unwrap_or_default();
    first.starts_with(".git")
        || text == ".sops.yaml"
        || (!text.contains('/') && ["readme", "license"].iter().any(|kept| text.starts_with(kept)))
}

/// Whether a render of this origin could lie at the path: those of an app and of a namespace lie below its folder, the
/// repository's and those of raw mode anywhere.
fn could_come_from(path: &RepoPath, origin: &str) -> bool {
    if origin == REPO_ORIGIN || origin == RAW_ORIGIN {
        return true;
    }
    let Some((namespace, name)) = origin.split_once('/') else {
        return false;
    };
    let rest = path.as_str().strip_prefix(APPS_ROOT);
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    let mut parts = rest.split('/');
    let (Some(first), Some(second)) = (parts.next(), parts.next()) else {
        return false;
    };
    match parts.next() {
        None => one_word(first) == namespace && name == "namespace",
        Some(_) => one_word(first) == namespace && one_word(second) == name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::lock::Sha256;

    fn doubted(path: &str, origin: &str) -> bool {
        let entry = LockEntry {
            hash: Sha256::of(b""),
            origin: origin.to_owned(),
            fingerprint: None,
        };
        doubt(&RepoPath::parse(path).expect("a path"), &entry).is_some()
    }

    #[test]
    fn what_people_keep_is_never_deleted_by_a_line_of_the_lock() {
        for path in [
            "cluster.yaml",
            "Cluster.yaml",
            "nodes.yaml",
            "makejinja.toml",
            "age.key",
            "sub/age.key",
            "github-push-token.txt",
            "github-deploy.key",
            "github-deploy.key.pub",
            "cloudflare-tunnel.json",
            "templates/apps/media/x/app.yaml",
            "templates/config/x.j2",
            ".gitignore",
            ".gitattributes",
            ".gitmodules",
            ".github/workflows/x.yaml",
            ".sops.yaml",
            "README.md",
            "LICENSE",
            "talos/talsecret.sops.yaml",
            "talos/clusterconfig/node.yaml",
            "kubeconfig",
            "clusterwright.lock",
            ".clusterwright/undo/record",
            ".clusterwright/base/x",
        ] {
            for origin in ["repo", "raw", "media/jellyfin"] {
                assert!(doubted(path, origin), "{path} of {origin}");
            }
        }
    }

    #[test]
    fn a_line_counts_where_its_origin_could_have_put_it() {
        for (path, origin) in [
            (
                "kubernetes/apps/media/jellyfin/app/helmrelease.yaml",
                "media/jellyfin",
            ),
            ("kubernetes/apps/media/my app/ks.yaml", "media/my-app"),
            ("kubernetes/apps/media/kustomization.yaml", "media/namespace"),
            ("kubernetes/apps/kustomization.yaml", "repo"),
            ("infrastructure/own/from-an-own-template.yaml", "repo"),
            ("unifi/bgp.conf", "repo"),
            (".clusterwright/.gitignore", "repo"),
            ("any/where.yaml", "raw"),
            ("kubernetes/apps/media/README.md", "media/namespace"),
        ] {
            assert!(!doubted(path, origin), "{path} of {origin}");
        }
        for (path, origin) in [
            ("src/main.rs", "media/jellyfin"),
            ("kubernetes/apps/media/other/ks.yaml", "media/jellyfin"),
            ("kubernetes/apps/media/jellyfin", "media/jellyfin"),
            ("kubernetes/apps/kustomization.yaml", "media/namespace"),
            ("kubernetes/apps/media/x/y.yaml", "media/namespace"),
            ("kubernetes/flux/cluster/ks.yaml", "somebody"),
            ("kubernetes/apps/a/b/c.yaml", "a/b/c"),
        ] {
            assert!(doubted(path, origin), "{path} of {origin}");
        }
    }
}
