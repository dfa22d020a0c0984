//! dotenv and INI, as the same tree that YAML gives, so that everything else is the same. The metadata is flattened
//! into keys such as `age__list_0__map_enc`.

use std::ops::Range;

use zeroize::Zeroizing;

use super::document::SOPS_KEY;
use super::error::SopsError;
use super::json::node;
use crate::yaml::{Kind, Node, Style};

/// How metadata keys of dotenv start.
const PREFIX: &str = "sops_";
/// The section that INI keys without a section belong to.
const DEFAULT: &str = "DEFAULT";

/// What a text of lines holds.
pub(crate) struct Lines {
    /// The mapping, with the metadata as its last entry `sops` if there is any.
    pub(crate) root: Node,
    /// Comments; the byte before the text of each is at the start.
    pub(crate) comments: Vec<Range<usize>>,
    /// The lines of the metadata.
    pub(crate) block: Vec<Range<usize>>,
}

/// The lines with their offsets, without their line breaks.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut offset = 0;
    text.split_inclusive('\n').map(move |line| {
        let start = offset;
        offset += line.len();
        (start, line.strip_suffix('\n').unwrap_or(line))
    })
}

fn key(name: &str, span: Range<usize>) -> Node {
    let value = name.to_owned();
    node(
        Kind::Scalar {
            value,
            style: Style::DoubleQuoted,
        },
        span,
    )
}

fn value(text: String, span: Range<usize>) -> Node {
    node(
        Kind::Scalar {
            value: text,
            style: Style::DoubleQuoted,
        },
        span,
    )
}

/// Turns `\n` into a line break. One allocation, so that no copy of a plaintext is left behind by growth.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (i, part) in text.split("\\n").enumerate() {
        out.push_str(if i == 0 { "" } else { "\n" });
        out.push_str(part);
    }
    out
}

/// Turns line breaks into `\n`, as [`unescaped`] reads them.
pub(crate) fn escaped(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(2 * text.len()));
    for (i, part) in text.split('\n').enumerate() {
        out.push_str(if i == 0 { "" } else { "\\n" });
        out.push_str(part);
    }
    out
}

/// A mapping is not written with brackets, so its place is the end, where none can be.
fn mapping(text: &str, entries: Vec<(Node, Node)>) -> Node {
    node(Kind::Map(entries), text.len()..text.len())
}

/// Reads `KEY=value` lines. As in SOPS, quotes and blanks belong to the value, and `\n` is a line break.
pub(crate) fn dotenv(text: &str) -> Result<Lines, SopsError> {
    let (mut entries, mut comments, mut block, mut flat) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (start, line) in lines(text) {
        if line.is_empty() {
            continue;
        }
        if line.starts_with('#') {
            comments.push(start..start + line.len());
            continue;
        }
        let Some((name, found)) = line.split_once('=') else {
            return Err(SopsError::Syntax {
                format: "dotenv",
                message: "a line without `=` that is no comment".to_owned(),
                span: start..start + line.len(),
            });
        };
        let names = start..start + name.len();
        let values = names.end + 1..start + line.len();
        let entry = value(unescaped(found), values);
        match name.strip_prefix(PREFIX) {
            Some(name) => {
                flat.push((name.to_owned(), names, entry));
                block.push(start..(start + line.len() + 1).min(text.len()));
            }
            None => entries.push((key(name, names), entry)),
        }
    }
    Ok(Lines {
        root: with_block(text, entries, flat),
        comments,
        block,
    })
}

/// Reads sections of `key = value` lines, in the part of the syntax that reads the same everywhere: what SOPS would
/// join, drop or cut is refused.
pub(crate) fn ini(text: &str) -> Result<Lines, SopsError> {
    let mut sections: Vec<(Node, Vec<(Node, Node)>)> = vec![(key(DEFAULT, 0..0), Vec::new())];
    let (mut comments, mut block, mut flat) = (Vec::new(), Vec::new(), Vec::new());
    let (mut in_block, mut blank_before) = (false, None);
    for (start, line) in lines(text) {
        let bare = line.trim();
        let at = start + (line.len() - line.trim_start().len());
        let whole = start..(start + line.len() + 1).min(text.len());
        let wrong = |message: &str| SopsError::Syntax {
            format: "INI",
            message: message.to_owned(),
            span: at..at + bare.len(),
        };
        if bare.is_empty() {
            blank_before = Some(whole);
            continue;
        }
        let blank = blank_before.take();
        if let Some(rest) = bare.strip_prefix('[') {
            let name = rest
                .split_once(']')
                .ok_or_else(|| wrong("a section without `]`"))?
                .0
                .trim();
            in_block = name == SOPS_KEY;
            if in_block {
                block.extend(blank);
                block.push(whole);
            } else {
                let span = at + 1..at + 1 + name.len();
                if sections.iter().any(|(known, _)| known.as_str() == Some(name)) {
                    return Err(wrong("a section that is there twice"));
                }
                sections.push((key(name, span), Vec::new()));
            }
            continue;
        }
        if bare.starts_with([';', '#']) {
            let body = at + 1 + (bare.len() - 1 - bare[1..].trim_start().len());
            comments.push(body - 1..at + bare.len());
            continue;
        }
        let cut = bare.find(['=', ':']).ok_or_else(|| wrong("a line without `=`"))?;
        let name = bare[..cut].trim();
        if name.is_empty() || name.starts_with(['"', '`']) {
            return Err(wrong("a key that is empty or in quotes"));
        }
        let from = at + cut + 1;
        let (found, span, comment) = ini_value(text, from..at + bare.len()).map_err(wrong)?;
        comments.extend(comment);
        let names = at..at + name.len();
        if in_block {
            let found = found.replace("\\\\n", "\n").replace("\\n", "\n");
            flat.push((name.to_owned(), names, value(found, span)));
            block.push(whole);
            continue;
        }
        let Some((_, entries)) = sections.last_mut() else {
            continue;
        };
        if entries.iter().any(|(known, _)| known.as_str() == Some(name)) {
            return Err(wrong("a key that is there twice"));
        }
        entries.push((key(name, names), value(found.to_string(), span)));
    }
    let entries = sections
        .into_iter()
        .map(|(key, entries)| (key, mapping(text, entries)))
        .collect();
    Ok(Lines {
        root: with_block(text, entries, flat),
        comments,
        block,
    })
}

type IniValue = (Zeroizing<String>, Range<usize>, Option<Range<usize>>);

/// Reads what stands behind `=`: the value, its place with quotes, and a comment behind it.
fn ini_value(text: &str, range: Range<usize>) -> Result<IniValue, &'static str> {
    let raw = &text[range.clone()];
    let start = range.start + raw.len() - raw.trim_start().len();
    let raw = raw.trim();
    if raw.starts_with("\"\"\"") || raw.ends_with('\\') {
        return Err("a value that goes on in the next line");
    }
    for quote in ['`', '"', '\''] {
        if let Some(rest) = raw.strip_prefix(quote)
            && let Some(inner) = rest.strip_suffix(quote)
            && !inner.contains(quote)
        {
            return Ok((Zeroizing::new(inner.to_owned()), start..start + raw.len(), None));
        }
    }
    // As in SOPS, `#` and `;` start a comment anywhere.
    let end = raw.find(['#', ';']).unwrap_or(raw.len());
    let comment = (end < raw.len()).then(|| {
        let body = raw.len() - raw[end + 1..].trim_start().len();
        start + body - 1..start + raw.len()
    });
    let bare = raw[..end].trim_end();
    Ok((
        Zeroizing::new(bare.to_owned()),
        start..start + bare.len(),
        comment,
    ))
}

/// Writes a value so that INI readers read it back. `None` for what no single line can hold.
pub(crate) fn ini_text(value: &str) -> Option<Zeroizing<String>> {
    let bare = value.trim() == value
        && !value.contains(['#', ';', '\n', '\r', '`'])
        && !value.ends_with('\\')
        && !value.starts_with(['"', '\'']);
    let quote = match value {
        _ if bare => "",
        _ if value.contains(['\n', '\r']) => return None,
        _ if !value.contains('`') => "`",
        _ if !value.contains('"') => "\"",
        _ => return None,
    };
    let mut out = Zeroizing::new(String::with_capacity(value.len() + 2));
    out.extend([quote, value, quote]);
    Some(out)
}

/// Adds flattened metadata as an entry `sops`.
fn with_block(text: &str, mut entries: Vec<(Node, Node)>, flat: Vec<(String, Range<usize>, Node)>) -> Node {
    let Some((_, span, _)) = flat.first() else {
        return mapping(text, entries);
    };
    let span = span.clone();
    let mut block = mapping(text, Vec::new());
    for (name, place, value) in flat {
        insert(text, &mut block, &name, &place, value);
    }
    entries.push((key(SOPS_KEY, span), block));
    mapping(text, entries)
}

/// Puts a value at its flattened place: `a__list_0__map_b` is `b` of the first item of the list `a`.
fn insert(text: &str, into: &mut Node, name: &str, place: &Range<usize>, leaf: Node) {
    let next = ["__list_", "__map_"]
        .iter()
        .filter_map(|mark| name.find(mark))
        .min();
    let (head, rest) = name.split_at(next.unwrap_or(name.len()));
    let slot = match &mut into.kind {
        Kind::Seq(items) => {
            let Ok(index) = head.parse::<usize>() else { return };
            // A gap would be a list that SOPS did not write.
            if index > items.len() {
                return;
            }
            if index == items.len() {
                items.push(mapping(text, Vec::new()));
            }
            &mut items[index]
        }
        Kind::Map(entries) => {
            let found = entries.iter().position(|(key, _)| key.as_str() == Some(head));
            let at = found.unwrap_or_else(|| {
                entries.push((key(head, place.clone()), mapping(text, Vec::new())));
                entries.len() - 1
            });
            &mut entries[at].1
        }
        Kind::Scalar { .. } | Kind::Alias(_) => return,
    };
    if let Some(rest) = rest.strip_prefix("__list_") {
        if slot.items().is_empty() {
            slot.kind = Kind::Seq(Vec::new());
        }
        insert(text, slot, rest, place, leaf);
    } else if let Some(rest) = rest.strip_prefix("__map_") {
        insert(text, slot, rest, place, leaf);
    } else {
        *slot = leaf;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pairs(node: &Node) -> Vec<(&str, &str)> {
        node.entries()
            .iter()
            .map(|(key, value)| (key.as_str().unwrap(), value.as_str().unwrap_or("{}")))
            .collect()
    }

    #[test]
    fn dotenv_is_read_as_sops_reads_it() {
        let text = "# c\nA=b=c\n\nM=x\\ny\nQ=\"q\"\nE=\nsops_age__list_0__map_enc=x\\n\nsops_age__list_0__map_recipient=age1\nsops_mac=m\n";
        let lines = dotenv(text).unwrap();
        assert_eq!(
            pairs(&lines.root)[..4],
            [("A", "b=c"), ("M", "x\ny"), ("Q", "\"q\""), ("E", "")]
        );
        let block = lines.root.get("sops").unwrap();
        let age = &block.get("age").unwrap().items()[0];
        assert_eq!(age.get("enc").unwrap().as_str(), Some("x\n"));
        assert_eq!(age.get("recipient").unwrap().as_str(), Some("age1"));
        assert_eq!(&text[lines.comments[0].clone()], "# c");
        assert_eq!(lines.block.len(), 3);
        assert!(dotenv("novalue\n").is_err());
    }

    #[test]
    fn ini_is_read_as_sops_reads_it() {
        let text =
            "; top\nroot=1\n\n[a b]\nx : y ; beside\nq = \"two words\"\nt=`a;b`\ne =\n\n[sops]\nmac = m\n";
        let lines = ini(text).unwrap();
        assert_eq!(pairs(lines.root.get("DEFAULT").unwrap()), [("root", "1")]);
        assert_eq!(
            pairs(lines.root.get("a b").unwrap()),
            [("x", "y"), ("q", "two words"), ("t", "a;b"), ("e", "")]
        );
        assert_eq!(
            lines.root.get("sops").unwrap().get("mac").unwrap().as_str(),
            Some("m")
        );
        let comments: Vec<&str> = lines
            .comments
            .iter()
            .map(|range| &text[range.start + 1..range.end])
            .collect();
        assert_eq!(comments, ["top", "beside"]);
        for refused in [
            "a",
            "[x\n",
            "a=\"\"\"x\n",
            "a=b\\\nc",
            "a=1\na=2\n",
            "[x]\n[x]\n",
            "=1\n",
        ] {
            assert!(ini(refused).is_err(), "{refused}");
        }
    }

    proptest! {
        #[test]
        fn ini_values_come_back(value in "[ -~é]{0,20}") {
            if let Some(text) = ini_text(&value) {
                let document = format!("[s]\nk = {}\n", text.as_str());
                let lines = ini(&document).unwrap();
                let section = lines.root.get("s").unwrap();
                prop_assert_eq!(section.get("k").unwrap().as_str(), Some(value.as_str()));
            }
        }

        #[test]
        fn nothing_panics(text in "[a-z_=:;#\\[\\]\"`\n 0-9]{0,60}") {
            let _ = ini(&text);
            let _ = dotenv(&text);
        }
    }
}
