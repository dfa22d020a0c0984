//! One way to name: what a reader meets twice means the same both times.

use std::path::{Path, PathBuf};

use super::sources;

/// Returns the sources that are called as a folder beside them is: modules with parts of their own are `name/mod.rs`.
fn beside_their_folder<'p>(paths: &[&'p Path]) -> Vec<&'p Path> {
    let has_parts = |path: &Path| {
        let folder: PathBuf = path.with_extension("");
        paths.iter().any(|other| other.parent() == Some(&folder))
    };
    paths.iter().copied().filter(|path| has_parts(path)).collect()
}

#[test]
fn a_module_with_parts_lies_in_their_folder() {
    let sources = sources();
    let paths: Vec<&Path> = sources.iter().map(|(path, _)| path.as_path()).collect();
    assert_eq!(
        beside_their_folder(&paths),
        [""; 0].map(Path::new),
        "`name.rs` beside `name/` is `name/mod.rs`"
    );
}

#[test]
fn a_module_beside_its_folder_is_seen() {
    let found = |paths: &[&str]| {
        let paths: Vec<&Path> = paths.iter().map(Path::new).collect();
        beside_their_folder(&paths).len()
    };
    assert_eq!(found(&["src/a.rs", "src/a/b.rs"]), 1);
    assert_eq!(found(&["src/a/mod.rs", "src/a/b.rs", "src/c.rs"]), 0);
}
