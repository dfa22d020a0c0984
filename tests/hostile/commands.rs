//! Every command as it is run in a hostile repository.

/// What a command may change in the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writes {
    /// Nothing at all.
    Nothing,
    /// The tree that is rendered, and our records; nothing that a person keeps.
    Tree,
    /// What it is named for, such as `init` and the commands for one file.
    Named,
}

/// A command line.
#[derive(Debug)]
pub(super) struct Invocation {
    pub(super) args: &'static [&'static str],
    pub(super) writes: Writes,
    /// Whether it may fail in the repository without an attack.
    pub(super) may_fail: bool,
}

const fn looks(args: &'static [&'static str]) -> Invocation {
    Invocation {
        args,
        writes: Writes::Nothing,
        may_fail: false,
    }
}

const fn fails(args: &'static [&'static str]) -> Invocation {
    Invocation {
        args,
        writes: Writes::Nothing,
        may_fail: true,
    }
}

const fn tree(args: &'static [&'static str]) -> Invocation {
    Invocation {
        args,
        writes: Writes::Tree,
        may_fail: true,
    }
}

const fn named(args: &'static [&'static str]) -> Invocation {
    Invocation {
        args,
        writes: Writes::Named,
        may_fail: true,
    }
}

/// All of them; those that write come last, so that a case with every command looks first.
pub(super) const COMMANDS: &[Invocation] = &[
    looks(&["validate"]),
    looks(&["plan"]),
    looks(&["graph"]),
    looks(&["apps"]),
    looks(&["apps", "--resources"]),
    looks(&["render", "--list"]),
    looks(&["render", "kubernetes/apps/default"]),
    looks(&["check"]),
    fails(&["check", "--raw"]),
    looks(&["configure", "--check"]),
    looks(&["configure", "--dry-run", "--output", "json"]),
    fails(&["configure"]),
    fails(&["configure", "--raw"]),
    looks(&["adopt"]),
    fails(&["adopt", "--all"]),
    fails(&["undo", "--dry-run"]),
    fails(&["undo"]),
    fails(&["resolve"]),
    looks(&["diff"]),
    looks(&["diff", "--worktree"]),
    looks(&["schema"]),
    looks(&["explain", "crd-race"]),
    fails(&["doctor"]),
    looks(&["completions", "bash"]),
    looks(&["man"]),
    fails(&["secrets", "status"]),
    fails(&["secrets", "scan"]),
    fails(&["secrets", "scan", "--staged"]),
    looks(&["secrets", "explain", SEALED]),
    looks(&["secrets", "decrypt", SEALED]),
    looks(&["secrets", "diff", SEALED]),
    looks(&["secrets", "textconv", SEALED]),
    looks(&["secrets", "updatekeys", "--check"]),
    fails(&["secrets", "updatekeys"]),
    looks(&["secrets", "encrypt", CLEAR]),
    looks(&["secrets", "rotate", SEALED]),
    looks(&["secrets", "install-git", "--dry-run"]),
    // It is told on standard input what to wipe; here by nobody.
    fails(&["secrets", "wait-for-edit"]),
    named(&["secrets", "encrypt", "-i", CLEAR]),
    named(&["secrets", "set", SEALED, "stringData.more", "text"]),
    named(&["secrets", "unset", SEALED, "stringData.more"]),
    named(&["secrets", "edit", SEALED]),
    named(&["secrets", "merge", SEALED, SEALED, SEALED, "shown"]),
    named(&["secrets", "rotate", "-i", SEALED]),
    named(&["secrets", "updatekeys", "--yes"]),
    named(&["secrets", "install-git"]),
    tree(&["configure", "--yes"]),
    tree(&["resolve", "--take", "template", "--yes"]),
    tree(&["adopt", "--identical", "--yes"]),
    tree(&["undo", "--yes"]),
    tree(&["adopt", "--all", "--yes"]),
    tree(&["configure", "--yes", "--output", "json"]),
    tree(&["configure", "--raw", "--yes"]),
    named(&["init", "--yes"]),
    named(&["new-app", "media/another"]),
    named(&["demo", "sub/demo"]),
];

/// A sealed file that the commands for one file are given. Nothing is put in its place: a path on the command line is the
/// person's own.
pub(super) const SEALED: &str = "own/secret.sops.yaml";
/// The same in clear.
pub(super) const CLEAR: &str = "own/plain.sops.yaml";
