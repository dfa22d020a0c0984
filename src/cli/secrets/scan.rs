//! `clusterwright secrets scan`: a hook for commits.

use std::path::PathBuf;

use serde_json::json;
use zeroize::Zeroizing;

use super::args::Scan;
use super::identities_if_any;
use crate::catalog::BUILT_IN;
use crate::cli::exit::Exit;
use crate::cli::{Outcome, Session, variable};
use crate::config::{CONFIG_FILES, Vocabulary, clear_secrets};
use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity};
use crate::known::Known;
use crate::pipeline;
use crate::secrets::scan;
use crate::secrets::{Templates, compare, list, named_of};
use crate::side;
use crate::sops::Format;
use crate::sys::root::Refused;
use crate::vcs::Repository;

/// Looks for secrets in clear text.
pub(super) fn run(args: &Scan, session: &mut Session<'_>) -> Outcome {
    let values = known_values(session);
    let mut known = Known::new(values.iter().map(|(name, value)| (name.clone(), value.as_str())));
    known.forget_common(BUILT_IN.iter().map(|(_, text)| *text));
    let makejinja = side::read(&session.world.root, "makejinja.toml").ok().flatten();
    let templates = makejinja.map_or_else(Templates::default, |text| Templates::of_makejinja(text.expose()));
    let mut looked = 0;
    let mut large: Vec<String> = Vec::new();
    let mut take = |name: &str, bytes: &[u8], session: &mut Session<'_>| {
        looked += 1;
        let found = scan::scan(name, bytes, &known, &templates);
        scan::report(name, bytes, found, &mut session.diags);
    };
    if args.staged {
        let staged = staged(args, session)?;
        for (name, bytes) in staged.blobs {
            take(&name, &bytes, session);
        }
        large = staged.large;
        for name in staged.odd {
            session.diags.push(
                Diagnostic::error(
                    "secrets/odd-name",
                    format!(
                        "the staged file {name} was not looked at: its name holds what no path of ours may"
                    ),
                )
                .help("give it a name of letters without backslashes and control characters"),
            );
        }
    } else {
        let root = session.world.root.clone();
        let files = list(&root, &args.paths).map_err(|finding| session.diags.abort(finding))?;
        // Without git nothing can be committed yet, and the private files have no git-ignore entries.
        let no_git = matches!(Repository::discover(&root), Ok(None));
        let private = |name: &str| no_git && side::PRIVATE.contains(&name);
        for file in files
            .into_iter()
            .filter(|file| file.named || !private(&file.name))
        {
            match file.read(scan::MAX_BYTES) {
                Ok(bytes) => take(&file.name, &Zeroizing::new(bytes), session),
                Err(Refused::TooLarge { .. } | Refused::NotRegular { .. }) => large.push(file.name),
                Err(refused) => session.diags.push(refused.finding("read", &file.name)),
            }
        }
    }
    let found = session.diags.count(Severity::Error);
    if session.ui.is_human() && found == 0 {
        let files = if looked == 1 { "file" } else { "files" };
        session
            .ui
            .note(&format!("{looked} {files}, no secrets in clear text"));
    }
    if session.ui.is_human() && !large.is_empty() {
        let (count, first) = (
            large.len(),
            large.iter().take(3).cloned().collect::<Vec<_>>().join("`, `"),
        );
        let (files, were) = if count == 1 {
            ("file", "was")
        } else {
            ("files", "were")
        };
        let more = if count > 3 { ", …" } else { "" };
        session.ui.note(&format!(
            "{count} {files} of more than {} MiB {were} not looked through: `{first}`{more}",
            scan::MAX_BYTES >> 20
        ));
    }
    let exit = if found == 0 { Exit::Success } else { Exit::Failure };
    Ok((exit, Some(json!({ "scanned": looked, "too_large": large }))))
}

/// What is staged.
struct Staged {
    /// Files with their bytes.
    blobs: Vec<(String, Vec<u8>)>,
    /// Names of files that are too large.
    large: Vec<String>,
    /// Names that cannot be asked for.
    odd: Vec<String>,
}

/// Reads what the next commit would add, from the index.
fn staged(args: &Scan, session: &mut Session<'_>) -> Result<Staged, Aborted> {
    let root = session.world.root.clone();
    let read = || -> Result<Staged, Diagnostic> {
        let Some(git) = Repository::discover(&root)? else {
            return Err(
                Diagnostic::error("git/none", "there is no git repository, so nothing is staged")
                    .help("look at the files instead: `clusterwright secrets scan`"),
            );
        };
        let git = git.with_index(variable("GIT_INDEX_FILE").map(PathBuf::from));
        let (paths, odd) = git.staged()?;
        let paths = named_of(&root, &args.paths, paths)?;
        let (blobs, large) = git.read_index_within(&paths, scan::MAX_BYTES)?;
        let blobs = blobs.into_iter().map(|(path, bytes)| (path.to_string(), bytes));
        Ok(Staged {
            blobs: blobs.collect(),
            large: large.iter().map(ToString::to_string).collect(),
            odd,
        })
    };
    read().map_err(|finding| session.diags.abort(finding))
}

/// Collects the values that must stand nowhere, from whatever of them can be read here.
fn known_values(session: &mut Session<'_>) -> Vec<(String, Zeroizing<String>)> {
    let root = session.world.root.clone();
    let root = &root;
    let mut values = Vec::new();
    let vocabulary = pipeline::vocabulary(root, &mut Diagnostics::default());
    if vocabulary.is_err() {
        let message = "a file in `templates/` is wrong, so the secret keys of your own apps are not known";
        let finding = Diagnostic::warning("secrets/keys-unknown", message);
        session
            .diags
            .push(finding.help("`clusterwright validate` shows what to mend"));
    }
    let vocabulary = vocabulary.unwrap_or_else(|_| Vocabulary::built_in());
    let identities = identities_if_any(session);
    for name in CONFIG_FILES {
        if let Ok(Some(text)) = side::read(root, name) {
            let bytes = text.expose().as_bytes();
            let clear = compare::clear(Format::Yaml, bytes, &identities);
            let clear = clear.as_ref().map_or(bytes, |clear| clear.as_slice());
            let clear = std::str::from_utf8(clear).unwrap_or_default();
            values.extend(clear_secrets(clear, vocabulary.keys()));
        }
    }
    if let Ok(Some(text)) = side::read(root, side::PUSH_TOKEN) {
        values.push((
            side::PUSH_TOKEN.to_owned(),
            Zeroizing::new(text.expose().trim().to_owned()),
        ));
    }
    if let Ok(Some(text)) = side::read(root, side::TUNNEL)
        && let Ok(tunnel) = side::Tunnel::parse(&text)
    {
        values.push((
            side::TUNNEL.to_owned(),
            Zeroizing::new(tunnel.token.expose().to_owned()),
        ));
    }
    values
}
