//! dotenv and INI, as the same tree that YAML gives, so that everything else is the same. The metadata is flattened
//! into keys such as `age__list_0__map_enc`.

use std::ops::Range;

use yaml::{Kind, Node, Style, line};
use zeroize::Zeroizing;

use crate::error::SopsError;
use crate::text::SOPS_KEY;
use crate::text::json::node;

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
    for (start, line) in line::all(text) {
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

/// Returns a value as dotenv has it; `None` for text that would be read as a line break.
pub(crate) fn dotenv_text(value: &str) -> Option<Zeroizing<String>> {
    (!value.contains("\\n")).then(|| escaped(value))
}

/// Returns whether dotenv reads a key back.
pub(crate) fn is_dotenv_key(key: &str) -> bool {
    !(key.is_empty() || key.contains(['=', '\n']) || key.starts_with('#') || key.starts_with(PREFIX))
}

/// Reads sections of `key = value` lines as the parser of SOPS does (gopkg.in/ini.v1 `parser.go`): values may go on in
/// further lines, sections may come twice. What it would drop is refused.
pub(crate) fn ini(text: &str) -> Result<Lines, SopsError> {
    let mut sections: Vec<(Node, Vec<(Node, Node)>)> = vec![(key(DEFAULT, 0..0), Vec::new())];
    let (mut comments, mut block, mut flat) = (Vec::new(), Vec::new(), Vec::new());
    let (mut in_block, mut blank_before, mut unnamed) = (false, None, 0);
    let mut next = text.len() - text.trim_start_matches('\u{feff}').len();
    while next < text.len() {
        let start = next;
        next = line::next(text, start);
        let line = &text[start..next];
        let at = start + (line.len() - line.trim_start().len());
        let bare = line.trim();
        let wrong = |message: &str| SopsError::Syntax {
            format: "INI",
            message: message.to_owned(),
            span: at..at + bare.len(),
        };
        if bare.is_empty() {
            blank_before = Some(start..next);
            continue;
        }
        let blank = blank_before.take();
        if bare.starts_with('[') {
            let close = bare.rfind(']').ok_or_else(|| wrong("a section without `]`"))?;
            let name = &bare[1..close];
            if name.is_empty() {
                return Err(wrong("a section without a name"));
            }
            comments.extend(ini_comment(text, at + close + 1..at + bare.len()));
            (in_block, unnamed) = (name == SOPS_KEY, 0);
            if in_block {
                block.extend(blank);
                block.push(start..next);
            } else {
                sections.push((key(name, at + 1..at + close), Vec::new()));
            }
            continue;
        }
        if bare.starts_with([';', '#']) {
            comments.extend(ini_comment(text, at..at + bare.len()));
            continue;
        }
        let (name, names, cut) = ini_name(bare).map_err(wrong)?;
        let name = if name == "-" {
            unnamed += 1;
            format!("#{unnamed}")
        } else {
            name.to_owned()
        };
        let found = ini_value(text, at + cut).map_err(wrong)?;
        comments.extend(found.comment);
        next = found.next;
        let names = at + names.start..at + names.end;
        if in_block {
            let text = found.text.replace("\\\\n", "\n").replace("\\n", "\n");
            flat.push((name, names, value(text, found.span)));
            block.push(start..next);
            continue;
        }
        let Some((_, entries)) = sections.last_mut() else {
            continue;
        };
        if entries.iter().any(|(known, _)| known.as_str() == Some(&name)) {
            return Err(wrong(
                "a key that is there twice, of which SOPS would drop the first",
            ));
        }
        entries.push((key(&name, names), value(found.text.to_string(), found.span)));
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

/// Returns the comment in a range, if there is one: from the byte before its text.
fn ini_comment(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let at = range.start + text[range.clone()].find(['#', ';'])?;
    let body = text[at + 1..range.end].trim_start();
    let end = at + 1 + text[at + 1..range.end].trim_end().len();
    Some((range.end - body.len() - 1).min(end)..end)
}

/// Reads the key at the start of a line: its name, where that stands, and where the value starts.
fn ini_name(line: &str) -> Result<(&str, Range<usize>, usize), &'static str> {
    const NO_VALUE: &str = "a line without `=`";
    let quote = match line.as_bytes() {
        [b'"', b'"', b'"', _, _, _, ..] => "\"\"\"",
        [b'"', ..] => "\"",
        [b'`', ..] => "`",
        _ => "",
    };
    let from = quote.len();
    let (names, after) = if quote.is_empty() {
        let end = line.find(['=', ':']).ok_or(NO_VALUE)?;
        (0..end, end)
    } else {
        let end = from + line[from..].find(quote).ok_or("a quote that does not end")?;
        let rest = &line[end + from..];
        (from..end, end + from + rest.find(['=', ':']).ok_or(NO_VALUE)?)
    };
    let name = line[names.clone()].trim();
    if name.is_empty() {
        return Err("a key without a name");
    }
    let outer = names.start - from..names.start + line[names].trim_end().len() + from;
    Ok((name, outer, after + 1))
}

/// A value of INI.
struct IniValue {
    text: Zeroizing<String>,
    /// With quotes.
    span: Range<usize>,
    comment: Option<Range<usize>>,
    /// Where the line behind it starts.
    next: usize,
}

/// Reads the value that starts at `from`, behind the `=`.
fn ini_value(text: &str, from: usize) -> Result<IniValue, &'static str> {
    let mut next = line::next(text, from);
    let line = text[from..next].trim_start();
    let start = next - line.len();
    let found = |text: &str, span, comment, next| IniValue {
        text: Zeroizing::new(text.to_owned()),
        span,
        comment,
        next,
    };
    let quote = match line.as_bytes() {
        [] => return Ok(found("", from..from, None, next)),
        [b'"', b'"', b'"', _, ..] => "\"\"\"",
        [b'`', ..] => "`",
        _ => "",
    };
    if !quote.is_empty() {
        let body = start + quote.len();
        if let Some(length) = text[body..next].rfind(quote) {
            let end = body + length;
            return Ok(found(&text[body..end], start..end + quote.len(), None, next));
        }
        while next < text.len() {
            let at = next;
            next = line::next(text, at);
            let Some(length) = text[at..next].rfind(quote) else {
                continue;
            };
            let end = at + length;
            let rest = text[end + quote.len()..next].trim();
            if !rest.ends_with('\\') {
                let comment = ini_comment(text, end + quote.len()..next);
                return Ok(found(&text[body..end], start..end + quote.len(), comment, next));
            }
        }
        return Err("a quote that does not end");
    }
    let line = line.trim_end();
    if let Some(first) = line.strip_suffix('\\') {
        // One allocation, so that no copy of a plaintext is left behind by growth.
        let mut joined = Zeroizing::new(String::with_capacity(text.len() - start));
        joined.push_str(first);
        let mut end = start + line.len();
        loop {
            let more = text[next..line::next(text, next)].trim();
            let at = next + (text[next..].len() - text[next..].trim_start().len());
            next = line::next(text, next);
            if more.is_empty() {
                break;
            }
            end = at + more.len();
            joined.push_str(more);
            if !joined.ends_with('\\') {
                break;
            }
            joined.pop();
        }
        return Ok(IniValue {
            text: joined,
            span: start..end,
            comment: None,
            next,
        });
    }
    // `#` and `;` start a comment anywhere, in quotes as well.
    let comment = ini_comment(text, start..start + line.len());
    let bare = line[..line.find(['#', ';']).unwrap_or(line.len())].trim_end();
    let inner = ['\'', '"'].into_iter().find_map(|quote| {
        let inner = bare.strip_prefix(quote)?.strip_suffix(quote)?;
        (!inner.contains(quote)).then_some(inner)
    });
    let span = start..start + bare.len();
    Ok(found(inner.unwrap_or(bare), span, comment, next))
}

/// Writes a value so that INI readers read it back; `None` for what no quotes can hold.
pub(crate) fn ini_text(value: &str) -> Option<Zeroizing<String>> {
    ["", "`", "\"\"\"", "\"", "'"].into_iter().find_map(|quote| {
        let mut line = Zeroizing::new(String::with_capacity(value.len() + 2 * quote.len() + 1));
        line.extend([quote, value, quote, "\n"]);
        let read = ini_value(&line, 0).ok()?;
        line.pop();
        let same = *read.text == value && read.comment.is_none() && read.span == (0..line.len());
        same.then_some(line)
    })
}

/// Writes a key so that INI readers read it back; `None` for what no quotes can hold.
pub(crate) fn ini_key(name: &str) -> Option<String> {
    let marked = name == "-" || name.contains('\n') || name.starts_with(['[', '#', ';']);
    ["", "`", "\"\"\""].into_iter().find_map(|quote| {
        let line = format!("{quote}{name}{quote}");
        let read = ini_name(&format!("{line} =")).is_ok_and(|(read, ..)| read == name);
        let safe = !marked || (!quote.is_empty() && name != "-" && !name.contains('\n'));
        (read && safe).then_some(line)
    })
}

/// Returns whether INI reads the name of a section back.
pub(crate) fn is_ini_section(name: &str) -> bool {
    !(name.is_empty() || name == SOPS_KEY || name.contains(['\n', '\r']))
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
        for refused in ["a", "[x\n", "a=\"\"\"x\n", "a=1\na=2\n", "=1\n"] {
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
