//! The `sops` blocks of a text: put into it, taken out of it, and given new stamps in their own layout.

use std::ops::Range;

use yaml::layout::{self, Gap};
use yaml::{Edit, Kind, Node, apply, double_quoted};

use crate::error::{SopsError, overlap};
use crate::format::Format;
use crate::text::SOPS_KEY;
use crate::text::document::Documents;
use crate::text::json;
use crate::text::metadata::Metadata;
use crate::text::typing::{self, Typed};
use crate::text::value::ValueType;
use crate::text::write;

/// A `sops` block that is to be written.
pub(crate) struct Block<'m> {
    pub(crate) metadata: &'m Metadata,
    /// The block of an existing file, with new stamps, where its layout can be kept.
    pub(crate) verbatim: Option<String>,
    /// By how many columns it is indented in YAML.
    pub(crate) indent: usize,
}

/// Puts the `sops` block into every document and applies the edits.
pub(crate) fn assemble(
    docs: &Documents<'_>,
    mut edits: Vec<Edit>,
    block: &Block<'_>,
) -> Result<String, SopsError> {
    match docs.format {
        Format::Yaml => {}
        Format::Json | Format::Binary => {
            edits.extend(json_block(docs, block));
            return apply(docs.text, &edits).ok_or_else(overlap);
        }
        Format::Dotenv | Format::Ini => {
            let end = docs.text.len();
            let lines = || flat_block(docs.format, block.metadata);
            edits.push(Edit::new(end..end, block.verbatim.clone().unwrap_or_else(lines)));
            return apply(docs.text, &edits).ok_or_else(overlap);
        }
    }
    for doc in &docs.all {
        let Some(root) = &doc.root else { continue };
        if layout::is_flow(docs.text, root) {
            let inside = root.inside();
            let close = inside.end;
            let comma = match docs.text[inside].trim_end() {
                inner if inner.is_empty() || inner.ends_with(',') => "",
                _ => ", ",
            };
            edits.push(Edit::new(
                close..close,
                format!("{comma}{}", block.metadata.flow()),
            ));
        } else {
            let column = root
                .entries()
                .first()
                .map_or(0, |(key, _)| docs.column(key.span.start));
            let text = match &block.verbatim {
                Some(text) if column == 0 => text.clone(),
                _ => block.metadata.block(block.indent, column),
            };
            edits.push(Edit::new(doc.end..doc.end, text));
        }
    }
    apply(docs.text, &edits).ok_or_else(overlap)
}

/// The edit that adds the block to a JSON object: on lines of its own where the object has such.
fn json_block(docs: &Documents<'_>, block: &Block<'_>) -> Option<Edit> {
    let root = docs.all.first()?.root.as_ref()?;
    let entries = root.entries();
    let inside = root.inside();
    let written = |start: &str, unit: &str| match &block.verbatim {
        Some(text) => format!("{start}{text}"),
        None => block.metadata.json(start, unit),
    };
    let Some((key, _)) = entries.first() else {
        let text = format!("\n{}\n", written("\t", "\t"));
        return Some(Edit::new(inside, text));
    };
    let gap = &docs.text[inside.start..key.span.start];
    let last = entries.last().map_or(inside.end, |(key, value)| {
        layout::entry_end(docs.text, key, value)
    });
    let text = match (gap.rsplit_once('\n'), &block.verbatim) {
        (Some((_, start)), _) => {
            let unit = if start.is_empty() { "\t" } else { start };
            format!(",\n{}", written(start, unit))
        }
        (None, Some(text)) => format!(", {text}"),
        (None, None) => format!(", {}", block.metadata.flow()),
    };
    Some(Edit::new(last..last, text))
}

/// The metadata of dotenv and INI.
fn flat_block(format: Format, metadata: &Metadata) -> String {
    let flat = metadata.flat();
    let width = flat.iter().map(|(key, _)| key.len()).max().unwrap_or_default();
    let mut out = String::new();
    if format == Format::Ini {
        out.push_str("\n[sops]\n");
    }
    for (key, value) in flat {
        match format {
            Format::Ini => out.push_str(&format!("{key:width$} = {value}\n")),
            _ => out.push_str(&format!("sops_{key}={value}\n")),
        }
    }
    out
}

/// The text of a file without its `sops` blocks.
pub(crate) fn body_of(docs: &Documents<'_>) -> Result<String, SopsError> {
    let edits: Vec<Edit> = docs.sops_entries().into_iter().map(Edit::cut).collect();
    apply(docs.text, &edits).ok_or_else(overlap)
}

/// The times that stand without quotes in a part of a YAML file: SOPS from 3.13 and Flux take such a text of the `sops`
/// block for a time and refuse the file. With the range to be replaced, a tag included.
pub(crate) fn bare_times<'n>(docs: &Documents<'_>, node: &'n Node, out: &mut Vec<(Range<usize>, &'n str)>) {
    if docs.format != Format::Yaml {
        return;
    }
    for (key, value) in node.entries() {
        if let Kind::Scalar { value: text, style } = &value.kind
            && let Typed::Value(plain) = typing::scalar(text, *style, value.tag.as_deref())
            && plain.kind == ValueType::Time
        {
            let tag = Gap::between(docs.text, key, value).tag;
            let start = tag.map_or(value.span.start, |tag| tag.start);
            out.push((start..value.span.end, text));
        }
        bare_times(docs, value, out);
    }
    node.items().iter().for_each(|item| bare_times(docs, item, out));
}

/// The edits that quote the times in the blocks of a file.
pub(crate) fn quoting_edits(docs: &Documents<'_>) -> Vec<Edit> {
    let mut found = Vec::new();
    for (_, root) in docs.roots() {
        if let Some(block) = root.get(SOPS_KEY) {
            bare_times(docs, block, &mut found);
        }
    }
    let edit = |(range, text): (Range<usize>, &str)| Edit::new(range, double_quoted(text).as_str());
    found.into_iter().map(edit).collect()
}

/// The edits that give the blocks of a file another time and MAC, and their times quotes.
pub(crate) fn stamp_edits(docs: &Documents<'_>, new: &Metadata) -> Vec<Edit> {
    let stamps = [
        ("lastmodified", new.lastmodified.as_str()),
        ("mac", new.mac.as_deref().unwrap_or_default()),
    ];
    let mut edits = quoting_edits(docs);
    for (_, root) in docs.roots() {
        let Some(block) = root.get(SOPS_KEY) else { continue };
        let in_brackets = layout::is_flow(docs.text, block) || layout::is_flow(docs.text, root);
        for (name, value) in stamps {
            let Some(node) = block.get(name).filter(|node| node.as_str() != Some(value)) else {
                continue;
            };
            let bare = edits.iter_mut().find(|edit| edit.range.end == node.span.end);
            if let Some(bare) = bare {
                *bare = Edit::new(bare.range.clone(), double_quoted(value).as_str());
                continue;
            }
            let written = match docs.format {
                Format::Yaml if in_brackets || name == "lastmodified" => double_quoted(value),
                Format::Yaml => write::string(value, false),
                Format::Json | Format::Binary => json::quoted(value),
                Format::Dotenv | Format::Ini => value.to_owned().into(),
            };
            edits.push(Edit::new(node.span.clone(), written.as_str()));
        }
    }
    edits
}

/// The first block of a file as it is written, with a new time and MAC. `None` when its layout cannot be kept.
pub(crate) fn stamped_block(docs: &Documents<'_>, new: &Metadata) -> Option<String> {
    let (_, root) = docs.roots().next()?;
    let (key, value) = root.entry(SOPS_KEY)?;
    let ranges = match docs.format {
        Format::Yaml => {
            let mut pieces = docs.without_comments(docs.sops_entry(root)?);
            let entry = pieces.pop().filter(|_| pieces.is_empty())?;
            let own_line = docs.column(key.span.start) == 0;
            let lines = !layout::is_flow(docs.text, root) && !layout::is_flow(docs.text, value);
            let whole = own_line && lines && docs.text[entry.clone()].ends_with('\n');
            whole.then_some(vec![entry])?
        }
        Format::Json | Format::Binary => {
            vec![layout::entry(docs.text, key, value)]
        }
        Format::Dotenv | Format::Ini => docs.sops_entries(),
    };
    let edits = stamp_edits(docs, new);
    let written = |range: &Range<usize>| apply(&docs.text[range.clone()], &within(&edits, range));
    let mut out = ranges.iter().map(written).collect::<Option<String>>()?;
    // The last line of a file may lack its line break.
    if matches!(docs.format, Format::Dotenv | Format::Ini) && !out.ends_with('\n') {
        out.push('\n');
    }
    Some(out)
}

/// The edits inside of a range, counted from its start.
fn within(edits: &[Edit], range: &Range<usize>) -> Vec<Edit> {
    let inside = |edit: &&Edit| range.start <= edit.range.start && edit.range.end <= range.end;
    edits
        .iter()
        .filter(inside)
        .map(|edit| edit.within(range.start))
        .collect()
}
