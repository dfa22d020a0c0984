//! From a text to its YAML, or to a finding that says why it is none.

use std::ops::Range;

use yaml::{Kind, Node, ParseError, line};

use super::load::CLUSTER;
use super::schema;
use crate::diag::Diagnostic;
use crate::source::SourceId;

/// Parses a file that must be one mapping.
pub(super) fn root_of(text: &str, source: SourceId, name: &str) -> Result<Node, Box<Diagnostic>> {
    let documents = yaml::parse(text).map_err(|error| syntax(text, source, &error))?;
    let mut documents = documents.into_iter();
    let Some(root) = documents.next() else {
        let what = if text.trim().is_empty() {
            "is empty"
        } else {
            "holds only comments"
        };
        let finding = Diagnostic::error("config/empty-file", format!("`{name}` {what}")).in_file(name);
        return Err(Box::new(if name == CLUSTER {
            finding.help("delete it and run `clusterwright init` to write one with placeholders to fill in")
        } else {
            finding.help(format!(
                "delete `{name}`, or list the machines in it below `nodes:`"
            ))
        }));
    };
    if let Some(second) = documents.next() {
        let message = format!("`{name}` holds several YAML documents");
        return Err(Box::new(
            Diagnostic::error("config/several-documents", message)
                .at(source.span(second.first_line(text)), "the second one starts here")
                .help("remove the `---` before it, so that all keys are in one document"),
        ));
    }
    if !matches!(root.kind, Kind::Map(_)) {
        let found = kind_word(&root);
        return Err(Box::new(
            Diagnostic::error(
                "config/not-a-mapping",
                format!("`{name}` is {found}, not a mapping"),
            )
            .at(source.span(root.first_line(text)), "expected `key: value`")
            .help(format!(
                "write one `key: value` a line, such as {}",
                line_example(name)
            )),
        ));
    }
    Ok(root)
}

fn line_example(name: &str) -> &'static str {
    if name == CLUSTER {
        "`node_cidr: 10.10.10.0/24`"
    } else {
        "`nodes:` with a list below it"
    }
}

fn kind_word(node: &Node) -> &'static str {
    match node.kind {
        Kind::Seq(_) => "a list",
        Kind::Map(_) => "a mapping",
        Kind::Scalar { .. } | Kind::Alias(_) => "a single value",
    }
}

/// Turns what the parser says into a finding. The parser's words hold no text of the file, but for one character, which
/// is left out.
fn syntax(text: &str, source: SourceId, error: &ParseError) -> Box<Diagnostic> {
    if let Some(first) = &error.first {
        return Box::new(
            Diagnostic::error(
                "config/duplicate-key",
                format!(
                    "{} is given twice",
                    key_name(text.get(error.span.clone()).unwrap_or_default())
                ),
            )
            .at(source.span(error.span.clone()), "given again here")
            .also(source.span(first.clone()), "first given here")
            .help("remove one of the two"),
        );
    }
    let at = error.span.start.min(text.len());
    let reason = match error.message.as_str() {
        message if message.starts_with("unexpected character") => "unexpected character",
        message => message,
    };
    let finding = |code, message: &str| Diagnostic::error(code, message);
    Box::new(
        if error.message.contains("alias expands") || error.message.contains("aliases expand") {
            finding("config/alias-bomb", reason)
                .at(source.span(error.span.clone()), "")
                .help("write the values out instead of repeating them by `*` aliases")
        } else if let Some(tab) = indenting_tab(text, at) {
            finding(
                "config/tab",
                "a line is indented with a tab, which YAML does not allow",
            )
            .at(source.span(tab..tab + 1), "tab")
            .help("indent with two spaces per level")
        } else if let Some(quote) = unclosed_quote(text, at, error) {
            finding("config/unclosed-quote", "a quote is not closed")
                .at(source.span(quote..quote + 1), "opened here")
                .help("close it at the end of the value, or remove it")
        } else if let Some((key, place)) = missing_colon(text, at) {
            finding("config/not-yaml", &format!("there is no colon after `{key}`"))
                .at(
                    source.span(place),
                    "a colon and a blank are needed after this key",
                )
                .help(format!("write `{key}: ` before the value"))
        } else if let Some((key, colon)) = missing_blank(text, at) {
            finding("config/not-yaml", &format!("there is no blank after `{key}:`"))
                .at(
                    source.span(colon..colon + 1),
                    "a blank is needed after this colon",
                )
                .help(format!("write `{key}: ` before the value"))
        } else if error.message.contains("depth")
            || error.message.contains("nest")
            || error.message.contains("recursion")
        {
            finding("config/too-deep", "values are nested too deeply")
                .at(source.span(at..at), reason)
                .help("remove the extra levels")
        } else {
            let found = finding("config/not-yaml", &format!("not valid YAML: {reason}"))
                .at(source.span(at..at), "the parser stopped here");
            let start = line::start(text, at);
            // Between the slip and the place where it shows there may be any number of comments.
            let found = match content_before(text, at) {
                Some(before) if line::next(text, before) < start => {
                    let end = before + text[before..].lines().next().unwrap_or_default().trim_end().len();
                    found.also(
                        source.span(before..end),
                        "the last line before it that is no comment",
                    )
                }
                _ => found,
            };
            found.help("check this line and the one before it: `key: value` with a blank after the colon, quotes around values with `: ` or ` #`, spaces and no tabs")
        },
    )
}

/// Returns how a message names a key: only keys of the schema are quoted.
pub(super) fn key_name(key: &str) -> String {
    let mut known = schema::keys().top().chain(schema::keys().node());
    if known.any(|known| known == key) {
        format!("`{key}`")
    } else {
        "a key".to_owned()
    }
}

/// Finds a tab in the indentation of the line where the parser stopped, or of the next one: it may stop before it.
fn indenting_tab(text: &str, at: usize) -> Option<usize> {
    let first = line::start(text, at);
    [first, line::next(text, first)].into_iter().find_map(|start| {
        let rest = &text[start..];
        let indentation = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest[..indentation].find('\t').map(|tab| start + tab)
    })
}

/// Returns the start of the last line above a place that is neither blank nor a comment.
fn content_before(text: &str, at: usize) -> Option<usize> {
    let above = &text[..line::start(text, at)];
    let lines = line::all(above).filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    lines.last().map(|(start, _)| start)
}

/// Finds a known key without a colon, in the line where the parser stopped or the last one above it that counts.
fn missing_colon(text: &str, at: usize) -> Option<(&'static str, Range<usize>)> {
    let lines = [Some(line::start(text, at)), content_before(text, at)];
    lines.into_iter().flatten().find_map(|start| {
        let line = text[start..].lines().next()?;
        let written = line.trim_start_matches([' ', '-']);
        let from = start + line.len() - written.len();
        let (key, rest) = written.split_at(written.find([' ', '\t']).unwrap_or(written.trim_end().len()));
        let known = schema::keys().top().chain(schema::keys().node());
        let known = known.into_iter().find(|known| *known == key)?;
        (!rest.trim_start().starts_with(':')).then_some((known, from..from + key.len()))
    })
}

/// Finds a known key whose colon is followed by its value at once, in the line where the parser stopped or the one before.
fn missing_blank(text: &str, at: usize) -> Option<(&'static str, usize)> {
    let start = line::start(text, at);
    let before = line::start(text, start.saturating_sub(1));
    [start, before].into_iter().find_map(|start| {
        let line = text[start..].lines().next()?;
        let (key, value) = line.split_once(':')?;
        let known = schema::keys().top().chain(schema::keys().node());
        let known = known
            .into_iter()
            .find(|known| *known == key.trim_start_matches([' ', '-']))?;
        let glued = !value.is_empty() && !value.starts_with([' ', '\t']);
        glued.then_some((known, start + key.len()))
    })
}

/// Finds the quote that opens the scalar in which the text ended or went wrong.
fn unclosed_quote(text: &str, at: usize, error: &ParseError) -> Option<usize> {
    let quoted = error.message.contains("quoted scalar") || error.message.contains("quote");
    if !quoted {
        return None;
    }
    // The opening quote is the first one after a line's `key: ` or `- ` that its line does not close.
    for (start, line) in line::all(text).take_while(|(start, _)| *start <= at) {
        for quote in ['"', '\''] {
            let opens = line
                .find(quote)
                .filter(|i| line[..*i].trim_end().ends_with([':', '-', '[', ',']));
            if let Some(open) = opens
                && line.matches(quote).count() % 2 == 1
            {
                return Some(start + open);
            }
        }
    }
    None
}
