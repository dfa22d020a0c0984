//! `clusterwright secrets merge`: a merge driver for git.

use std::path::PathBuf;

use serde_json::json;
use sops::{Format, Sides};

use super::{identities, of_file, warn_of_others};
use crate::cli::exit::Exit;
use crate::cli::help::{Help, KEYS};
use crate::cli::{Outcome, Session};
use crate::diag::{Diagnostic, argument};
use crate::pipeline;
use crate::secrets::{Overrides, SecretFile, configuration, rule_for, status};

/// Arguments of `secrets merge`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets merge %O %A %B -- %P", "What git runs after `secrets install-git`"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The common ancestor, %O
    base: PathBuf,
    /// Our version, %A; the result is written here
    ours: PathBuf,
    /// Their version, %B
    theirs: PathBuf,
    /// What findings call the file, %P
    // Lines that an earlier `install-git` wrote have no `--`: a name that begins with a dash is no option.
    #[arg(allow_hyphen_values = true)]
    name: Option<String>,
}

/// Merges `theirs` into `ours`. Git takes exit code 1 for a conflict; the file then holds our values, encrypted.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let read = |path: &std::path::Path| SecretFile::read(root.path(), path);
    let base = read(&args.base)
        .ok()
        .filter(|base| !base.bytes.trim_ascii().is_empty());
    let ours = read(&args.ours).map_err(|finding| session.diags.abort(finding))?;
    let theirs = read(&args.theirs).map_err(|finding| session.diags.abort(finding))?;
    let name = args.name.clone().unwrap_or_else(|| ours.name.clone());
    let identities = identities(session)?;
    // The files that git hands over have no names of their own.
    let format = match &args.name {
        Some(name) => Format::of_text(name, ours.text().unwrap_or_default()),
        None => ours.format(None),
    };
    let text = |file: &'_ SecretFile| -> Result<String, Diagnostic> { file.text().map(str::to_owned) };
    let (our_text, their_text) = text(&ours)
        .and_then(|ours| Ok((ours, text(&theirs)?)))
        .map_err(|finding| session.diags.abort(finding))?;
    let base_text = base.as_ref().and_then(|base| base.text().ok());
    // What git merges into is still as ours has it, `.sops.yaml` and `cluster.yaml` as well.
    let may_open = {
        let own = || pipeline::own_recipients(&session.world);
        let path = root.path().join(&name);
        let rule = rule_for(root.path(), &path, &name, &our_text, &Overrides::default(), &own);
        rule.map(|(rule, _)| rule.recipients).unwrap_or_default()
    };
    let merged = format.merge(
        Sides {
            base: base_text,
            ours: &our_text,
            theirs: &their_text,
            may_open: &may_open,
        },
        &identities,
        session.world.entropy,
    );
    let merged = merged.map_err(|error| {
        let finding = of_file(&error, &name).note("the file holds our version, encrypted as it was");
        session.diags.abort(finding)
    })?;
    if merged.text != our_text {
        // The files that git hands over lie elsewhere.
        configuration::guard(root.path(), &root.path().join(&name), &merged.text).map_err(|finding| {
            session
                .diags
                .abort(finding.note("the file holds our version, encrypted as it was"))
        })?;
        ours.write(&merged.text)
            .map_err(|finding| session.diags.abort(finding))?;
        warn_of_others(&root.path().join(&name), &name, format, &merged.text, session);
    }
    let (typed, stage) = (argument(&name), argument(&format!(":3:{name}")));
    for path in &merged.conflicts {
        session.diags.push(
            Diagnostic::error("secrets/conflict", format!("both sides changed `{path}` in `{name}`"))
                .in_file(&name)
                .note("the file holds our value, encrypted")
                .help(format!("keep it with `git add {typed}`, or set another: `clusterwright secrets set {typed} '{path}' --value-stdin`"))
                .help(format!("theirs: `git show {stage}` prints their version, encrypted; `git checkout --theirs {typed}` takes it whole")),
        );
    }
    if !merged.left_out.is_empty() {
        let names: Vec<String> = merged.left_out.iter().map(|name| status::short(name)).collect();
        session.diags.push(
            Diagnostic::error(
                "secrets/new-recipient",
                format!("their side seals `{name}` for {}, of whom ours knows nothing", names.join(", ")),
            )
            .in_file(&name)
            .note("the file holds what both sides changed, sealed for those who could open our version alone")
            .help(format!("if they are not to open it, `git add {typed}`, and look at who wrote the other side"))
            .help(format!(
                "if they are, take the list of recipients over first (`age_recipients` in cluster.yaml, or .sops.yaml), then \
                 `clusterwright secrets updatekeys {typed}` and `git add {typed}`"
            )),
        );
    }
    let exit = if merged.conflicts.is_empty() && merged.left_out.is_empty() {
        Exit::Success
    } else {
        Exit::Failure
    };
    Ok((
        exit,
        Some(json!({ "conflicts": merged.conflicts, "left_out": merged.left_out })),
    ))
}
