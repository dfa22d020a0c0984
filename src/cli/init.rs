//! `clusterwright init`: creates what is missing and never replaces anything.

use std::path::Path;

use serde_json::json;

use super::args::Init;
use super::exit::Exit;
use super::ui::Ui;
use super::{Outcome, Session};
use crate::config::example;
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::pipeline;
use crate::render::SCHEMA_COPY;
use crate::side;
use crate::sops;
use crate::sys::{Entropy, SecretText, private_file};

/// What is to be created: name, what it is, and how.
struct Missing {
    name: &'static str,
    what: &'static str,
    text: SecretText,
    private: bool,
}

/// Creates what is missing.
pub(super) fn run(args: &Init, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let missing = missing(&root, args.pq, session.world.entropy, &mut session.diags)?;
    let ignore = ignore_lines(&root);
    if missing.is_empty() && ignore.is_empty() {
        session.ui.say("Everything that can be created is there already.");
        say_tunnel(&root, &mut session.ui);
        return Ok((Exit::Success, Some(json!({"created": []}))));
    }
    for file in &missing {
        session
            .ui
            .say(&format!("  create   {:<36} {}", file.name, file.what));
    }
    if !ignore.is_empty() {
        session
            .ui
            .say(&format!("  add to   {:<36} {}", ".gitignore", ignore.join(" ")));
    }
    if !args.yes && session.ui.confirm("Create these?") == Some(false) {
        session.ui.say("Nothing was created.");
        return Ok((Exit::Success, Some(json!({"created": []}))));
    }
    let created: Vec<&str> = missing.iter().map(|file| file.name).collect();
    create(&root, &missing, &ignore, &mut session.diags)?;
    if created.contains(&"cluster.yaml") {
        session.ui.say(
            "\nNow fill in cluster.yaml: every <…> waits for a value. Then run `clusterwright configure`.",
        );
    }
    if created.contains(&side::AGE_KEY) {
        session.ui.say(
            "Keep a copy of age.key somewhere safe: without it, nobody can read the repository's secrets.",
        );
    }
    if created.contains(&side::DEPLOY_KEY) {
        session.ui.say(
            "If the repository is private, enter the line of github-deploy.key.pub at GitHub, under Settings > Deploy \
             keys of the repository, without write access.",
        );
    }
    say_tunnel(&root, &mut session.ui);
    Ok((Exit::Success, Some(json!({"created": created}))))
}

/// Only Cloudflare can create the tunnel's file.
fn say_tunnel(root: &Path, ui: &mut Ui) {
    if root.join(side::TUNNEL).symlink_metadata().is_err() {
        ui.say(
            "\nStill missing: cloudflare-tunnel.json, the credentials of the Cloudflare tunnel. To get it:",
        );
        for line in side::TUNNEL_HOW {
            ui.say(&format!("  {line}"));
        }
    }
}

fn missing(
    root: &Path,
    post_quantum: bool,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<Vec<Missing>, Aborted> {
    let absent = |name: &str| root.join(name).symlink_metadata().is_err();
    let mut missing = Vec::new();
    if absent("cluster.yaml") {
        let text = SecretText::new(example::text(example::Fill::Placeholders));
        missing.push(Missing {
            name: "cluster.yaml",
            what: "the configuration, to fill in",
            text,
            private: true,
        });
    }
    if absent(SCHEMA_COPY) {
        let text = SecretText::new(pipeline::catalog_of(root, diags)?.vocabulary().text());
        missing.push(Missing {
            name: SCHEMA_COPY,
            what: "its schema, for your editor",
            text,
            private: false,
        });
    }
    if absent(side::AGE_KEY) {
        if let Some(sealed) = [".sops.yaml", "bootstrap/sops-age.sops.yaml"]
            .iter()
            .find(|name| !absent(name))
        {
            let message = format!(
                "`{}` is missing, but `{sealed}` is there: another key seals this repository",
                side::AGE_KEY
            );
            return Err(diags.abort(
                Diagnostic::error("init/key-elsewhere", message)
                    .in_file(side::AGE_KEY)
                    .help("copy age.key here from where you keep it")
                    .help(format!("to start over with a new key, delete `{sealed}` first")),
            ));
        }
        let (private, public) = if post_quantum {
            sops::generate_post_quantum_identity()
        } else {
            sops::generate_identity()
        };
        missing.push(Missing {
            name: side::AGE_KEY,
            what: "the private key that opens the secrets",
            text: SecretText::new(format!("# public key: {public}\n{}\n", private.expose())),
            private: true,
        });
    }
    if absent(side::PUSH_TOKEN) {
        let text = SecretText::new(format!("{}\n", random_hex(entropy)));
        let what = "the token of the webhook that tells Flux of a push";
        missing.push(Missing {
            name: side::PUSH_TOKEN,
            what,
            text,
            private: true,
        });
    }
    // A new key would lock Flux out of a repository that has one already.
    let sealed_key = "bootstrap/github-deploy-key.sops.yaml";
    if [side::DEPLOY_KEY, side::DEPLOY_KEY_PUBLIC, sealed_key]
        .iter()
        .all(|name| absent(name))
    {
        let (private, public) = side::generate_deploy_key(entropy);
        missing.push(Missing {
            name: side::DEPLOY_KEY,
            what: "the SSH key with which Flux reads a private repository",
            text: private,
            private: true,
        });
        missing.push(Missing {
            name: side::DEPLOY_KEY_PUBLIC,
            what: "its public half, for GitHub",
            text: SecretText::new(public),
            private: false,
        });
    }
    Ok(missing)
}

/// Returns 128 bits of randomness as text.
pub(super) fn random_hex(entropy: &mut dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the lines that .gitignore lacks.
fn ignore_lines(root: &Path) -> Vec<String> {
    let present = std::fs::read_to_string(root.join(".gitignore")).unwrap_or_default();
    let has = |name: &str| {
        present
            .lines()
            .any(|line| line.trim().trim_start_matches('/') == name)
    };
    side::PRIVATE
        .iter()
        .filter(|name| !has(name))
        .map(|name| format!("/{name}"))
        .collect()
}

fn create(
    root: &Path,
    missing: &[Missing],
    ignore: &[String],
    diags: &mut Diagnostics,
) -> Result<(), Aborted> {
    let mut io = |result: std::io::Result<()>, name: &str| {
        result.map_err(|error| diags.abort(Diagnostic::io("create", name, &error)))
    };
    if !ignore.is_empty() {
        // First, so that no private file is ever seen by git.
        let path = root.join(".gitignore");
        let mut text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return io(Err(error), ".gitignore"),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("# secrets in clear: never commit these\n");
        text.extend(ignore.iter().map(|line| format!("{line}\n")));
        io(std::fs::write(&path, text), ".gitignore")?;
    }
    for file in missing {
        let path = root.join(file.name);
        if let Some(parent) = path.parent() {
            io(std::fs::create_dir_all(parent), file.name)?;
        }
        let written = if file.private {
            private_file(&path, file.text.expose().as_bytes())
        } else {
            std::fs::write(&path, file.text.expose())
        };
        io(written, file.name)?;
    }
    Ok(())
}

/// Creates everything for a demo without asking, a tunnel that does not exist included.
pub(super) fn scaffold(
    root: &Path,
    config: &SecretText,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<(), Aborted> {
    let mut missing = missing(root, false, entropy, diags)?;
    for file in missing.iter_mut().filter(|file| file.name == "cluster.yaml") {
        file.text = config.clone();
    }
    missing.push(Missing {
        name: side::TUNNEL,
        what: "credentials of a tunnel",
        text: side::demo_tunnel(entropy),
        private: true,
    });
    create(root, &missing, &ignore_lines(root), diags)
}
