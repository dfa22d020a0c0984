//! `clusterwright secrets diff`: which keys of a file changed.

use std::path::PathBuf;

use serde_json::json;
use zeroize::Zeroizing;

use super::{identities, identities_if_any, of_file};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::diag::Diagnostic;
use crate::secrets::{SecretFile, compare};
use crate::tree::RepoPath;
use crate::vcs::Git;

/// Arguments of `secrets diff`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets diff kubernetes/apps/default/echo/app/secret.sops.yaml", "Which keys changed since the last commit"),
        ("secrets diff kubernetes/apps/default/echo/app/secret.sops.yaml --rev main --reveal", "With their values, since another revision"),
    ],
    pending: Some("`--exit-code` found differences"),
    environment: &[KEYS],
})]
pub(in crate::cli) struct Args {
    /// A SOPS file
    file: PathBuf,
    /// A second file; without it, the file is compared with its version in git
    #[arg(conflicts_with = "rev")]
    other: Option<PathBuf>,
    /// Revision to compare with
    #[arg(long, default_value = "HEAD")]
    rev: String,
    /// Show values in clear text
    #[arg(long)]
    reveal: bool,
    /// Exit with 2 when there are differences
    #[arg(long)]
    exit_code: bool,
}

/// Compares two files, or a file with its version in git.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let read = |path: &std::path::Path| SecretFile::read(root.path(), path);
    let file = read(&args.file).map_err(|finding| session.diags.abort(finding))?;
    let format = file.format(None);
    let (old, new) = if let Some(other) = &args.other {
        let other = read(other).map_err(|finding| session.diags.abort(finding))?;
        ((file.name, Some(file.bytes)), (other.name, other.bytes))
    } else {
        let old = committed(&file, &args.rev).map_err(|finding| session.diags.abort(finding))?;
        let name = format!("{}:{}", args.rev, file.name);
        ((name, old), (file.name, file.bytes))
    };
    let before = old.1.as_ref().map(|bytes| bytes.as_slice());
    let after = new.1.as_slice();
    let differs;
    let mut result = None;
    if args.reveal {
        let identities = identities(session)?;
        let clear = |name: &str, bytes: Option<&[u8]>| match bytes {
            None => Ok(Zeroizing::default()),
            Some(bytes) => compare::clear(format, bytes, &identities).map_err(|error| of_file(&error, name)),
        };
        let both = clear(&old.0, before).and_then(|one| Ok((one, clear(&new.0, Some(after))?)));
        let (one, two) = both.map_err(|finding| session.diags.abort(finding))?;
        differs = one != two;
        let shown = match (std::str::from_utf8(&one), std::str::from_utf8(&two)) {
            (Ok(one), Ok(two)) => compare::unified((&old.0, one), (&new.0, two)),
            _ if differs => format!("{} and {} differ, and are not text\n", old.0, new.0),
            _ => String::new(),
        };
        session.ui.print(&shown);
    } else {
        let diff = compare::keys(format, before, Some(after), &identities_if_any(session));
        differs = before != Some(after);
        if session.ui.is_human() {
            for key in &diff.keys {
                session.ui.line(&format!("~ {} {}", key.key, key.change.word()));
            }
            diff.notes
                .iter()
                .for_each(|note| session.ui.line(&format!("~ {note}")));
            if diff.keys.is_empty() && diff.notes.is_empty() {
                session.ui.line(if differs {
                    "~ only time and MAC changed"
                } else {
                    "no differences"
                });
            }
        }
        result = Some(json!({"keys": diff.keys, "notes": diff.notes}));
    }
    let exit = if args.exit_code && differs {
        Exit::Pending
    } else {
        Exit::Success
    };
    Ok((exit, result))
}

/// Reads a file at a revision; `None` when it was not there.
fn committed(file: &SecretFile, revision: &str) -> Result<Option<Zeroizing<Vec<u8>>>, Diagnostic> {
    let io = |error: &std::io::Error| Diagnostic::io("read", &file.name, error);
    let full = file.path.canonicalize().map_err(|error| io(&error))?;
    let (Some(dir), Some(name)) = (full.parent(), full.file_name().and_then(|name| name.to_str())) else {
        return Ok(None);
    };
    let Some(git) = Git::discover(dir)? else {
        return Err(
            Diagnostic::error("git/none", "there is no git repository to compare with")
                .help("name a second file"),
        );
    };
    let path =
        RepoPath::parse(name).map_err(|error| Diagnostic::error("git/path", format!("`{name}`: {error}")))?;
    let blobs = match revision {
        "HEAD" => git.read_head([&path]),
        revision => git.read_rev(revision, [&path]),
    }?;
    Ok(blobs.into_values().next().map(Zeroizing::new))
}
