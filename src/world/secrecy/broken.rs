//! Secrets in documents that are no YAML, such as one with the marks of a merge, a key twice, or what Helm prints in it: read
//! by their lines and their columns.

use std::ops::Range;

use yaml::{Kind, line};
use zeroize::Zeroizing;

use super::objects::SECTIONS;
use super::values::SecretValue;

/// What stands at the start of a line that belongs to no object: the marks of a merge, of documents, of Helm.
const MARKS: [&str; 6] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||", "---", "{{"];

/// How many closing brackets are tried for the end of a mapping in brackets.
const BRACKETS: usize = 32;

/// A line without its line break.
#[derive(Clone, Copy)]
struct Line<'t> {
    /// Where its content starts, in bytes of the whole text.
    start: usize,
    /// The column of its content; of an item's first line, that behind the dash.
    column: usize,
    /// What stands there, without blanks around it.
    content: &'t str,
}

impl<'t> Line<'t> {
    fn is_nothing(&self) -> bool {
        self.content.is_empty() || self.content.starts_with('#') || self.is_mark()
    }

    fn is_mark(&self) -> bool {
        MARKS.iter().any(|mark| self.content.starts_with(mark))
    }

    fn is_item(&self) -> bool {
        self.content == "-" || self.content.starts_with("- ")
    }

    /// Returns the line behind its dash.
    fn behind_dash(self) -> Self {
        let content = self.content[1..].trim_start();
        let skipped = self.content.len() - content.len();
        Self {
            start: self.start + skipped,
            column: self.column + skipped,
            content,
        }
    }

    /// Returns the kind that the line gives, where it has the key `kind`.
    fn kind(&self) -> Option<&'t str> {
        let (key, rest) = entry(self.content)?;
        (key == "kind").then(|| {
            let word = rest.split([' ', '\t', ',', '}']).next().unwrap_or_default();
            word.trim_matches(['"', '\''])
        })
    }
}

/// Returns whether a line says that something is a Secret.
pub(super) fn says_secret(text: &str) -> bool {
    let content = text.trim().trim_start_matches(['-', '{', ' ']);
    let start = 0;
    let column = 0;
    let line = Line {
        start,
        column,
        content,
    };
    line.kind() == Some("Secret")
}

/// Takes a key and what stands behind its colon.
fn entry(content: &str) -> Option<(&str, &str)> {
    let quote = content.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (key, rest) = match quote {
        Some(quote) => content[1..].split_once(quote)?,
        None => content.split_at(content.find(':')?),
    };
    let rest = rest.trim_start().strip_prefix(':')?;
    (rest.is_empty() || rest.starts_with([' ', '\t']) || quote.is_some())
        .then(|| (key.trim_end(), rest.trim_start()))
}

/// Adds the values of the Secrets in a document of a text.
pub(super) fn values(text: &str, range: Range<usize>, found: &mut Vec<SecretValue>) {
    let lines: Vec<Line<'_>> = line::all(&text[range.clone()])
        .map(|(start, line)| {
            let column = line.len() - line.trim_start().len();
            let start = range.start + start + column;
            let content = line.trim();
            Line {
                start,
                column,
                content,
            }
        })
        .collect();
    let is_key = |line: &&Line<'_>| !line.is_nothing() && line.content != "{";
    let Some(first) = lines.iter().find(is_key) else {
        return;
    };
    let base = first.column;
    let list = lines
        .iter()
        .filter(|line| line.column == base)
        .find_map(|line| line.kind()?.strip_suffix("List"));
    if list.is_none() && !first.is_item() {
        object(text, &lines, base, None, found);
        return;
    }
    let Some(dash) = lines.iter().find(|line| line.is_item()).map(|line| line.column) else {
        return;
    };
    let starts: Vec<usize> = (0..lines.len())
        .filter(|at| lines[*at].is_item() && lines[*at].column == dash)
        .collect();
    for (number, start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(lines.len());
        let mut item = lines[*start..end].to_vec();
        item[0] = item[0].behind_dash();
        let base = item[0].column;
        object(text, &item, base, list, found);
    }
}

/// Adds the values of one object, whose keys stand in a column. `typed` is the kind of what says none.
fn object(text: &str, lines: &[Line<'_>], base: usize, typed: Option<&str>, found: &mut Vec<SecretValue>) {
    let own = lines.iter().filter(|line| line.column == base);
    let kinds: Vec<&str> = own.filter_map(Line::kind).collect();
    // Both sides of a merge may say one.
    if !(kinds.contains(&"Secret") || kinds.is_empty() && typed == Some("Secret")) {
        return;
    }
    let mut section = None;
    let mut open: Option<Open<'_>> = None;
    for line in lines {
        if line.content.is_empty() || line.is_mark() {
            continue;
        }
        if line.column <= base {
            close(open.take(), found);
            if line.content.starts_with('#') {
                continue;
            }
            let entry = entry(line.content);
            section = entry.and_then(|(key, _)| SECTIONS.into_iter().find(|section| *section == key));
            if let (Some(name), Some((_, rest))) = (section, entry)
                && rest.starts_with('{')
                && bracketed(text, line.start + line.content.len() - rest.len(), name, found)
            {
                section = None;
            }
            continue;
        }
        let Some(section) = section else { continue };
        if let Some(open) = &mut open
            && line.column > open.column
        {
            if open.is_block || !line.content.starts_with('#') {
                open.push(line.start, line.content);
            }
            continue;
        }
        close(open.take(), found);
        if !line.content.starts_with('#') {
            open = Open::new(section, line);
        }
    }
    close(open, found);
}

/// A value whose lines are not all read.
struct Open<'t> {
    section: &'static str,
    key: &'t str,
    /// The column of its key: deeper lines belong to it.
    column: usize,
    /// Whether it is a block text, in which a `#` starts no comment.
    is_block: bool,
    parts: Vec<&'t str>,
    span: Range<usize>,
}

impl<'t> Open<'t> {
    fn new(section: &'static str, line: &Line<'t>) -> Option<Self> {
        let (key, mut rest) = entry(line.content)?;
        // Anchors and tags stand before the value.
        while rest.starts_with(['&', '!']) {
            rest = rest
                .split_once([' ', '\t'])
                .map_or("", |(_, rest)| rest.trim_start());
        }
        let mut open = Self {
            section,
            key,
            column: line.column,
            is_block: rest.starts_with(['|', '>']),
            parts: Vec::new(),
            span: 0..0,
        };
        let at = line.start + line.content.len() - rest.len();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        if let Some(quote) = quote {
            let inner = &rest[1..];
            open.push(at + 1, inner.split(quote).next().unwrap_or_default());
        } else if !open.is_block && !rest.starts_with(['*', '#']) {
            let end = rest.find(" #").unwrap_or(rest.len());
            open.push(at, rest[..end].trim_end());
        }
        Some(open)
    }

    /// Takes a line, or a part of one, but for what another program prints.
    fn push(&mut self, start: usize, part: &'t str) {
        if part.is_empty() || part.contains("{{") {
            return;
        }
        if self.parts.is_empty() {
            self.span.start = start;
        }
        self.span.end = start + part.len();
        self.parts.push(part);
    }
}

fn close(open: Option<Open<'_>>, found: &mut Vec<SecretValue>) {
    let Some(open) = open.filter(|open| !open.parts.is_empty()) else {
        return;
    };
    found.push(SecretValue {
        section: open.section,
        key: open.key.to_owned(),
        value: Zeroizing::new(open.parts.join("\n")),
        span: open.span,
    });
}

/// Adds the values of a mapping in brackets that starts at a place; returns whether there is one.
fn bracketed(text: &str, at: usize, section: &'static str, found: &mut Vec<SecretValue>) -> bool {
    let ends = text[at..].match_indices('}').take(BRACKETS);
    let parsed = ends
        .filter_map(|(end, _)| yaml::parse(&text[at..=at + end]).ok())
        .find(|documents| documents.len() == 1);
    let Some(documents) = parsed else { return false };
    for (key, value) in documents.iter().flat_map(yaml::Node::entries) {
        if let Kind::Scalar { value: written, .. } = &value.kind {
            found.push(SecretValue {
                section,
                key: key.as_str().unwrap_or_default().to_owned(),
                value: Zeroizing::new(written.clone()),
                span: value.span.start + at..value.span.end + at,
            });
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is found in a text that is no YAML, with what stands at its place.
    fn found(text: &str) -> Vec<String> {
        assert!(yaml::parse(text).is_err(), "it is YAML: {text}");
        let mut found = Vec::new();
        values(text, 0..text.len(), &mut found);
        let told = |one: &SecretValue| {
            let lines = text[one.span.clone()].trim_matches('"').lines().map(str::trim);
            let there: Vec<&str> = lines.filter(|line| !line.is_empty()).collect();
            assert_eq!(there.join("\n"), *one.value, "{text}");
            format!("{}.{}={}", one.section, one.key, *one.value)
        };
        found.iter().map(told).collect()
    }

    #[test]
    fn a_secret_is_read_however_its_lines_are_written() {
        for text in [
            "kind: Secret\nstringData:\n  a: hunter2\n",
            "kind: \"Secret\"\nstringData:\n  a: hunter2\n",
            "kind: 'Secret' # mine\nstringData: # x\n  a: hunter2 # x\n",
            "\"kind\": Secret\r\n\"stringData\":\r\n  \"a\": \"hunter2\"\r\n",
            "kind: Secret\nstringData:\n    # x\n    a: 'hunter2'\n",
            "kind: Secret\nstringData:\n  a: |\n    hunter2\n",
            "kind: Secret\nstringData:\n  a: >-\n      hunter2\n",
            "kind: Secret\nstringData:\n  a: |2 # x\n    hunter2\n",
            "kind: Secret\nstringData:\n  a:\n    hunter2\n",
            "kind: Secret\nstringData:\n  a: &a hunter2\n",
            "kind: Secret\nstringData:\n  a: !!str hunter2\n",
            "kind: Secret\nstringData: {a: hunter2}\n",
            "kind: Secret\nstringData: {\n  a: hunter2,\n}\n",
            "kind: Secret\nstringData:\n<<<<<<< HEAD\n  a: hunter2\n=======\n>>>>>>> x\n",
            "<<<<<<< HEAD\nkind: Secret\n=======\nkind: ConfigMap\n>>>>>>> x\nstringData:\n  a: hunter2\n",
            "kind: List\nitems:\n  - kind: Secret\n    stringData:\n      a: hunter2\n",
            "kind: List\nitems:\n- kind: ConfigMap\n  data:\n    b: c\n- stringData:\n    a: |\n      hunter2\n  kind: Secret\n",
            "kind: SecretList\nitems:\n  - stringData:\n      a: hunter2\n",
            "- kind: ConfigMap\n  data:\n    b: c\n- kind: Secret\n  stringData:\n    a: hunter2\n",
            "{\n  \"kind\": \"Secret\",\n  \"stringData\": {\n    \"a\": \"hunter2\"\n  },\n",
        ] {
            let broken = format!("{text}b: [\n");
            assert_eq!(found(&broken), ["stringData.a=hunter2"], "{broken}");
        }
        assert_eq!(
            found("kind: Secret\ndata:\n  a: |\n    one\n    # two\n\n    three\n  b: x\ntype: y\nz: [\n"),
            ["data.a=one\n# two\nthree", "data.b=x"]
        );
    }

    #[test]
    fn what_is_no_value_of_a_secret_is_left_alone() {
        for text in [
            "kind: ConfigMap\ndata:\n  a: b\n",
            "kind: SecretStore\ndata:\n  a: b\n",
            "valuesFrom:\n  - kind: Secret\n    data:\n      a: b\n",
            "kind: Secret\nmetadata:\n  a: b\n",
            "kind: Secret\nstringData:\n  a: {{ .Values.a }}\n  b: \"{{ .Values.b }}\"\n",
            "kind: Secret\nstringData:\n  a: *x\n",
            "kind: Secret\nstringData:\n  {{- range .Values.a }}\n  {{ . }}: |\n    {{ . }}\n  {{- end }}\n",
            "kind: List\nitems:\n  - kind: ConfigMap\n    data:\n      a: b\n",
        ] {
            assert_eq!(found(&format!("{text}b: [\n")), [""; 0], "{text}");
        }
    }
}
