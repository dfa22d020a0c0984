//! Where a command should have been run.

use std::path::Path;

use crate::sys::root::Root;
use crate::vcs::top;

/// Returns the way from a directory up to the next one above it that holds one of these files, as it can be typed; `None`
/// where there is none in the same git repository.
pub fn above(dir: &Path, names: &[&str]) -> Option<String> {
    let full = dir.canonicalize().ok()?;
    let top = top(&full)?;
    let above = full.ancestors().enumerate().skip(1);
    let mut inside = above.take_while(|(_, at)| at.starts_with(top));
    let holds = |at: &Path| names.iter().any(|name| Root::new(at).is_taken(name));
    let (steps, _) = inside.find(|(_, at)| holds(at))?;
    let up = vec![".."; steps].join("/");
    Some(match dir.to_str()? {
        "" | "." => up,
        dir => format!("{}/{up}", dir.trim_end_matches('/')),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_above_is_found_as_far_as_the_repository_goes() {
        let dir = tempfile::tempdir().expect("a directory");
        let root = dir.path().canonicalize().expect("there");
        let deep = root.join("repo/kubernetes/apps");
        std::fs::create_dir_all(&deep).expect("made");
        std::fs::write(root.join("age.key"), "").expect("written");
        assert_eq!(above(&deep, &["age.key"]), None, "no git");
        std::fs::create_dir(root.join("repo/.git")).expect("made");
        assert_eq!(above(&deep, &["age.key"]), None, "beyond the repository");
        std::fs::write(root.join("repo/.sops.yaml"), "").expect("written");
        let found = above(&deep, &["age.key", ".sops.yaml"]).expect("found");
        assert_eq!(found, format!("{}/../..", deep.display()));
        assert_eq!(above(&root.join("repo"), &[".sops.yaml"]), None, "it is here");
    }
}
