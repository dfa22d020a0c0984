//! `clusterwright secrets edit`: a file in the editor, in clear text, and nowhere else.

use std::path::{Path, PathBuf};
use std::process::Command;

use sops::{EncryptionRule, Format, Identities, MacCheck, SopsError};
use zeroize::Zeroizing;

use super::overrides::{RuleArgs, overrides};
use super::{for_strangers, identities, numbers, of_file, warn_of_others};
use crate::cli::exit::Exit;
use crate::cli::help::{EDITOR, Help, KEYS, RECIPIENTS};
use crate::cli::{Outcome, Session, variable};
use crate::diag::{Aborted, Diagnostic, argument};
use crate::pipeline;
use crate::secrets::{SecretFile, configuration, rule_for, typed};
use crate::sys::editor::Editor;
use crate::sys::replace::{Access, replace_file};
use crate::sys::scratch::Scratch;
use crate::world::side;

/// Arguments of `secrets edit`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("secrets edit kubernetes/apps/default/echo/app/secret.sops.yaml", "Edit it in clear; what did not change keeps its ciphertext"),
    ],
    environment: &[KEYS, RECIPIENTS, EDITOR],
    ..Help::default()
})]
pub(in crate::cli) struct Args {
    /// The SOPS file; one that is not there starts from an example
    file: PathBuf,
    /// Format of the file, where its name does not tell: yaml, json, dotenv, ini or binary
    #[arg(long = "type", value_name = "FORMAT")]
    format: Option<Format>,
    /// Put the clear text on a disk if there is no memory-backed directory
    #[arg(long)]
    allow_disk: bool,
    #[command(flatten)]
    rule: RuleArgs,
}

/// What a new file of a format starts with.
fn example(format: Format) -> &'static str {
    match format {
        Format::Yaml => {
            "apiVersion: v1\nkind: Secret\nmetadata:\n  name: example\nstringData:\n  key: value\n"
        }
        Format::Json => "{\n\t\"key\": \"value\"\n}\n",
        Format::Dotenv => "KEY=value\n",
        Format::Ini => "[section]\nkey = value\n",
        Format::Binary => "text\n",
    }
}

/// How the edited text becomes a file.
enum Target {
    /// An encrypted file that is there, and its text, in which nothing stands in clear that should not.
    Existing(SecretFile, String, Format, Identities),
    /// A file that will be new.
    New(PathBuf, Format, String, Box<EncryptionRule>),
}

impl Target {
    fn path(&self) -> &Path {
        match self {
            Self::Existing(file, ..) => &file.path,
            Self::New(path, ..) => path,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::Existing(file, ..) => &file.name,
            Self::New(_, _, name, _) => name,
        }
    }
}

/// Edits a file.
pub(super) fn run(args: &Args, session: &mut Session<'_>) -> Outcome {
    let command = command().map_err(|finding| session.diags.abort(finding))?;
    let (target, plain) = target(args, session)?;
    let program = command.first().cloned().unwrap_or_default();
    let scratch = scratch(args, session)?;
    let editor = Editor::new(command, scratch, guard())
        .map_err(|error| session.diags.abort(failed(&program, &error.to_string())))?;
    let base = args
        .file
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or("secret.yaml");
    let path = editor
        .scratch()
        .file(base, &plain)
        .map_err(|error| session.diags.abort(Diagnostic::io("write", base, &error)))?;
    loop {
        let edited = editor
            .run(&path)
            .map_err(|error| failed(&program, &error.to_string()))
            .and_then(|status| {
                if status.success() {
                    side::read_bytes(&path, base)?.ok_or_else(|| failed(&program, "it removed the file"))
                } else {
                    Err(failed(&program, &status.to_string()))
                }
            });
        let edited = edited.map_err(|finding| session.diags.abort(finding))?;
        if edited == plain {
            session.ui.note("nothing changes");
            return Ok((Exit::Success, None));
        }
        let finding = match sealed(&target, &edited, session) {
            Ok(Some(text)) => {
                finish(&target, &text, session)?;
                return Ok((Exit::Success, None));
            }
            Ok(None) => {
                session.ui.note("nothing changes");
                return Ok((Exit::Success, None));
            }
            Err(finding) => finding,
        };
        let help = finding.help.join("\n");
        session.ui.say(&format!("{}\n{help}", finding.message));
        if session.ui.confirm_or_yes("Back to the editor?") != Some(true) {
            let finding = finding
                .note("your edit was not kept, and the file is as it was")
                .help("edit it again");
            return Err(session.diags.abort(finding));
        }
    }
}

/// Waits for an edit in another process to be over, and wipes what that left.
#[cfg(unix)]
pub(super) fn wait() {
    // There is nobody to tell.
    let _ = crate::sys::guard::wait(std::io::stdin().lock());
}

/// Without process groups there is no such process.
#[cfg(not(unix))]
pub(super) fn wait() {}

/// Returns the command that calls [`wait`].
fn guard() -> Option<Command> {
    let mut command = Command::new(std::env::current_exe().ok()?);
    command.args(["secrets", "wait-for-edit"]).env_clear();
    Some(command)
}

/// Returns the editor's command.
fn command() -> Result<Vec<String>, Diagnostic> {
    let no_editor = |message: &str| {
        Diagnostic::error("secrets/no-editor", message.to_owned())
            .help("set `EDITOR`, for example `EDITOR=nano`; an editor with a window needs its option to wait, such as `code --wait`")
    };
    let (name, text) = ["SOPS_EDITOR", "EDITOR"]
        .into_iter()
        .find_map(|name| variable(name).map(|text| (name, text)))
        .ok_or_else(|| no_editor("neither `SOPS_EDITOR` nor `EDITOR` says which editor to use"))?;
    shlex::split(&text)
        .filter(|words| !words.is_empty())
        .ok_or_else(|| no_editor(&format!("`{name}` is not a command: a quote is not closed")))
}

/// Returns what is edited, and its text in clear.
fn target(args: &Args, session: &mut Session<'_>) -> Result<(Target, Zeroizing<Vec<u8>>), Aborted> {
    let (root, typed) = (session.world.root.clone(), &args.file);
    let path = root.path().join(typed);
    if !path.exists() {
        let name = typed.display().to_string();
        let format = args.format.unwrap_or_else(|| Format::of(&path));
        let plain = example(format);
        let overrides = overrides(&args.rule).map_err(|finding| session.diags.abort(finding))?;
        let own = || pipeline::own_recipients(&session.world);
        let rule = rule_for(root.path(), &path, &name, plain, &overrides, &own);
        let (rule, reason) = rule.map_err(|finding| session.diags.abort(finding))?;
        if let Some(finding) = for_strangers(&rule, &reason, &overrides, &name, session) {
            return Err(session.diags.abort(finding));
        }
        let target = Target::New(path, format, name, Box::new(rule));
        return Ok((target, Zeroizing::new(plain.as_bytes().to_vec())));
    }
    let file = SecretFile::read(root.path(), typed).map_err(|finding| session.diags.abort(finding))?;
    if args.rule != RuleArgs::default() {
        return Err(session.diags.abort(
            Diagnostic::error(
                "secrets/argument",
                format!(
                    "options for a new file do not change `{}`, which is there",
                    file.name
                ),
            )
            .help("leave them out; recipients change with `clusterwright secrets rotate` and `updatekeys`"),
        ));
    }
    let identities = identities(session)?;
    let format = file.format(args.format);
    let text = file.text().map_err(|finding| session.diags.abort(finding))?;
    let mended = typed::sealed(&file, format, &identities, session.world.entropy);
    let mended = mended.map_err(|finding| session.diags.abort(finding))?;
    let text = mended.unwrap_or_else(|| text.to_owned());
    match format.decrypt(&text, &identities, MacCheck::Verify) {
        Ok(plain) => Ok((Target::Existing(file, text, format, identities), plain)),
        Err(error) => {
            let finding = of_file(&error, &file.name);
            let encrypt = format!("`clusterwright secrets encrypt -i {}`", argument(&file.name));
            Err(session.diags.abort(match error {
                SopsError::NotEncrypted => finding.help(encrypt),
                _ => finding,
            }))
        }
    }
}

/// Makes the directory for the plaintext.
fn scratch(args: &Args, session: &mut Session<'_>) -> Result<Scratch, Aborted> {
    let places = variable("XDG_RUNTIME_DIR").map(PathBuf::from).into_iter();
    let places: Vec<PathBuf> = places.chain([PathBuf::from("/dev/shm")]).collect();
    let made = match Scratch::in_memory(&places) {
        Ok(None) if args.allow_disk => Scratch::in_dir(&std::env::temp_dir()).map(Some),
        other => other,
    };
    match made {
        Ok(Some(scratch)) => Ok(scratch),
        Ok(None) => Err(session.diags.abort(
            Diagnostic::error(
                "secrets/no-memory-directory",
                "there is no directory in memory for the clear text",
            )
            .note("looked for tmpfs at `$XDG_RUNTIME_DIR` and `/dev/shm`")
            .help("use `--allow-disk` if the disk is encrypted; the file is overwritten afterwards")
            .help("or change single values with `clusterwright secrets set`, which needs no file"),
        )),
        Err(error) => {
            Err(session
                .diags
                .abort(Diagnostic::io("create", "a directory for the clear text", &error)))
        }
    }
}

fn failed(program: &str, why: &str) -> Diagnostic {
    Diagnostic::error("secrets/editor", format!("the editor `{program}` failed: {why}"))
        .note("the file is as it was")
        .help("check `SOPS_EDITOR` or `EDITOR`")
}

/// Encrypts the edited text; `None` when it says the same as before.
fn sealed(target: &Target, edited: &[u8], session: &mut Session<'_>) -> Result<Option<String>, Diagnostic> {
    let entropy = &mut *session.world.entropy;
    let new = match target {
        Target::Existing(_, text, format, identities) => format.replace(text, edited, identities, entropy),
        Target::New(_, format, _, rule) => format.encrypt(edited, rule, entropy).map(Some),
    };
    let new = new.map_err(|error| {
        let mut finding = of_file(&error, target.name());
        if let Some(span) = error.span() {
            let before = &edited[..span.start.min(edited.len())];
            let line = before.split(|byte| *byte == b'\n').count();
            finding.message.push_str(&format!(" (line {line})"));
        }
        finding
    })?;
    if let Some(text) = &new {
        configuration::guard(session.world.root.path(), target.path(), text)?;
    }
    Ok(new)
}

/// Writes the result. When somebody else wrote the file meanwhile, the edit is kept beside it, encrypted.
fn finish(target: &Target, text: &str, session: &mut Session<'_>) -> Result<(), Aborted> {
    let path = target.path();
    let name = target.name();
    let current = match target {
        Target::Existing(file, ..) => file.is_current(),
        Target::New(..) => Ok(path.symlink_metadata().is_err()),
    };
    let (format, before) = match target {
        Target::Existing(file, _, format, _) => (*format, file.text().ok()),
        Target::New(_, format, ..) => (*format, None),
    };
    numbers::warn(session, format, name, before, text);
    if current.map_err(|finding| session.diags.abort(finding))? {
        write(path, name, text, session)?;
        if let Target::Existing(file, ..) = target {
            warn_of_others(&file.path, &file.name, format, text, session);
        }
        session.ui.note(&format!("encrypted {name}"));
        return Ok(());
    }
    // An edit that was kept before stays too.
    let mut endings = (1..).map(|n| match n {
        1 => ".edited".to_owned(),
        n => format!(".edited-{n}"),
    });
    let beside = |ending: &str| {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    };
    let ending = endings
        .find(|ending| beside(ending).symlink_metadata().is_err())
        .unwrap_or_default();
    let kept = format!("{name}{ending}");
    write(&beside(&ending), &kept, text, session)?;
    Err(session.diags.abort(
        Diagnostic::error(
            "secrets/changed-meanwhile",
            format!("`{name}` was changed by somebody else meanwhile"),
        )
        .in_file(name)
        .note(format!("your edit is kept, encrypted, in `{kept}`"))
        .help(format!(
            "compare them: `clusterwright secrets diff {} {}`",
            argument(name),
            argument(&kept)
        )),
    ))
}

fn write(path: &Path, name: &str, text: &str, session: &mut Session<'_>) -> Result<(), Aborted> {
    replace_file(path, text.as_bytes(), Access::Kept)
        .map_err(|error| session.diags.abort(Diagnostic::io("write", name, &error)))
}
