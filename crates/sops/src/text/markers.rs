//! Comments that decide what is encrypted: where it is plain to see what they belong to.
//!
//! SOPS takes the places of comments from go-yaml, whose choice depends on blank lines and indentation. A file is written
//! only when every comment that decides stands where there is no choice.

use std::ops::Range;

use crate::error::SopsError;
use crate::format::Format;
use crate::rules::selector::{Scope, Selector};
use crate::text::document::Documents;
use crate::text::walk::{Container, Walk};
use yaml::line;

/// Refuses what SOPS might read in another way than we.
pub(crate) fn check(docs: &Documents<'_>, walk: &Walk<'_>, scope: &Scope) -> Result<(), SopsError> {
    if !scope.reads_comments() {
        return Ok(());
    }
    let refuse = |what: &str, span: Range<usize>| {
        Err(SopsError::Marker {
            what: what.to_owned(),
            span,
        })
    };
    if docs.format == Format::Ini {
        let first = docs.comments.first().cloned().unwrap_or_default();
        return refuse(
            "in INI, SOPS counts a comment for the key behind the one it stands at",
            first,
        );
    }
    if let Some(alias) = walk.aliases.first() {
        return refuse(
            "an alias brings the comments of its anchor with it",
            alias.span.clone(),
        );
    }
    if docs.format != Format::Yaml {
        return Ok(());
    }
    for comment in &docs.comments {
        if !scope.is_marker(docs.text[comment.start + 1..comment.end].trim_end()) {
            continue;
        }
        match place(docs, walk, comment.start) {
            Place::Unclear => {
                return refuse(
                    "it is not plain which value the comment belongs to",
                    comment.clone(),
                );
            }
            Place::InList(next)
                if matches!(scope.selector(), Selector::EncryptedCommentRegex(_))
                    && docs.comments.iter().any(|other| {
                        (comment.end..next).contains(&other.start) && line::is_first(docs.text, other.start)
                    }) =>
            {
                return refuse(
                    "SOPS cannot read a list back in which a comment follows the one that decides",
                    comment.clone(),
                );
            }
            Place::InList(_) | Place::Clear => {}
        }
    }
    Ok(())
}

/// Returns whether nothing but blanks and comments stands between the dash of a list item and a place.
fn follows_dash(docs: &Documents<'_>, at: usize) -> bool {
    let mut before = docs.text[..at].trim_end();
    while let Some(comment) = docs
        .comments
        .iter()
        .rfind(|comment| comment.start < before.len() && before.len() <= comment.end)
    {
        before = docs.text[..comment.start].trim_end();
    }
    let rest = before.strip_suffix('-');
    rest.is_some_and(|rest| rest.is_empty() || rest.ends_with(|c: char| c.is_whitespace()))
}

/// Returns whether the next line behind a comment that is not blank and no comment is dashes alone.
fn precedes_lone_dash(from: &str) -> bool {
    let mut lines = from.lines().skip(1).map(str::trim);
    let next = lines.find(|line| !line.is_empty() && !line.starts_with('#'));
    next.is_some_and(|line| {
        let content = line.trim_start_matches(['-', ' ', '\t']);
        line.starts_with('-') && line != "---" && (content.is_empty() || content.starts_with('#'))
    })
}

/// Where a comment stands.
enum Place {
    /// What it belongs to is plain.
    Clear,
    /// Before an item of a list, which starts here.
    InList(usize),
    /// Readers may differ.
    Unclear,
}

fn place(docs: &Documents<'_>, walk: &Walk<'_>, at: usize) -> Place {
    let text = docs.text;
    let Some(doc) = docs.all.iter().position(|doc| doc.span.contains(&at)) else {
        return Place::Unclear;
    };
    let own = walk.containers.iter().filter(|container| container.doc == doc);
    let in_brackets = |line: &Range<usize>| {
        own.clone()
            .any(|container| container.in_flow && container.start <= line.end && line.start <= container.end)
    };
    let line = line::start(text, at)..line::end(text, at);
    // With CRLF, go-yaml takes other places for blank lines. Behind a dash, it counts a comment for the item or for what
    // the item holds, and SOPS writes it to where it means something else.
    // An item without content loses its comments in the same way.
    let part = docs.all[doc].span.clone();
    if text[part.clone()].contains('\r') || follows_dash(docs, at) || precedes_lone_dash(&text[at..part.end])
    {
        return Place::Unclear;
    }
    // Before the `---` of its document, or in or beside brackets.
    if text[at..docs.all[doc].span.end]
        .lines()
        .any(|line| line.trim_end() == "---")
        || in_brackets(&line)
    {
        return Place::Unclear;
    }
    let entries = || {
        own.clone()
            .flat_map(|container| container.entries.iter().map(move |at| (*at, container)))
    };
    let start = |(entry, container): (usize, &Container)| {
        if container.is_map {
            docs.column(entry)
        } else {
            docs.item_column(entry)
        }
    };
    if !line::is_first(text, at) {
        let on_line = entries().any(|(entry, _)| line.contains(&entry) && entry < at);
        return if on_line { Place::Clear } else { Place::Unclear };
    }
    // Of a list item and the first key in it, the item comes first.
    let next = entries()
        .filter(|(entry, _)| *entry > at)
        .min_by_key(|(entry, container)| (*entry, container.is_map));
    let Some((entry, container)) = next else {
        return Place::Clear;
    };
    let column = docs.column(at);
    // Whether the comments on lines of their own in a part of the text stand in the same column.
    let aligned = |part: Range<usize>| {
        docs.comments
            .iter()
            .filter(|other| part.contains(&other.start) && line::is_first(text, other.start))
            .all(|other| docs.column(other.start) == column)
    };
    let last = entries()
        .map(|(entry, _)| entry)
        .filter(|entry| *entry < at)
        .max();
    match column.cmp(&start((entry, container))) {
        std::cmp::Ordering::Equal if !aligned(at..entry) => Place::Unclear,
        std::cmp::Ordering::Equal if container.is_map => Place::Clear,
        // Between items, a blank line would make it a comment on the item before.
        std::cmp::Ordering::Equal
            if container.entries.first() != Some(&entry)
                && text[line.end..line::start(text, entry)]
                    .lines()
                    .skip(1)
                    .any(|line| line.trim().is_empty()) =>
        {
            Place::Unclear
        }
        std::cmp::Ordering::Equal => Place::InList(entry),
        // It closes a mapping or list that ends here.
        std::cmp::Ordering::Greater
            if aligned(last.unwrap_or(0)..at)
                && entries()
                    .filter(|(entry, container)| {
                        *entry < at && container.end <= at && Some(container.end) > last
                    })
                    .any(|entry| start(entry) == column) =>
        {
            Place::Clear
        }
        _ => Place::Unclear,
    }
}
