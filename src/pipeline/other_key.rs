//! A repository that is sealed for another key than the one at hand, and how to start over with a new one.

use sops::status;

use super::keys::{Rules, names_one_of};
use crate::diag::{Diagnostic, argument};
use crate::seal::OWN_KEY_FILE;
use crate::sys::root::{Root, limits};
use crate::tree::RepoPath;
use crate::vcs::Git;
use crate::world::keyring::{Keyring, Outcome};
use crate::world::lock::{LOCK_FILE, Lock};

/// The rules that name for whom everything is sealed.
const SOPS_CONFIG: &str = ".sops.yaml";

/// What is wrong, wherever it is told.
pub const OTHER_KEY: &str =
    "`.sops.yaml` names other keys than the one here, which cannot open what is sealed";

/// What mends it.
pub const OTHER_KEY_HOW: &str = "copy the right age.key here, or have someone add yours to `age_recipients`";

/// Returns the sealed files of ours that are in the repository, sorted.
fn sealed(root: &Root) -> Vec<RepoPath> {
    let lock = root.read_text_if_there(LOCK_FILE, limits::CONFIG).ok().flatten();
    let lock = lock
        .and_then(|text| Lock::read_quietly(&text))
        .unwrap_or_default();
    let own = RepoPath::parse(OWN_KEY_FILE).ok();
    let mut found: Vec<RepoPath> = lock.entries.into_keys().chain(own).collect();
    found.sort();
    found.dedup();
    found.retain(|path| path.is_sops() && root.is_file(path.as_str()));
    found
}

/// Returns the finding for a repository of which no key at hand opens anything, where that is sure: its rules name none of
/// them, nor does a sealed file.
pub(super) fn other_key(root: &Root, found: &Keyring, rules: &Rules) -> Option<Diagnostic> {
    let named = [rules.all(), rules.own()].concat();
    // What stands behind a passphrase or a command is asked when a file is opened.
    let may_open = found
        .sources
        .iter()
        .any(|source| matches!(source.outcome, Outcome::Locked | Outcome::Deferred));
    if named.is_empty() || may_open || names_one_of(&named, &found.all) {
        return None;
    }
    let files = sealed(root);
    let recipients = files.iter().filter_map(|path| {
        let text = root.read_text(path.as_str(), limits::SECRET).ok()?;
        Some(status(&text).ok()?.recipients)
    });
    let recipients: Vec<Vec<String>> = recipients.collect();
    if recipients.is_empty() || recipients.iter().any(|names| names_one_of(names, &found.all)) {
        return None;
    }
    let finding = Diagnostic::error("seal/other-key", OTHER_KEY)
        .in_file(SOPS_CONFIG)
        .help(OTHER_KEY_HOW);
    let finding = found.sources.iter().fold(finding, |finding, source| {
        if matches!(source.outcome, Outcome::Holds(_)) {
            finding.note(source.to_string())
        } else {
            finding
        }
    });
    Some(match start_over(root) {
        Some(command) => finding.help(format!(
            "to start over with the key here, which seals everything anew: `{command}`, then `clusterwright configure`"
        )),
        None => finding,
    })
}

/// Returns the command that takes away everything that the old key seals: from the work tree, and from git as well, for
/// what git has of a file that is missing counts. It can be typed where the run was started. `None` also where git cannot
/// tell what it has.
pub fn start_over(root: &Root) -> Option<String> {
    let config = RepoPath::parse(SOPS_CONFIG).ok();
    let mut files: Vec<RepoPath> = config.filter(|_| root.is_file(SOPS_CONFIG)).into_iter().collect();
    files.extend(sealed(root));
    let git = Git::discover(root.path()).ok().flatten();
    let (mut tracked, mut other) = (Vec::new(), Vec::new());
    for path in files {
        let is_tracked = match &git {
            Some(git) => git.is_tracked(&path).ok()?,
            None => false,
        };
        if is_tracked { &mut tracked } else { &mut other }.push(path);
    }
    let listed = |files: &[RepoPath], above: &str| {
        let files = files.iter().map(|path| argument(&format!("{above}{path}")));
        files.collect::<Vec<_>>().join(" ")
    };
    let (above, git) = match root.path().to_str()? {
        "" | "." => (String::new(), "git".to_owned()),
        dir => (
            format!("{}/", dir.trim_end_matches('/')),
            format!("git -C {}", argument(dir)),
        ),
    };
    let mut commands = Vec::new();
    if !other.is_empty() {
        commands.push(format!("rm {}", listed(&other, &above)));
    }
    if !tracked.is_empty() {
        let files = listed(&tracked, "");
        commands.push(format!("{git} rm -qf {files}"));
        commands.push(format!(
            "{git} commit -qm \"Start over with a new key\" -- {files}"
        ));
    }
    (!commands.is_empty()).then(|| commands.join(" && "))
}
