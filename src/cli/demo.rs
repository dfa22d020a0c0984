//! `clusterwright demo`: an example repository, from nothing to a configured tree.

use std::path::{Component, Path, PathBuf};

use super::exit::Exit;
use super::help::Help;
use super::{Outcome, Session, configure, init};
use crate::config::example;
use crate::diag::Diagnostic;
use crate::sys::SecretText;
use crate::sys::root::{FileKind, Refused, Root};
use crate::vcs;

/// Arguments of `demo`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("demo", "Make clusterwright-demo, configure it and show the plan"),
        ("demo /tmp/tryout", "The same elsewhere"),
    ],
    ..Help::default()
})]
pub(super) struct Args {
    /// Directory to create; it must not exist, or be empty
    #[arg(default_value = "clusterwright-demo", value_name = "DIR")]
    pub(super) directory: PathBuf,
}

/// Returns why a directory below this one is not made: a link on the way, which a stranger's repository may hold. An
/// absolute path, and one with `..`, is as the person means it.
fn leads_away(here: &Root, directory: &Path) -> Option<Refused> {
    let mut below = String::new();
    for part in directory.components() {
        match part {
            Component::CurDir => {}
            Component::Normal(name) => {
                let slash = if below.is_empty() { "" } else { "/" };
                below = format!("{below}{slash}{}", name.to_str()?);
            }
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    match here.look(&below) {
        Ok(Some(meta)) if meta.kind == FileKind::Link => Some(Refused::Link { at: below }),
        Err(refused @ Refused::Link { .. }) => Some(refused),
        // What else stands in the way, the system tells when it is made.
        _ => None,
    }
}

/// Scaffolds, configures, commits and tells what comes next.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let path = session.world.root.path().join(&args.directory);
    let shown = args.directory.display().to_string();
    if let Some(refused) = leads_away(&session.world.root, &args.directory) {
        return Err(session.diags.abort(refused.finding("create", &shown)));
    }
    let taken = path
        .read_dir()
        .map_or_else(|_| path.exists(), |mut entries| entries.next().is_some());
    if taken {
        return Err(session.diags.abort(
            Diagnostic::error("demo/not-empty", format!("`{shown}` exists and is not empty"))
                .in_file(&shown)
                .help("choose another directory, or remove this one"),
        ));
    }
    if let Err(error) = std::fs::create_dir_all(&path) {
        return Err(session.diags.abort(Diagnostic::io("create", &shown, &error)));
    }
    let root = Root::new(path);
    let secrets = example::DemoSecrets {
        cloudflare_token: init::random_hex(session.world.entropy),
        grafana_admin_password: init::random_hex(session.world.entropy),
    };
    let config = SecretText::new(example::text(example::Fill::Demo(&secrets)));
    init::scaffold(&root, &config, session.world.entropy, &mut session.diags)?;
    if let Err(finding) = vcs::init(&root) {
        return Err(session.diags.abort(finding));
    }
    session.ui.say(&format!(
        "Created {shown}: a git repository with cluster.yaml and made-up keys and tokens.\n"
    ));
    session.world.root.clone_from(&root);
    let all = configure::Args {
        yes: true,
        dry_run: false,
        check: false,
        overwrite: Vec::new(),
        keep: Vec::new(),
        raw: super::raw::Args::default(),
    };
    let (_, result) = configure::run(&all, session)?;
    if let Err(finding) = vcs::commit_all(&root, "Configure the demo cluster") {
        return Err(session.diags.abort(finding));
    }
    session.ui.say(&format!(
        "\nNext steps, in {shown}:\n  \
         clusterwright plan                    every app, on or off and why\n  \
         edit cluster.yaml                     such as loki_enabled: false\n  \
         clusterwright diff                    what that would change\n  \
         clusterwright configure               write it\n  \
         clusterwright secrets decrypt FILE    read a sealed file"
    ));
    Ok((Exit::Success, result))
}
