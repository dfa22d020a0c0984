//! Tera counts nothing while it renders, so its templates are made to: before they are parsed, calls are put into them
//! that draw on the account of [`bounds`].
//!
//! Every value that is printed, kept or iterated goes through a filter that measures it, and every template, block and
//! component starts with a call. What a tag can do before the next call is bounded by its own length. The insertions
//! change no output, and places in the result lead back to the original ([`Bounded::original`]).

mod filters;
mod lexer;

use std::ops::Range;

use crate::bounds::{self, Limit};
pub(super) use filters::register;
pub(super) use lexer::{PieceKind, TeraTag, TeraToken, tags};

/// A template with the calls put in.
#[derive(Debug)]
pub(super) struct Bounded {
    /// The text.
    pub(super) text: String,
    /// In order.
    edits: Vec<Edit>,
    /// The templates that it includes and extends, with the places of their names in the original.
    pub(super) uses: Vec<(String, Range<usize>)>,
}

#[derive(Debug)]
struct Edit {
    /// Where it was put into the original.
    at: usize,
    text: String,
    /// The expression that it ends a call around.
    around: Option<Range<usize>>,
}

impl Bounded {
    /// Returns the range of the original that a range of the text came from. What lies in a call alone stands for the
    /// expression that the call is about.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let (start, inserted) = self.offset(range.start);
        let (end, _) = self.offset(range.end);
        match inserted.and_then(|edit| edit.around.clone()) {
            Some(around) if end <= start => around,
            _ => start..end.max(start),
        }
    }

    fn offset(&self, offset: usize) -> (usize, Option<&Edit>) {
        let mut grown = 0;
        for edit in &self.edits {
            let start = edit.at + grown;
            if offset < start {
                break;
            }
            if offset < start + edit.text.len() {
                return (edit.at, Some(edit));
            }
            grown += edit.text.len();
        }
        (offset - grown, None)
    }
}

/// Puts the calls in. The text has its white space moved already: it has the length and the places of the original.
///
/// # Errors
/// With the place, for what takes too much before a call could tell.
pub(super) fn bounded(text: &str) -> Result<Bounded, (Range<usize>, Limit)> {
    let (tags, _) = tags(text);
    check(&tags)?;
    let mut writer = Writer {
        edits: Vec::new(),
        uses: Vec::new(),
    };
    let bodies = bodies(&tags);
    let mut extends = false;
    for (index, tag) in tags.iter().enumerate() {
        extends |= tag.tokens.first().is_some_and(|first| first.names("extends"));
        writer.tag(tag, bodies[index]);
    }
    // A template that extends another has no text of its own but in its blocks.
    if !extends {
        writer.insert(0, enter(text.len(), false));
    }
    let mut edits = writer.edits;
    edits.sort_by_key(|edit| edit.at);
    let mut out = String::with_capacity(text.len() + edits.iter().map(|edit| edit.text.len()).sum::<usize>());
    let mut rest = 0;
    for edit in &edits {
        out.push_str(&text[rest..edit.at]);
        out.push_str(&edit.text);
        rest = edit.at;
    }
    out.push_str(&text[rest..]);
    Ok(Bounded {
        text: out,
        edits,
        uses: writer.uses,
    })
}

/// The call at the start of a template, a block or a component. It prints nothing.
fn enter(length: usize, trims: bool) -> String {
    format!("#{{ __enter(n={length}) {}}}#", if trims { "-" } else { "" })
}

/// Looks for tags that may take much by themselves.
fn check(tags: &[TeraTag<'_>]) -> Result<(), (Range<usize>, Limit)> {
    let mut branches: Vec<usize> = Vec::new();
    if let Some(one_more) = tags.get(bounds::MAX_TAGS) {
        return Err((one_more.start..one_more.end, Limit::tags()));
    }
    for tag in tags {
        if tag.tokens.len() > bounds::MAX_WORDS {
            return Err((tag.start..tag.start + 2, Limit::words()));
        }
        let filters = tag.tokens.iter().filter(|token| token.is("|")).count();
        if filters > bounds::MAX_FILTERS {
            return Err((tag.start..tag.start + 2, Limit::filters()));
        }
        if joins(&tag.tokens) > bounds::MAX_JOINS {
            return Err((tag.start..tag.start + 2, Limit::joins()));
        }
        if tag.prints {
            continue;
        }
        match tag.tokens.first().map(|first| first.text) {
            Some("if") => branches.push(0),
            Some("endif") => drop(branches.pop()),
            Some("elif") => {
                if let Some(count) = branches.last_mut() {
                    *count += 1;
                    if *count > bounds::MAX_BRANCHES {
                        return Err((tag.start..tag.end, Limit::branches()));
                    }
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Returns how many operators of a tag make a value longer, or a copy of it.
fn joins(tokens: &[TeraToken<'_>]) -> usize {
    let mut open: Vec<&str> = Vec::new();
    let mut count = 0;
    for token in tokens.iter().filter(|token| token.kind == PieceKind::Symbol) {
        match token.text {
            "(" | "[" | "{" | "?[" => open.push(token.text),
            ")" | "]" | "}" => drop(open.pop()),
            "~" | "..." => count += 1,
            ":" if matches!(open.last(), Some(&("[" | "?["))) => count += 1,
            _ => {}
        }
    }
    count
}

/// Returns the length of the text between the tags that open and close a body, for each that opens one.
fn bodies(tags: &[TeraTag<'_>]) -> Vec<usize> {
    let mut lengths = vec![0; tags.len()];
    let mut open: Vec<(usize, &str)> = Vec::new();
    for (index, tag) in tags.iter().enumerate().filter(|(_, tag)| !tag.prints) {
        let word = tag.tokens.first().map_or("", |first| first.text);
        match word {
            "for" | "block" | "component" => open.push((index, word)),
            "endfor" | "endblock" | "endcomponent" => {
                if let Some((opened, _)) = open.pop_if(|(_, opened)| word[3..] == **opened) {
                    lengths[opened] = tag.start - tags[opened].end;
                }
            }
            _ => {}
        }
    }
    lengths
}

struct Writer {
    edits: Vec<Edit>,
    uses: Vec<(String, Range<usize>)>,
}

impl Writer {
    fn insert(&mut self, at: usize, text: String) {
        let around = None;
        self.edits.push(Edit { at, text, around });
    }

    /// Puts a filter around an expression.
    fn wrap(&mut self, tokens: &[TeraToken<'_>], filter: &str) {
        let (Some(first), Some(last)) = (tokens.first(), tokens.last()) else {
            return;
        };
        let around = first.range.start..last.range.end;
        self.insert(around.start, "(".to_owned());
        self.edits.push(Edit {
            at: around.end,
            text: format!(")|{filter}"),
            around: Some(around),
        });
    }

    fn tag(&mut self, tag: &TeraTag<'_>, body: usize) {
        let tokens = tag.tokens.as_slice();
        if tag.prints {
            self.wrap(tokens, "__print");
            self.inside(tokens);
            return;
        }
        let Some((first, rest)) = tokens.split_first() else {
            return;
        };
        match first.text {
            "if" | "elif" if !is_path(rest) => {
                self.wrap(rest, "__ask");
            }
            "for" => {
                let source = rest.iter().position(|token| token.names("in"));
                let source = source.map_or(rest, |at| &rest[at + 1..]);
                self.wrap(source, &format!("__each(n={body})"));
            }
            "set" | "set_global" => match rest.get(1) {
                Some(assign) if assign.is("=") => self.wrap(&rest[2..], "__hold"),
                _ => self.close(tokens),
            },
            "filter" => self.close(tokens),
            "include" | "extends" => {
                let name = rest.first().filter(|name| name.kind == PieceKind::Text);
                let name = name.map(|name| {
                    let inside = name.range.start + 1..name.range.end - 1;
                    (name.text[1..name.text.len() - 1].to_owned(), inside)
                });
                self.uses.extend(name);
            }
            "component" => return self.insert(tag.end, enter(body, tag.trims)),
            "block" => self.insert(tag.end, enter(body, tag.trims)),
            _ => {}
        }
        self.inside(tokens);
    }

    /// Measures what a `set` block or a `filter` section has captured.
    fn close(&mut self, tokens: &[TeraToken<'_>]) {
        if let Some(last) = tokens.last() {
            self.edits.push(Edit {
                at: last.range.end,
                text: "|__hold".to_owned(),
                around: Some(tokens[0].range.start..last.range.end),
            });
        }
    }

    /// Measures what comprehensions go over and give, and what components are given.
    fn inside(&mut self, tokens: &[TeraToken<'_>]) {
        // The open brackets, each with what was seen directly inside of it.
        let mut open: Vec<Open> = Vec::new();
        // Whether the attributes of a component are being read: those of `<name a={…}/>`, where `<` starts an operand.
        let mut component: Option<usize> = None;
        for (at, token) in tokens.iter().enumerate() {
            match token.text {
                "(" | "[" | "{" | "?[" if token.kind == PieceKind::Symbol => open.push(Open {
                    at,
                    is_attribute: token.is("{") && component == Some(open.len()),
                    word: None,
                    source: None,
                    condition: None,
                }),
                ")" | "]" | "}" if token.kind == PieceKind::Symbol => {
                    if let Some(closed) = open.pop() {
                        self.bracket(tokens, &closed, at);
                    }
                }
                "<" if token.kind == PieceKind::Symbol && !ends_operand(tokens, at) => {
                    component = Some(open.len());
                }
                ">" if token.kind == PieceKind::Symbol && component == Some(open.len()) => component = None,
                "for" if token.kind == PieceKind::Name => {
                    if let Some(inner) = open.last_mut().filter(|inner| tokens[inner.at].is("[")) {
                        inner.word.get_or_insert(at);
                    }
                }
                "in" if token.kind == PieceKind::Name => {
                    if let Some(inner) = open.last_mut().filter(|inner| inner.word.is_some()) {
                        inner.source.get_or_insert(at + 1);
                    }
                }
                "if" if token.kind == PieceKind::Name => {
                    if let Some(inner) = open.last_mut().filter(|inner| inner.source.is_some()) {
                        inner.condition.get_or_insert(at + 1);
                    }
                }
                _ => {}
            }
        }
    }

    fn bracket(&mut self, tokens: &[TeraToken<'_>], open: &Open, end: usize) {
        if let (Some(word), Some(source)) = (open.word, open.source) {
            self.wrap(&tokens[open.at + 1..word], "__hold");
            let until = open.condition.map_or(end, |condition| condition - 1);
            self.wrap(&tokens[source..until], "__each(n=0)");
            if let Some(condition) = open.condition {
                self.wrap(&tokens[condition..end], "__ask");
            }
        } else if open.is_attribute {
            let spread = usize::from(tokens[open.at + 1].is("..."));
            self.wrap(&tokens[open.at + 1 + spread..end], "__hold");
        }
    }
}

/// An open bracket.
struct Open {
    at: usize,
    is_attribute: bool,
    /// Of a comprehension: its `for`, what it goes over, its condition.
    word: Option<usize>,
    source: Option<usize>,
    condition: Option<usize>,
}

/// Returns whether an expression could end before a token.
fn ends_operand(tokens: &[TeraToken<'_>], at: usize) -> bool {
    let Some(before) = at.checked_sub(1).map(|before| &tokens[before]) else {
        return false;
    };
    match before.kind {
        PieceKind::Text | PieceKind::Number => true,
        PieceKind::Name => {
            !["if", "else", "elif", "and", "or", "not", "in", "set", "for"].contains(&before.text)
        }
        PieceKind::Symbol => matches!(before.text, ")" | "]" | "}"),
    }
}

/// Returns whether an expression only reads a name, so that there is nothing to count.
fn is_path(tokens: &[TeraToken<'_>]) -> bool {
    let tokens = match tokens.split_first() {
        Some((first, rest)) if first.names("not") => rest,
        _ => tokens,
    };
    tokens
        .iter()
        .all(|token| token.kind == PieceKind::Name || token.is("."))
        && !tokens
            .windows(2)
            .any(|pair| pair[0].kind == PieceKind::Name && pair[1].kind == PieceKind::Name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(text: &str) -> String {
        let bounded = bounded(text).map(|bounded| bounded.text).unwrap_or_default();
        bounded
            .split_once("}#")
            .map_or_else(String::new, |(_, rest)| rest.to_owned())
    }

    #[test]
    fn calls_stand_around_what_is_printed_kept_and_iterated() {
        for (text, expected) in [
            ("a #{ x.y ~ 'b' -}# c", "a #{ (x.y ~ 'b')|__print -}# c"),
            ("#% set x = a ~ a %#", "#% set x = (a ~ a)|__hold %#"),
            (
                "#%- set x | upper -%#b#% endset %#",
                "#%- set x | upper|__hold -%#b#% endset %#",
            ),
            ("#% set x %#b#% endset %#", "#% set x|__hold %#b#% endset %#"),
            (
                "#% filter upper %#b#% endfilter %#",
                "#% filter upper|__hold %#b#% endfilter %#",
            ),
            (
                "#% for k, v in m %#abc#% endfor %#",
                "#% for k, v in (m)|__each(n=3) %#abc#% endfor %#",
            ),
            (
                "#% if a.b %##% elif not c %##% elif a == b %##% endif %#",
                "#% if a.b %##% elif not c %##% elif (a == b)|__ask %##% endif %#",
            ),
            (
                "#{ [f(x=y) for y in z if y > 1] }#",
                "#{ ([(f(x=y))|__hold for y in (z)|__each(n=0) if (y > 1)|__ask])|__print }#",
            ),
            (
                "#{ [[x for x in a] for y in b] }#",
                "#{ ([([(x)|__hold for x in (a)|__each(n=0)])|__hold for y in (b)|__each(n=0)])|__print }#",
            ),
            (
                "#{ <c a={a ~ a} b='x' c {...d}/> }#",
                "#{ (<c a={(a ~ a)|__hold} b='x' c {...(d)|__hold}/>)|__print }#",
            ),
            (
                "#% <c a={x}> %#b#% </c> %#",
                "#% <c a={(x)|__hold}> %#b#% </c> %#",
            ),
            (
                "#% block a -%#b#% endblock %#",
                "#% block a -%##{ __enter(n=1) -}#b#% endblock %#",
            ),
            (
                "#{ a < b and b > {'x': 1}.x }#",
                "#{ (a < b and b > {'x': 1}.x)|__print }#",
            ),
            (
                "#% raw %##{ a }##% endraw %##| #{ a }# |#",
                "#% raw %##{ a }##% endraw %##| #{ a }# |#",
            ),
        ] {
            assert_eq!(calls(text), expected);
        }
        let component = "#% component c(a: String = 'x') %##{ a }##% endcomponent %#";
        assert!(calls(component).starts_with("#% component c(a: String = 'x') %##{ __enter(n=7) }#"));
        assert!(
            !bounded("#% extends 'x' %#")
                .expect("fine")
                .text
                .contains("__enter")
        );
    }

    #[test]
    fn places_lead_back() {
        let text = "ab #{ x ~ y }# cd #{ z }#";
        let bounded = bounded(text).expect("fine");
        for word in ["x ~ y", "cd", "z"] {
            let at = bounded.text.find(word).expect("there");
            assert_eq!(&text[bounded.original(&(at..at + word.len()))], word);
        }
        let at = bounded.text.find("__print").expect("there");
        assert_eq!(&text[bounded.original(&(at..at + 7))], "x ~ y");
    }

    #[test]
    fn a_tag_has_a_length() {
        assert!(bounded(&format!("#{{ a{} }}#", " ~ a".repeat(32))).is_ok());
        assert!(bounded(&format!("#{{ a{} }}#", " ~ a".repeat(33))).is_err());
        assert!(bounded(&format!("#{{ [{}] }}#", "...a, ".repeat(100))).is_err());
        assert!(bounded(&format!("#{{ [{}] }}#", "a[1:], ".repeat(100))).is_err());
        assert!(bounded(&format!("#{{ {{{}}} }}#", "'a': 1, ".repeat(900))).is_ok());
        assert!(bounded(&format!("#{{ a{} }}#", " | upper".repeat(65))).is_err());
        assert!(bounded(&"#{ a }#".repeat(20_001)).is_err());
        let elifs = "#% if a %#".to_owned() + &"#% elif a %#".repeat(101) + "#% endif %#";
        assert!(bounded(&elifs).is_err());
        let ifs = "#% if a %##% elif a %##% endif %#".repeat(200);
        assert!(bounded(&ifs).is_ok());
    }
}
