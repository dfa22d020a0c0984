//! From a text to its YAML, or to a finding that says why it is none.

use yaml::{Kind, Node, ParseError};

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
        let start = second.span.start;
        let end = text[start..]
            .find(['\n', '\r'])
            .map_or(text.len(), |length| start + length);
        let message = format!("`{name}` holds several YAML documents");
        return Err(Box::new(
            Diagnostic::error("config/several-documents", message)
                .at(source.span(start..end), "the second one starts here")
                .help("remove the `---` before it, so that all keys are in one document"),
        ));
    }
    if !matches!(root.kind, Kind::Map(_)) {
        let found = kind_word(&root);
        let end = text[root.span.start..]
            .find(['\n', '\r'])
            .map_or(root.span.end, |length| root.span.start + length);
        return Err(Box::new(
            Diagnostic::error(
                "config/not-a-mapping",
                format!("`{name}` is {found}, not a mapping"),
            )
            .at(
                source.span(root.span.start..end.min(root.span.end)),
                "expected `key: value`",
            )
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
            finding("config/not-yaml", &format!("not valid YAML: {reason}"))
            .at(source.span(at..at), "the parser stopped here")
            .help("check this line and the one before it: `key: value` with a blank after the colon, quotes around values with `: ` or ` #`, spaces and no tabs")
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
    let mut start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    for line in text[start..].split_inclusive('\n').take(2) {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line[..indentation].find('\t') {
            return Some(start + tab);
        }
        start += line.len();
    }
    None
}

/// Finds a known key whose colon is followed by its value at once, in the line where the parser stopped or the one before.
fn missing_blank(text: &str, at: usize) -> Option<(&'static str, usize)> {
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let before = text[..line_start.saturating_sub(1)]
        .rfind('\n')
        .map_or(0, |i| i + 1);
    [line_start, before].into_iter().find_map(|start| {
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
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        if offset > at {
            break;
        }
        for quote in ['"', '\''] {
            let opens = line
                .find(quote)
                .filter(|i| line[..*i].trim_end().ends_with([':', '-', '[', ',']));
            if let Some(open) = opens
                && line.matches(quote).count() % 2 == 1
            {
                return Some(offset + open);
            }
        }
        offset += line.len();
    }
    None
}
