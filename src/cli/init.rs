//! `clusterwright init`: creates what is missing and never replaces anything.

use serde_json::json;

use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::Ui;
use super::{Outcome, Session};
use crate::config::{CONFIG_FILES, example};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::pipeline;
use crate::render::SCHEMA_COPY;
use crate::seal;
use crate::sys::root::{Access, DRAFT, FileKind, Refused, Root, limits};
use crate::sys::{Entropy, SecretText};
use crate::world::side;

/// Arguments of `init`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("init", "Ask, then create what is missing"),
        ("init --yes --key-from-env", "In CI or a new clone: age.key is the key of the environment"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {
    /// Do not ask before creating files
    #[arg(short, long)]
    pub(super) yes: bool,
    /// Make age.key a post-quantum key (for sops from 3.12 and Flux from 2.9)
    #[arg(long, conflicts_with = "key_from_env")]
    pub(super) pq: bool,
    /// Make age.key of the key that `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY` or `SOPS_AGE_KEY_CMD` names, in place of a new one
    #[arg(long)]
    pub(super) key_from_env: bool,
}

/// What is to be created: name, what it is, and how.
struct Missing {
    name: &'static str,
    what: &'static str,
    text: SecretText,
    private: bool,
}

/// Creates what is missing.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    refuse_empty(&root, &mut session.diags)?;
    let key = key(args, session)?;
    let missing = missing(&root, &key, session.world.entropy, &mut session.diags)?;
    let ignore = Ignore::read(&root, &mut session.diags)?;
    if missing.is_empty() && ignore.lines.is_empty() {
        session.diags.checkpoint()?;
        session.ui.say("Everything that can be created is there already.");
        if args.pq {
            session
                .ui
                .say("--pq says how age.key is made, and there is one: it stays as it is.");
        }
        say_tunnel(&root, &mut session.ui);
        return Ok((Exit::Success, Some(json!({"created": []}))));
    }
    for file in &missing {
        session
            .ui
            .say(&format!("  create   {:<36} {}", file.name, file.what));
    }
    if !ignore.lines.is_empty() {
        session.ui.say(&format!(
            "  add to   {:<36} {}",
            IGNORE_FILE,
            ignore.lines.join(" ")
        ));
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
    // What could not be created has been reported.
    let exit = if session.diags.has_errors() {
        Exit::Failure
    } else {
        Exit::Success
    };
    Ok((exit, Some(json!({"created": created}))))
}

/// What goes into a new age.key.
enum Key {
    /// A key that is made.
    New {
        /// Of which kind.
        post_quantum: bool,
    },
    /// The text of a key that a person has.
    Given(SecretText),
}

/// Returns what age.key is to hold: a key of the environment only when a person says so.
fn key(args: &Args, session: &mut Session<'_>) -> Result<Key, Aborted> {
    let absent = !session.world.root.is_taken(side::AGE_KEY);
    if args.pq && absent {
        post_quantum(session);
    }
    let named = match pipeline::identities(&session.world, &mut session.diags) {
        Ok(found) => found.and_then(|found| found.named.into_iter().next()),
        // What is wrong with a variable matters when its key is wanted.
        Err(aborted) if args.key_from_env => return Err(aborted),
        Err(_) => None,
    };
    match named {
        Some(key) if args.key_from_env => {
            let recipients = key.recipients.join(", ");
            let lines = pipeline::key_lines(&key.text);
            Ok(Key::Given(SecretText::new(format!(
                "# public key: {recipients}\n{}\n",
                lines.expose()
            ))))
        }
        None if args.key_from_env && absent => Err(session.diags.abort(
            Diagnostic::error("init/no-key-in-env", "`--key-from-env`: no variable names a key").help(
                "set `SOPS_AGE_KEY_FILE`, `SOPS_AGE_KEY` or `SOPS_AGE_KEY_CMD`, or leave the option out",
            ),
        )),
        key => {
            if let Some(key) = key.filter(|_| absent) {
                session.ui.say(&format!(
                    "The key in {} is left alone: it is yours, and this repository gets a key of its own. To make yours the \
                     repository's, run `clusterwright init --key-from-env`.",
                    key.source
                ));
            }
            Ok(Key::New {
                post_quantum: args.pq,
            })
        }
    }
}

/// Says, before a post-quantum key is made, when the Flux that will be rendered cannot open what is sealed for it.
fn post_quantum(session: &mut Session<'_>) {
    let flux = pipeline::flux_of_library();
    if let Some(flux) = flux.filter(|flux| !pipeline::opens_post_quantum(flux)) {
        session.diags.push(pipeline::needs_newer_flux(Diagnostic::warning(
            "init/post-quantum-flux",
            format!("Flux {flux}, which is rendered, cannot open what is sealed for a post-quantum key"),
        )));
    }
}

/// Only Cloudflare can create the tunnel's file.
fn say_tunnel(root: &Root, ui: &mut Ui) {
    if !root.is_taken(side::TUNNEL) {
        ui.say(
            "\nStill missing: cloudflare-tunnel.json, the credentials of the Cloudflare tunnel. To get it:",
        );
        for line in side::TUNNEL_HOW {
            ui.say(&format!("  {line}"));
        }
    }
}

/// Refuses a file that is there and holds nothing: it looks like one that needs not be made, and opens nothing.
fn refuse_empty(root: &Root, diags: &mut Diagnostics) -> Result<(), Aborted> {
    for name in side::PRIVATE.into_iter().chain([side::DEPLOY_KEY_PUBLIC]) {
        if matches!(root.look(name), Ok(Some(meta)) if meta.kind == FileKind::File && meta.len == 0) {
            let message = format!("`{name}` is there, and it is empty");
            diags.push(
                Diagnostic::error("side/empty", message)
                    .in_file(name)
                    .help(format!(
                        "copy it here from where you keep it, or `rm {name}` and run `clusterwright init`, which makes a \
                         new one"
                    )),
            );
        }
    }
    diags.checkpoint()
}

fn missing(
    root: &Root,
    key: &Key,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<Vec<Missing>, Aborted> {
    let absent = |name: &str| !root.is_taken(name);
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
        let text = SecretText::new(pipeline::schema_text(root, diags)?);
        missing.push(Missing {
            name: SCHEMA_COPY,
            what: "its schema, for your editor",
            text,
            private: false,
        });
    }
    // Keys and tokens of a repository that another key seals are sealed in it already: new ones would be others.
    let mut elsewhere = false;
    if absent(side::AGE_KEY) {
        let text = match key {
            Key::Given(text) => Some(text.clone()),
            Key::New { .. } => None,
        };
        let mut sealed = [".sops.yaml", seal::OWN_KEY_FILE].into_iter();
        if text.is_none()
            && let Some(sealed) = sealed.find(|name| !absent(name))
        {
            let message = format!(
                "`{}` is missing, but `{sealed}` is there: another key seals this repository",
                side::AGE_KEY
            );
            diags.push(
                Diagnostic::error("init/key-elsewhere", message)
                    .in_file(side::AGE_KEY)
                    .note("neither a key nor a token is made, for those that count are sealed already")
                    .help("copy age.key here from where you keep it")
                    .help(match pipeline::start_over(root) {
                        Some(command) => format!(
                            "to start over with a new key: `{command}`, then `clusterwright init` and `clusterwright \
                             configure`"
                        ),
                        None => format!("to start over with a new key, delete `{sealed}` first"),
                    }),
            );
            elsewhere = true;
        } else {
            missing.push(Missing {
                name: side::AGE_KEY,
                what: "the private key that opens the secrets",
                text: text.unwrap_or_else(|| generated(key)),
                private: true,
            });
        }
    }
    if !elsewhere && absent(side::PUSH_TOKEN) {
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
    let deploy_key = [side::DEPLOY_KEY, side::DEPLOY_KEY_PUBLIC, side::SEALED_DEPLOY_KEY];
    if !elsewhere && deploy_key.iter().all(|name| absent(name)) {
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

/// Returns the text of a new age.key.
fn generated(key: &Key) -> SecretText {
    let (private, public) = if matches!(key, Key::New { post_quantum: true }) {
        sops::generate_post_quantum_identity()
    } else {
        sops::generate_identity()
    };
    SecretText::new(format!("# public key: {public}\n{}\n", private.expose()))
}

/// Returns 128 bits of randomness as text.
pub(super) fn random_hex(entropy: &mut dyn Entropy) -> String {
    let mut bytes = [0; 16];
    entropy.fill(&mut bytes);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The file that keeps secrets out of git.
const IGNORE_FILE: &str = ".gitignore";

/// What `.gitignore` holds, and the lines that it lacks.
struct Ignore {
    text: String,
    lines: Vec<String>,
}

impl Ignore {
    fn read(root: &Root, diags: &mut Diagnostics) -> Result<Self, Aborted> {
        let text = root
            .read_text_if_there(IGNORE_FILE, limits::CONFIG)
            .map_err(|refused| diags.abort(refused.finding("read", IGNORE_FILE)))?
            .unwrap_or_default();
        let has = |name: &str| {
            text.lines()
                .any(|line| line.trim().trim_start_matches('/') == name)
        };
        let clear = pipeline::clear_configs(root, &pipeline::vocabulary_of_any(root));
        // One without a secret in clear, as an encrypted one, is there to be committed.
        let may_be_committed =
            |name: &str| CONFIG_FILES.contains(&name) && root.is_taken(name) && !clear.contains(&name);
        let private = side::PRIVATE
            .iter()
            .filter(|name| !has(name) && !may_be_committed(name));
        let lines = private.map(|name| format!("/{name}"));
        // What a killed run leaves of one of them, until the next run.
        let drafts = Some(format!("{DRAFT}*")).filter(|pattern| !has(pattern));
        let lines = lines.chain(drafts).collect();
        Ok(Self { text, lines })
    }

    /// Returns the whole text with the lines that it lacked.
    fn completed(&self) -> String {
        let mut text = self.text.clone();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str("# secrets in clear: never commit these\n");
        text.extend(self.lines.iter().map(|line| format!("{line}\n")));
        text
    }
}

/// Makes the files, each whole or not at all.
fn create(root: &Root, missing: &[Missing], ignore: &Ignore, diags: &mut Diagnostics) -> Result<(), Aborted> {
    let mut done = |result: Result<(), Refused>, name: &str| {
        result.map_err(|refused| diags.abort(refused.finding("create", name)))
    };
    let _ = root.remove_drafts("");
    if !ignore.lines.is_empty() {
        // First, so that no private file is ever seen by git.
        let text = ignore.completed();
        done(
            root.replace(IGNORE_FILE, text.as_bytes(), Access::Kept),
            IGNORE_FILE,
        )?;
    }
    for file in missing {
        done(root.create_parents(file.name), file.name)?;
        let access = if file.private {
            Access::Private
        } else {
            Access::Kept
        };
        let text = file.text.expose().as_bytes();
        done(root.create_new(file.name, text, access), file.name)?;
    }
    Ok(())
}

/// Creates everything for a demo without asking, a tunnel that does not exist included.
pub(super) fn scaffold(
    root: &Root,
    config: &SecretText,
    entropy: &mut dyn Entropy,
    diags: &mut Diagnostics,
) -> Result<(), Aborted> {
    let key = Key::New { post_quantum: false };
    let mut missing = missing(root, &key, entropy, diags)?;
    for file in missing.iter_mut().filter(|file| file.name == "cluster.yaml") {
        file.text = config.clone();
    }
    missing.push(Missing {
        name: side::TUNNEL,
        what: "credentials of a tunnel",
        text: side::demo_tunnel(entropy),
        private: true,
    });
    let ignore = Ignore::read(root, diags)?;
    create(root, &missing, &ignore, diags)
}
