//! `clusterwright secrets scan`: a hook for commits.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::json;
use sops::{Format, Identities};
use zeroize::Zeroizing;

use crate::catalog::BUILT_IN;
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session, variable};
use crate::config::{CONFIG_FILES, Vocabulary, clear_secrets};
use crate::diag::{Aborted, Diagnostic, Diagnostics, Severity, counted};
use crate::known::Known;
use crate::pipeline;
use crate::raw::SETTINGS;
use crate::seal;
use crate::secrets::scan;
use crate::secrets::{Templates, compare, list, named_of, odd_name};
use crate::sys::SecretText;
use crate::sys::root::{Refused, limits};
use crate::vcs::Git;
use crate::world::side;

/// Arguments of `secrets scan`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets scan --staged", "As a pre-commit hook: would this commit hold a secret in clear?"),
        ("secrets scan", "The whole work tree"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// Files, or directories to look through
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Look at what the next commit would add, as git has it in the index
    #[arg(long)]
    staged: bool,
}

/// Looks for secrets in clear text.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let vocabulary = vocabulary(session);
    let values = known_values(&vocabulary, session);
    let mut known = Known::new(values.iter().map(|(name, value)| (name.clone(), value.as_str())));
    known.forget_common(BUILT_IN.iter().map(|(_, text)| *text));
    let makejinja = session
        .world
        .root
        .read_text_if_there(SETTINGS, limits::CONFIG)
        .unwrap_or_else(|refused| {
            let finding = refused.finding("read", SETTINGS);
            session
                .diags
                .push(finding.note("templates are looked at with the usual delimiters"));
            None
        });
    let templates = makejinja.map_or_else(Templates::default, |text| Templates::of_makejinja(&text));
    let mut looked = 0;
    let mut large: Vec<String> = Vec::new();
    let mut take = |name: &str, bytes: &[u8], session: &mut Session<'_>| {
        looked += 1;
        let mut found = scan::scan(name, bytes, &known, &templates);
        if CONFIG_FILES.contains(&name) {
            found.extend(scan::commented(bytes, vocabulary.keys()));
        }
        scan::report(name, bytes, found, &mut session.diags);
    };
    if args.staged {
        let staged = staged(args, session)?;
        for (name, bytes) in staged.blobs {
            take(&name, &bytes, session);
        }
        large = staged.large;
        staged
            .odd
            .iter()
            .for_each(|name| session.diags.push(odd_name(name)));
    } else {
        let root = session.world.root.clone();
        let found = list(root.path(), &args.paths).map_err(|finding| session.diags.abort(finding))?;
        found
            .left_out
            .into_iter()
            .for_each(|finding| session.diags.push(finding));
        // Without git nothing can be committed yet, and the private files have no git-ignore entries.
        let no_git = matches!(Git::discover(root.path()), Ok(None));
        let private = |name: &str| no_git && side::PRIVATE.contains(&name);
        for file in found
            .files
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
        let files = counted(looked, "file");
        session.ui.note(&format!("{files}, no secrets in clear text"));
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
fn staged(args: &Args, session: &mut Session<'_>) -> Result<Staged, Aborted> {
    let root = session.world.root.clone();
    let read = || -> Result<Staged, Diagnostic> {
        let Some(git) = Git::discover(root.path())? else {
            return Err(
                Diagnostic::error("git/none", "there is no git repository, so nothing is staged")
                    .help("look at the files instead: `clusterwright secrets scan`"),
            );
        };
        let git = git.with_index(variable("GIT_INDEX_FILE").map(PathBuf::from));
        let (paths, odd) = git.staged()?;
        let paths = named_of(root.path(), &args.paths, paths)?;
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

/// Returns which keys are secret here, as far as that is known.
fn vocabulary(session: &mut Session<'_>) -> Arc<Vocabulary> {
    let vocabulary = pipeline::vocabulary(&session.world.root, &mut Diagnostics::default());
    if vocabulary.is_err() {
        let message = "a file in `templates/` is wrong, so the secret keys of your own apps are not known";
        let finding = Diagnostic::warning("secrets/keys-unknown", message);
        session
            .diags
            .push(finding.help("`clusterwright validate` shows what to mend"));
    }
    vocabulary.unwrap_or_else(|_| Vocabulary::built_in())
}

/// Collects the values that must stand nowhere, from whatever of them can be read here.
fn known_values(vocabulary: &Vocabulary, session: &mut Session<'_>) -> Vec<(String, Zeroizing<String>)> {
    let root = session.world.root.clone();
    let root = &root;
    let mut values = Vec::new();
    let mut unknown = Diagnostics::default();
    let identities = match pipeline::identities(&session.world, &mut unknown) {
        Ok(found) => found.map(|found| found.all).unwrap_or_default(),
        Err(_) => Identities::default(),
    };
    let mut why: Vec<Diagnostic> = unknown.sorted().into_iter().cloned().collect();
    for name in CONFIG_FILES {
        match side::read(root, name) {
            Ok(Some(text)) => match config_values(name, text.expose(), &identities, vocabulary) {
                Ok(found) => values.extend(found),
                Err(finding) => why.push(finding),
            },
            Ok(None) => {}
            Err(finding) => why.push(finding),
        }
    }
    let mut file = |name: &str, value: &dyn Fn(&SecretText) -> Result<String, Diagnostic>| {
        let read = side::read(root, name).and_then(|text| text.as_ref().map(value).transpose());
        match read {
            Ok(Some(value)) => values.push((name.to_owned(), Zeroizing::new(value))),
            Ok(None) => {}
            Err(finding) => why.push(finding),
        }
    };
    file(side::PUSH_TOKEN, &|text| Ok(text.expose().trim().to_owned()));
    file(side::TUNNEL, &|text| {
        side::Tunnel::parse(text).map(|tunnel| tunnel.token.expose().to_owned())
    });
    for finding in why {
        let message = format!("some values of secrets are not looked for: {}", finding.message);
        let unknown = Diagnostic::warning("secrets/values-unknown", message);
        session
            .diags
            .push(finding.help.into_iter().fold(unknown, Diagnostic::help));
    }
    values
}

/// Returns the values of the secret keys of a configuration file.
fn config_values(
    name: &str,
    text: &str,
    identities: &Identities,
    vocabulary: &Vocabulary,
) -> Result<Vec<(String, Zeroizing<String>)>, Diagnostic> {
    let clear = compare::clear(Format::Yaml, text.as_bytes(), identities);
    let clear = clear.map_err(|error| seal::finding(&error, name))?;
    let clear = std::str::from_utf8(&clear).unwrap_or_default();
    if yaml::parse(clear).is_err() {
        return Err(
            Diagnostic::error("config/yaml", format!("`{name}` cannot be understood"))
                .help("`clusterwright validate` shows what to mend"),
        );
    }
    Ok(clear_secrets(clear, vocabulary.keys()))
}
