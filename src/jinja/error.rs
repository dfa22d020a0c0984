//! What is wrong in a template, with its place in the text that the person wrote.

use std::collections::BTreeMap;
use std::ops::Range;

use minijinja::{Environment, ErrorKind};

use super::Source;
use super::words::{FILTERS, FUNCTIONS, TESTS};
use crate::bounds::Limit;
use crate::diag::{Diagnostic, Diagnostics};
use crate::plan::closest;

/// Something wrong in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The path that findings show, and the text.
    source: Option<(String, String)>,
    range: Option<Range<usize>>,
    code: &'static str,
    /// What is wrong.
    pub message: String,
    notes: Vec<String>,
    help: Vec<String>,
}

impl Fault {
    /// Returns the finding.
    pub fn into_diagnostic(self, diags: &mut Diagnostics) -> Diagnostic {
        let mut finding = Diagnostic::error(self.code, self.message);
        if let Some((shown, text)) = self.source {
            finding = match self.range {
                Some(range) => {
                    let id = diags.sources.add(shown, text);
                    finding.at(id.span(range), "")
                }
                None => finding.in_file(shown),
            };
        }
        let finding = self.notes.into_iter().fold(finding, Diagnostic::note);
        self.help.into_iter().fold(finding, Diagnostic::help)
    }

    /// Returns the same place with the limit that was met there.
    #[must_use]
    pub(super) fn of_limit(mut self, limit: &Limit) -> Self {
        self.code = "template/limit";
        self.message = limit.to_string();
        let finding = limit.finding();
        (self.notes, self.help) = (finding.notes, finding.help);
        self
    }

    /// Changes all words, as to take out what must not be shown.
    #[must_use]
    pub fn map_words(mut self, change: impl Fn(&str) -> String) -> Self {
        self.message = change(&self.message);
        for text in self.notes.iter_mut().chain(&mut self.help) {
            *text = change(text);
        }
        self
    }
}

/// Reads an error of the engine. Its own long form shows values, so only its parts are used.
pub(super) fn fault(
    env: &Environment<'_>,
    sources: &BTreeMap<String, Source>,
    name: &str,
    error: &minijinja::Error,
) -> Fault {
    let inner = innermost(error);
    let name = inner.name().unwrap_or(name);
    let source = sources.get(name);
    let range = source.and_then(|source| place(source, inner));
    let quoted = source
        .zip(range.clone())
        .and_then(|(source, range)| source.text.get(range));
    let mut fault = Fault {
        source: source.map(|source| (source.shown.clone(), source.text.clone())),
        range,
        code: "template/render",
        message: message(inner),
        notes: Vec::new(),
        help: Vec::new(),
    };
    match inner.kind() {
        ErrorKind::SyntaxError | ErrorKind::InvalidDelimiter => fault.code = "template/syntax",
        ErrorKind::UndefinedError => {
            fault.code = "template/unknown-name";
            undefined(&mut fault, env, quoted);
        }
        ErrorKind::UnknownFunction => unknown(
            &mut fault,
            env,
            "function",
            FUNCTIONS.into_iter().map(str::to_owned),
        ),
        ErrorKind::UnknownFilter => {
            unknown(&mut fault, env, "filter", FILTERS.into_iter().map(str::to_owned));
        }
        ErrorKind::UnknownTest => {
            unknown(&mut fault, env, "test", TESTS.into_iter().map(str::to_owned));
        }
        ErrorKind::TemplateNotFound => {
            if let Some(near) =
                missing(inner).and_then(|wanted| closest(wanted, sources.keys().map(String::as_str)))
            {
                fault.help.push(format!("did you mean `{near}`?"));
            }
            fault
                .help
                .push("paths start at the folder of the templates".to_owned());
        }
        _ => {}
    }
    if let Some((range, limit)) = source.and_then(|source| source.rewritten.limit.clone()) {
        fault = fault.of_limit(&limit);
        fault.range = Some(range);
    }
    if inner.kind() == ErrorKind::OutOfFuel {
        fault = fault.of_limit(&Limit::instructions());
    }
    if name_differs(error, name) {
        fault
            .notes
            .push("it is included from another template".to_owned());
    }
    fault
}

/// An error in an included template is the source of one in the template that includes it.
fn innermost(error: &minijinja::Error) -> &minijinja::Error {
    let mut inner = error;
    while let Some(source) = std::error::Error::source(inner).and_then(|source| source.downcast_ref()) {
        inner = source;
    }
    inner
}

fn name_differs(error: &minijinja::Error, name: &str) -> bool {
    error.name().is_some_and(|outer| outer != name)
}

/// The place in the original; the whole line where the engine knows no more.
fn place(source: &Source, error: &minijinja::Error) -> Option<Range<usize>> {
    if let Some(range) = error.range()
        && range.end <= source.rewritten.text.len()
    {
        let range = source.rewritten.original(&range);
        let text = source.text.get(range.clone())?;
        // An expression may reach over lines; its first one tells enough.
        let first = text.find('\n').map_or(text.len(), |end| end.max(1));
        return Some(range.start..range.start + first);
    }
    let line = error.line()?;
    let start: usize = source
        .text
        .split_inclusive('\n')
        .take(line - 1)
        .map(str::len)
        .sum();
    let text = source.text[start..].lines().next().unwrap_or_default();
    let blanks = text.len() - text.trim_start().len();
    Some(start + blanks..start + text.trim_end().len().max(blanks))
}

/// What is wrong in one phrase.
fn message(error: &minijinja::Error) -> String {
    let detail = error.detail().unwrap_or_default();
    // The names of what the rewriting put in mean nothing to people.
    let detail = detail
        .replace("__percent", "%")
        .replace("__list", "list")
        .replace("__dict", "dict")
        .replace("__plain_", "");
    match error.kind() {
        ErrorKind::UndefinedError if detail.is_empty() => "a name that nothing defines is used".to_owned(),
        ErrorKind::UnknownMethod if detail.is_empty() => "there is no such method".to_owned(),
        kind if detail.is_empty() => kind.to_string(),
        _ => detail,
    }
}

fn undefined(fault: &mut Fault, env: &Environment<'_>, quoted: Option<&str>) {
    let names: Vec<String> = env
        .globals()
        .map(|(name, _)| name.to_owned())
        .filter(|name| !name.starts_with("__"))
        .collect();
    let word = quoted.map(|text| {
        text.split(|c: char| !c.is_alphanumeric() && c != '_')
            .next()
            .unwrap_or_default()
    });
    let Some(word) = word.filter(|word| !word.is_empty()) else {
        return;
    };
    if names.iter().any(|name| name == word) {
        return;
    }
    if let Some(near) = closest(word, names.iter().map(String::as_str)) {
        fault.help.push(format!("did you mean `{near}`?"));
    }
    fault
        .help
        .push(format!("give `{word}` a value, or write `{word}|default('')`"));
}

/// A function, filter or test that is not there: misspelt, or some plugin's Python.
fn unknown(fault: &mut Fault, env: &Environment<'_>, what: &str, more: impl Iterator<Item = String>) {
    fault.code = "template/unknown-name";
    let name = fault
        .message
        .split_whitespace()
        .find(|word| {
            word.chars().all(|c| c.is_alphanumeric() || c == '_')
                && ![
                    "filter", "test", "is", "unknown", "function", "called", "does", "not", "exist",
                ]
                .contains(word)
        })
        .map(str::to_owned);
    let Some(name) = name else { return };
    fault.message = format!("there is no {what} `{name}`");
    let names: Vec<String> = match what {
        "function" => env
            .globals()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !name.starts_with("__"))
            .chain(more)
            .collect(),
        _ => more.collect(),
    };
    if let Some(near) = closest(&name, names.iter().map(String::as_str)) {
        fault.help.push(format!("did you mean `{near}`?"));
    }
    fault
        .notes
        .push(format!("a {what} that a Python plugin defines cannot run here"));
    fault.help.push(format!(
        "put what `{name}` gives into a data file (`--data FILE` in raw mode, `vars:` in cluster.yaml otherwise) and read it by name"
    ));
}

/// The name of a template that is not there.
fn missing(error: &minijinja::Error) -> Option<&str> {
    error.detail()?.split(['"', '`']).nth(1)
}
