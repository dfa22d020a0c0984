//! `clusterwright doctor`: is everything around the configuration in order?

use serde_json::{Value, json};

use super::configure::private_file;
use super::exit::Exit;
use super::help::{Help, KEYS};
use super::ui::OutputFormat;
use super::{Outcome, Session};
use crate::config::CONFIG_FILES;
use crate::diag::screen::{self, AnsiColor, ScreenStyle};
use crate::diag::{Diagnostic, Diagnostics, Severity};
use crate::pipeline::{self, Run, World};
use crate::raw;
use crate::render::SCHEMA_COPY;
use crate::secrets::list;
use crate::secrets::status::{self, Configs};
use crate::sys::SecretText;
use crate::sys::root::{Root, limits};
use crate::tree::RepoPath;
use crate::vcs::{Git, private};
use crate::world::lock::Lock;
use crate::world::{secrecy, side};
use crate::write;

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = Help {
    examples: &[
        ("doctor", "What is missing or out of order around cluster.yaml"),
        ("doctor -o json", "The same for a script"),
    ],
    environment: &[KEYS],
    ..Help::default()
})]
pub(super) struct Args {}

/// Who can decrypt what is committed.
const SOPS_CONFIG: &str = ".sops.yaml";

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ok,
    /// Nothing is broken, but someone should look.
    Note,
    Broken,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Broken => "broken",
        }
    }

    fn style(self) -> ScreenStyle {
        let color = match self {
            Self::Ok => AnsiColor::Green,
            Self::Note => AnsiColor::Yellow,
            Self::Broken => AnsiColor::Red,
        };
        ScreenStyle::of(color)
    }
}

/// What kind of place it is, by its configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where the repository is worked on, or should be.
    Home,
    /// One without the private files, as in CI.
    Keyless,
    /// One whose own templates are rendered.
    Raw,
}

/// One line of the report.
struct Line {
    state: State,
    what: String,
    mend: Option<String>,
}

#[derive(Default)]
struct Report {
    lines: Vec<Line>,
}

impl Report {
    fn add(&mut self, state: State, what: impl Into<String>, mend: Option<&str>) {
        self.lines.push(Line {
            state,
            what: what.into(),
            mend: mend.map(str::to_owned),
        });
    }

    fn ok(&mut self, what: impl Into<String>) {
        self.add(State::Ok, what, None);
    }

    /// Adds what a finding says, with the first way to mend it.
    fn finding(&mut self, finding: &Diagnostic) {
        let state = if finding.severity == Severity::Error {
            State::Broken
        } else {
            State::Note
        };
        self.add(
            state,
            finding.message.clone(),
            finding.help.first().map(String::as_str),
        );
    }
}

/// Looks at everything and changes nothing.
#[expect(clippy::unnecessary_wraps, reason = "every command has this signature")]
pub(super) fn run(_: &Args, session: &mut Session<'_>) -> Outcome {
    let root = session.world.root.clone();
    let mut report = Report::default();
    interrupted(&root, &mut report);
    let (place, schema) = configuration(&mut session.world, &mut report);
    age_key(&session.world, place, &mut report);
    side_files(&root, place, &mut report);
    git(&root, &mut report);
    sealed(&root, &mut report);
    schema_copy(&root, schema.as_deref(), &mut report);
    lock(&root, &mut report);
    let broken = report
        .lines
        .iter()
        .filter(|line| line.state == State::Broken)
        .count();
    if session.ui.format != OutputFormat::Json {
        for Line { state, what, mend } in &report.lines {
            let style = state.style();
            let mend = mend.as_ref().map(|mend| format!(": {mend}")).unwrap_or_default();
            let words = format!("{what}{mend}");
            let line = format!("{style}{:<6}{style:#} {}", state.word(), screen::line(&words));
            session.ui.line(&line);
        }
    }
    let checks: Vec<Value> = report
        .lines
        .iter()
        .map(|line| json!({"state": line.state.word(), "what": line.what, "mend": line.mend}))
        .collect();
    let exit = if broken == 0 { Exit::Success } else { Exit::Failure };
    Ok((exit, Some(json!({"checks": checks}))))
}

fn interrupted(root: &Root, report: &mut Report) {
    if !write::is_interrupted(root) {
        return report.ok("no run was interrupted");
    }
    match write::examine(root) {
        Ok(()) => {
            let mend = "run `clusterwright configure`, which finishes it or takes it back";
            report.add(State::Broken, "a run was interrupted while it wrote", Some(mend));
        }
        // A journal that counts for nothing, which `configure` refuses as well.
        Err(finding) => report.finding(&finding),
    }
}

/// Looks at the configuration; returns with the place the text of its schema, if that is known.
fn configuration(world: &mut World<'_>, report: &mut Report) -> (Place, Option<String>) {
    let is_raw = raw::is_raw(&world.root);
    let mut diags = Diagnostics::default();
    let run = Run::new(world, &mut diags);
    let decided = run.configuration().and_then(|all| run.plan().map(|_| all));
    let read = decided.map(|configuration| {
        let tunnel_id = &configuration.cluster.cloudflare.cloudflare_tunnel_id;
        (
            configuration.secrets.keys.identities().is_some(),
            tunnel_id.is_some(),
        )
    });
    let schema = run.catalog().map(|catalog| catalog.vocabulary().text()).ok();
    drop(run);
    if read.is_err() && is_raw {
        report.add(
            State::Note,
            format!(
                "`{}` says that your own templates are rendered; cluster.yaml is their data",
                raw::SETTINGS
            ),
            Some("`clusterwright configure --raw --check` looks at them"),
        );
        return (Place::Raw, schema);
    }
    // Side files have lines of their own.
    let count = |severity: Severity| {
        let has_line = |code: &str| code.starts_with("side/") || code == "seal/other-key";
        let own = |finding: &&&Diagnostic| finding.severity == severity && !has_line(finding.code);
        diags.sorted().iter().filter(own).count()
    };
    match (count(Severity::Error), count(Severity::Warning)) {
        (0, 0) => report.ok("cluster.yaml is valid"),
        (0, warnings) => report.add(
            State::Note,
            format!("cluster.yaml is valid, with warnings ({warnings})"),
            Some("`clusterwright validate` shows them"),
        ),
        (errors, _) => report.add(
            State::Broken,
            format!("cluster.yaml has errors ({errors})"),
            Some("`clusterwright validate` shows them"),
        ),
    }
    if let Ok((_, false)) = read {
        tunnel_for_ci(&world.root, report);
    }
    let place = match read {
        Ok((false, _)) => Place::Keyless,
        _ => Place::Home,
    };
    (place, schema)
}

/// Adds a line where an encrypted `cluster.yaml`, which is one to commit, renders only beside the file of the tunnel: it
/// does not name the tunnel itself.
fn tunnel_for_ci(root: &Root, report: &mut Report) {
    let is_sealed = |text: SecretText| secrecy::is_encrypted_text(text.expose());
    if !side::read(root, CONFIG_FILES[0]).is_ok_and(|text| text.is_some_and(is_sealed)) {
        return;
    }
    // What is wrong with the file has a line of its own.
    let Ok(Some(text)) = side::read(root, side::TUNNEL) else {
        return;
    };
    let Ok(tunnel) = side::Tunnel::parse(&text) else {
        return;
    };
    report.add(
        State::Note,
        format!(
            "cluster.yaml is encrypted and has no `cloudflare_tunnel_id`: it renders only where `{}` is",
            side::TUNNEL
        ),
        Some(&format!("for CI, add `cloudflare_tunnel_id: {}`", tunnel.id)),
    );
}

fn side_files(root: &Root, place: Place, report: &mut Report) {
    for name in [side::PUSH_TOKEN, side::DEPLOY_KEY, side::TUNNEL] {
        let found =
            side::read(root, name).and_then(|text| text.map(|text| side::check(name, &text)).transpose());
        match found {
            Ok(Some(())) => present(root, name, report),
            Ok(None) if place == Place::Keyless => report.add(
                State::Note,
                format!("`{name}` is not here, and need not be: what is sealed of it stays as it is"),
                None,
            ),
            Ok(None) if place == Place::Raw => report.add(
                State::Note,
                format!("`{name}` is not here"),
                Some("only templates that use it need it"),
            ),
            Ok(None) if name == side::DEPLOY_KEY => report.add(
                State::Note,
                format!("`{name}` is not here"),
                Some("only a private repository needs it; `clusterwright init` creates it"),
            ),
            Ok(None) if name == side::TUNNEL => {
                report.add(
                    State::Broken,
                    format!("`{name}` is missing"),
                    Some(side::TUNNEL_HOW[0]),
                );
            }
            Ok(None) => report.add(
                State::Broken,
                format!("`{name}` is missing"),
                Some("copy it here from where you keep it, or run `clusterwright init`, which creates it"),
            ),
            Err(finding) => report.finding(&finding),
        }
    }
}

/// Adds the line of a private file that is there and holds what it should.
fn present(root: &Root, name: &str, report: &mut Report) {
    if is_open(root, name) {
        report.add(
            State::Note,
            format!("`{name}` can be read by other users of this machine"),
            Some(&format!("`chmod 600 {name}`")),
        );
    } else {
        report.ok(format!("`{name}` is there"));
    }
}

/// Returns whether others than the owner can read a file.
#[cfg(unix)]
fn is_open(root: &Root, name: &str) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    // A private file may be a link, and what counts is what it names.
    let metadata = root.path().join(name).metadata();
    metadata.is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn is_open(_: &Root, _: &str) -> bool {
    false
}

fn age_key(world: &World<'_>, place: Place, report: &mut Report) {
    let mut diags = Diagnostics::default();
    let Ok(found) = pipeline::identities(world, &mut diags) else {
        return diags.sorted().iter().for_each(|finding| report.finding(finding));
    };
    let here = private::is_there(&world.root, side::AGE_KEY);
    let found = found.filter(|found| pipeline::has_own_key(world, found));
    match &found {
        Some(_) if here => present(&world.root, side::AGE_KEY, report),
        Some(_) => report.ok("the private key comes from the environment"),
        None if place == Place::Home => report.add(
            State::Broken,
            format!("`{}` is missing: nothing can be sealed or opened", side::AGE_KEY),
            Some(match pipeline::sealed_already(&world.root) {
                Some(_) => "copy it here from where you keep it: this repository is sealed for it already",
                None => "copy it here from where you keep it, or run `clusterwright init`, which creates it",
            }),
        ),
        None => report.add(
            State::Note,
            "no private key is here: what is sealed is compared as far as that goes, and nothing is sealed or opened",
            Some("copy age.key here from where you keep it to do more"),
        ),
    }
    let Ok(config) = world.root.read_text(SOPS_CONFIG, limits::CONFIG) else {
        return report.add(
            State::Note,
            format!("there is no `{SOPS_CONFIG}`: nothing is sealed yet"),
            Some("run `clusterwright configure`"),
        );
    };
    let Some(found) = found else { return };
    let ours = found.all.recipients();
    if ours.iter().any(|recipient| config.contains(recipient.as_str())) {
        report.ok(format!("the key here is among the recipients in `{SOPS_CONFIG}`"));
    } else {
        report.add(State::Broken, pipeline::OTHER_KEY, Some(pipeline::OTHER_KEY_HOW));
    }
}

fn git(root: &Root, report: &mut Report) {
    let git = match Git::discover(root.path()) {
        Ok(Some(git)) => git,
        Ok(None) => {
            let mend = "Flux follows a git repository: `git init`";
            return report.add(State::Note, "this is no git repository", Some(mend));
        }
        Err(finding) => return report.finding(&finding),
    };
    let before = report.lines.len();
    let clear = pipeline::clear_configs(root, &pipeline::vocabulary_of_any(root));
    for name in clear.iter().chain(&side::PRIVATE[1..]) {
        let Ok(path) = RepoPath::parse(name) else { continue };
        match private_file(&git, &path) {
            Ok(finding) => finding.iter().for_each(|finding| report.finding(finding)),
            Err(finding) => report.finding(&finding),
        }
    }
    let config = CONFIG_FILES[0];
    let ignored = RepoPath::parse(config).is_ok_and(|path| git.is_ignored(&path).unwrap_or(false));
    if root.is_file(config) && !clear.contains(&config) && ignored {
        report.add(
            State::Note,
            format!("`{config}` holds no secret in clear, and git ignores it"),
            Some(&format!("take `/{config}` out of .gitignore to commit it")),
        );
    }
    if report.lines.len() == before {
        report.ok("no private file is tracked by git, and all are ignored");
    }
}

/// Adds the SOPS files that hide nothing, or not all that they should.
fn sealed(root: &Root, report: &mut Report) {
    const IN_CLEAR: [&str; 3] = ["secrets/no-block", "secrets/not-encrypted", "secrets/plain-value"];
    let listed = list(root.path(), &[]);
    let found = listed.and_then(|listed| status::look(root.path(), &listed.files, &mut Configs::default()));
    let found = match found {
        Ok(found) => found,
        Err(finding) => return report.finding(&finding),
    };
    let clear = found.iter().flat_map(|(status, all)| {
        let clear = all.iter().filter(|finding| IN_CLEAR.contains(&finding.code));
        clear.map(|finding| (status.path.as_str(), finding))
    });
    let before = report.lines.len();
    for (path, finding) in clear {
        let what = if finding.message.contains(path) {
            finding.message.clone()
        } else {
            format!("{}: {}", path, finding.message)
        };
        report.add(State::Broken, what, finding.help.first().map(String::as_str));
    }
    if report.lines.len() == before && !found.is_empty() {
        report.ok(format!("SOPS files hide what they should: {}", found.len()));
    }
}

fn schema_copy(root: &Root, schema: Option<&str>, report: &mut Report) {
    // What is wrong with a template has a line of its own.
    let Some(schema) = schema else { return };
    match root.read_text(SCHEMA_COPY, limits::CONFIG) {
        Ok(text) if text == schema => {
            report.ok(format!("`{SCHEMA_COPY}` is that of this version"));
        }
        Ok(_) => report.add(
            State::Note,
            format!("`{SCHEMA_COPY}` is that of another version"),
            Some("run `clusterwright configure`, which renews it"),
        ),
        Err(_) => report.add(
            State::Note,
            format!("`{SCHEMA_COPY}` is missing: your editor cannot help with cluster.yaml"),
            Some("run `clusterwright init`"),
        ),
    }
}

fn lock(root: &Root, report: &mut Report) {
    let mut diags = Diagnostics::default();
    match Lock::read(root, &mut diags) {
        Ok(lock) if lock.entries.is_empty() => report.add(
            State::Note,
            "clusterwright.lock is not there yet",
            Some("run `clusterwright configure`"),
        ),
        Ok(lock) => report.ok(format!(
            "clusterwright.lock is readable; files that are ours: {}",
            lock.entries.len()
        )),
        Err(_) => diags.sorted().iter().for_each(|finding| report.finding(finding)),
    }
}
