//! Who opens files. What lies below the root of a repository is opened by `sys::root` alone; whoever opens anything else
//! stands here, with the reason.

use super::{code, sources};

/// Ways of opening, listing, asking about and changing files that go by a plain path, and follow links.
const WAYS: [&str; 16] = [
    "fs::",
    "File::open",
    "File::create",
    "OpenOptions",
    ".exists()",
    ".try_exists()",
    ".is_file()",
    ".is_dir()",
    ".is_symlink()",
    ".metadata()",
    ".symlink_metadata()",
    ".read_dir()",
    ".read_link()",
    ".canonicalize()",
    "tempfile_in(",
    "gix::open(",
];

/// The modules that do it, and why they may.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("src/sys/root/", "it is the way"),
    ("src/sys/named.rs", "paths that a person named"),
    (
        "src/sys/replace.rs",
        "paths that a person named, and git's configuration",
    ),
    ("src/sys/scratch.rs", "the directory of `$EDITOR`, which we make"),
    (
        "src/testing.rs",
        "this repository's own generated files, in tests",
    ),
    ("src/vcs/mod.rs", "where git's repository is"),
    (
        "src/vcs/own_files.rs",
        "git's own files, which git's library opens next",
    ),
    (
        "src/secrets/listing.rs",
        "paths on the command line: are they files or directories",
    ),
    (
        "src/secrets/rules.rs",
        "the real path of a file on the command line, for `path_regex`",
    ),
    (
        "src/world/above.rs",
        "the directories above the one that a command runs in",
    ),
    ("src/raw/place.rs", "paths outside that the command line allows"),
    (
        "src/cli/demo.rs",
        "the directory on the command line, which it makes",
    ),
    (
        "src/cli/doctor.rs",
        "the mode of a key, which may be a link where git ignores it",
    ),
    ("src/cli/secrets/edit.rs", "the file on the command line"),
    ("src/cli/secrets/diff.rs", "the file on the command line"),
];

/// Returns the first way that a line goes.
fn way(line: &str) -> Option<&'static str> {
    WAYS.into_iter().find(|way| {
        line.match_indices(way).any(|(at, _)| {
            // `sys::root::limits::` and the like are no `fs::`.
            let before = line[..at].chars().next_back();
            way.starts_with('.') || before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
        })
    })
}

#[test]
fn files_of_the_repository_are_opened_below_the_root() {
    let mut used = std::collections::BTreeSet::new();
    let mut found = Vec::new();
    for (path, text) in sources() {
        let path = path.display().to_string().replace('\\', "/");
        if path.ends_with("tests.rs") || path.contains("/tests/") {
            continue;
        }
        for (number, line) in code(&text) {
            // The kinds of `sys::root`'s own entries are asked for in the same words.
            let Some(way) = way(line) else { continue };
            match EXCEPTIONS
                .iter()
                .find(|(exception, _)| path.starts_with(exception))
            {
                Some((exception, _)) => {
                    used.insert(*exception);
                }
                None => found.push(format!("{path}:{}: `{way}`", number + 1)),
            }
        }
    }
    assert_eq!(
        found, [""; 0],
        "open it by `sys::root::Root`, which follows no link; a path that a person named by `sys::named`"
    );
    let listed: std::collections::BTreeSet<&str> =
        EXCEPTIONS.iter().map(|(exception, _)| *exception).collect();
    assert_eq!(used, listed, "an exception that is not needed any more");
}

#[test]
fn every_way_is_seen() {
    for line in [
        "let text = std::fs::read_to_string(path)?;",
        "let file = File::open(&path)?;",
        "if root.join(name).is_file() {",
        "path.symlink_metadata().is_ok()",
    ] {
        assert!(way(line).is_some(), "{line}");
    }
    for line in [
        "root.is_file(name)",
        "use crate::sys::root::limits;",
        "let refs::x = 1;",
        "root.read_text(name, limits::CONFIG)",
    ] {
        assert_eq!(way(line), None, "{line}");
    }
}
