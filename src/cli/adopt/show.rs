//! How `adopt` tells what it found.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::adopt::{Picked, State, Survey, Surveyed};
use crate::diag::counted;
use crate::diag::screen::{AnsiColor, ScreenStyle};
use crate::diff::redact;
use crate::diff::text::{self, FileVersions};
use crate::pipeline::Compared;

/// Up to how many files that differ are shown line by line in the list of everything.
const LISTED: usize = 40;

const STATES: [State; 9] = [
    State::Identical,
    State::SameContent,
    State::SameValues,
    State::Locked,
    State::Differs,
    State::Edited,
    State::Kept,
    State::Missing,
    State::Ours,
];

/// Shows a survey of a comparison.
pub(super) struct Show<'a> {
    pub(super) compared: &'a Compared,
    pub(super) survey: &'a Survey,
    pub(super) styled: bool,
}

impl Show<'_> {
    /// Everything: each app with what differs, what is a person's own, and what comes next.
    pub(super) fn everything(&self) -> String {
        let mut by_app: BTreeMap<&str, Vec<&Surveyed>> = BTreeMap::new();
        for file in &self.survey.files {
            by_app.entry(&file.app).or_default().push(file);
        }
        let whole = self.count(State::Differs) <= LISTED;
        let bold = ScreenStyle::new().bold();
        let mut out = String::new();
        for (app, files) in by_app {
            let counts = counts(files.iter().map(|file| file.state));
            let _ = writeln!(out, "{bold}{app}{bold:#}: {counts}");
            for file in files {
                if !matches!(file.state, State::Identical | State::Missing | State::Ours) {
                    self.file(file, whole, &mut out);
                }
            }
        }
        out.push_str(&self.beside());
        out.push_str(&self.next());
        out
    }

    /// The differences of one app.
    pub(super) fn app(&self, app: &str) -> String {
        let mut out = String::new();
        for file in self.survey.files.iter().filter(|file| file.app == app) {
            if file.state.is_adoptable() {
                self.file(file, true, &mut out);
            }
        }
        out
    }

    /// What was picked, as it will be written.
    pub(super) fn picked(&self, picked: &Picked) -> String {
        let mut out = String::new();
        let (mut replaced, mut kept, mut as_is) = (0, 0, 0);
        for file in self
            .survey
            .files
            .iter()
            .filter(|f| picked.paths.contains(&f.path))
        {
            if picked.choices.overwrite.contains(&file.path) {
                replaced += 1;
                line(AnsiColor::Yellow, "replace", file, "", &mut out);
                out.push_str(&self.sides(file).render(self.style()));
            } else if picked.choices.keep.contains(&file.path) {
                kept += 1;
                line(AnsiColor::Cyan, "keep yours", file, "", &mut out);
            } else {
                as_is += 1;
                line(AnsiColor::Green, "adopt", file, "", &mut out);
            }
        }
        let parts = [
            (replaced, "replaced by the render"),
            (kept, "kept as you wrote them"),
            (as_is, "identical"),
        ];
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, words)| format!("{count} {words}"))
            .collect();
        let _ = writeln!(
            out,
            "{}: {}.",
            counted(picked.paths.len(), "file"),
            parts.join(", ")
        );
        out
    }

    /// Everything but the files that are ours, for machines. The field names are a public contract.
    pub(super) fn machine(&self, picked: &Picked) -> Value {
        let files = self.survey.files.iter().filter(|file| file.state != State::Ours);
        let files: Vec<Value> = files.map(|file| self.machine_file(file, picked)).collect();
        json!({
            "ours": self.count(State::Ours),
            "files": files,
            "foreign": self.survey.beside,
            "elsewhere": self.survey.elsewhere,
        })
    }

    fn machine_file(&self, file: &Surveyed, picked: &Picked) -> Value {
        let mut value = json!({"path": file.path, "app": file.app, "state": file.state});
        if picked.paths.contains(&file.path) {
            value["picked"] = json!(if picked.choices.overwrite.contains(&file.path) {
                "render"
            } else if picked.choices.keep.contains(&file.path) {
                "yours"
            } else {
                "identical"
            });
        }
        if matches!(file.state, State::Identical | State::Missing) {
            return value;
        }
        let sides = self.sides(file);
        if sides.is_sensitive() {
            let diff = redact::compare(sides.old, sides.new);
            value["keys"] = json!(diff.keys);
            value["notes"] = json!(diff.notes);
        } else if let Some((added, removed)) = sides.line_counts() {
            value["added"] = json!(added);
            value["removed"] = json!(removed);
        }
        value
    }

    fn count(&self, state: State) -> usize {
        self.survey
            .files
            .iter()
            .filter(|file| file.state == state)
            .count()
    }

    fn style(&self) -> text::Escapes {
        if self.styled {
            text::Escapes::Styled
        } else {
            text::Escapes::Plain
        }
    }

    fn sides<'f>(&'f self, file: &'f Surveyed) -> FileVersions<'f> {
        let artifact = self.compared.tree.get(&file.path);
        FileVersions {
            path: &file.path,
            old: self.compared.existing.bytes(&file.path),
            new: artifact.map(|artifact| artifact.text().as_bytes()),
        }
    }

    fn file(&self, file: &Surveyed, whole: bool, out: &mut String) {
        let color = match file.state {
            State::Differs | State::Locked => AnsiColor::Yellow,
            State::Edited | State::Kept => AnsiColor::Magenta,
            _ => AnsiColor::Green,
        };
        let sides = self.sides(file);
        let lines = match sides.line_counts().filter(|_| !sides.is_sensitive()) {
            Some((added, removed)) => format!("  (+{added} -{removed})"),
            None => String::new(),
        };
        line(color, file.state.word(), file, &lines, out);
        if whole && file.state == State::Differs {
            out.push_str(&sides.render(self.style()));
        }
    }

    fn beside(&self) -> String {
        let mut out = String::new();
        for folder in &self.survey.beside {
            if out.is_empty() {
                out.push_str("\nYours, not rendered by clusterwright; it stays as it is:\n");
            }
            let files = counted(folder.files, "file");
            let wired = if folder.wired_in {
                ", listed in the rendered kustomization.yaml"
            } else {
                ""
            };
            let _ = writeln!(out, "  {}: {files}{wired}", folder.path);
        }
        out
    }

    fn next(&self) -> String {
        let mut out = String::from("\n");
        let _ = writeln!(
            out,
            "{} rendered: {}.",
            match self.survey.files.len() {
                1 => "1 file is".to_owned(),
                files => format!("{} are", counted(files, "file")),
            },
            counts(self.survey.files.iter().map(|file| file.state))
        );
        if self.survey.files.iter().any(|file| file.state.is_adoptable()) {
            out.push_str(
                "Take them over app by app with `clusterwright adopt APP`, all with `--all`; `--keep PATH` records \
                 that yours stays.\n",
            );
        }
        if self.count(State::Missing) > 0 {
            out.push_str("What is missing, `clusterwright configure` creates; adopt never does.\n");
        }
        out
    }
}

fn line(color: AnsiColor, word: &str, file: &Surveyed, lines: &str, out: &mut String) {
    let style = ScreenStyle::of(color);
    let _ = writeln!(out, "  {style}{word:<13}{style:#} {}{lines}", file.path);
}

fn counts(states: impl Iterator<Item = State>) -> String {
    let states: Vec<State> = states.collect();
    let parts: Vec<String> = STATES
        .into_iter()
        .map(|state| (states.iter().filter(|s| **s == state).count(), state))
        .filter(|(count, _)| *count > 0)
        .map(|(count, state)| match state {
            State::Differs if count > 1 => format!("{count} differ"),
            _ => format!("{count} {}", state.words()),
        })
        .collect();
    parts.join("; ")
}
