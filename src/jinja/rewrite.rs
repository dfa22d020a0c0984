//! What Jinja2 can do and `MiniJinja` cannot is written differently before parsing, with a way back to the
//! places of the original: `'%s' % x` becomes a filter, list and mapping literals become changeable objects in templates
//! that call a method which changes one, and the line end after `raw` is doubled, for one of them is trimmed.

mod lexer;

use std::ops::Range;

use super::options::Options;
use lexer::{Token, TokenKind};

/// Methods that change the list or mapping they are called on.
const CHANGING: [&str; 11] = [
    "append",
    "extend",
    "insert",
    "pop",
    "remove",
    "clear",
    "sort",
    "reverse",
    "update",
    "setdefault",
    "popitem",
];

/// Words after which an expression starts, so that a bracket opens a literal.
const KEYWORDS: [&str; 17] = [
    "in",
    "and",
    "or",
    "not",
    "is",
    "if",
    "else",
    "elif",
    "for",
    "set",
    "do",
    "print",
    "return",
    "with",
    "call",
    "filter",
    "recursive",
];

/// Statements whose lists name templates.
const LOADING: [&str; 4] = ["include", "import", "extends", "from"];

/// A template's text as it is parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rewritten {
    pub(super) text: String,
    /// The edits: a range of the original, and how long what replaced it is. In order.
    edits: Vec<(Range<usize>, usize)>,
}

impl Rewritten {
    /// Returns the range of the original that a range of the rewritten text came from.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let start = self.offset(range.start);
        start..self.offset(range.end).max(start)
    }

    fn offset(&self, offset: usize) -> usize {
        let mut grown = 0;
        for (range, len) in &self.edits {
            let start = range.start + grown;
            if offset < start {
                break;
            }
            if offset < start + len {
                return range.start;
            }
            grown += len - range.len();
        }
        offset - grown
    }
}

/// Rewrites a template.
pub(super) fn rewrite(text: &str, options: &Options) -> Rewritten {
    let (tags, raws) = lexer::tags(text, options);
    let changes = tags.iter().any(|tag| changes_something(text, tag));
    let mut edits: Vec<(Range<usize>, &'static str)> = Vec::new();
    for tag in &tags {
        percent(text, tag, &mut edits);
        let loads = tag
            .first()
            .is_some_and(|token| LOADING.contains(&token.text(text)));
        if changes && !loads {
            literals(text, tag, &mut edits);
        }
    }
    if options.trim_blocks {
        // Jinja2 keeps the line end after `raw`.
        let kept = raws.into_iter().filter(|at| text[*at..].starts_with('\n'));
        edits.extend(kept.map(|at| (at..at, "\n")));
    }
    edits.sort_by_key(|(range, _)| (range.start, range.end));
    let mut out = String::with_capacity(text.len() + 8 * edits.len());
    let mut rest = 0;
    for (range, replacement) in &edits {
        out.push_str(&text[rest..range.start]);
        out.push_str(replacement);
        rest = range.end;
    }
    out.push_str(&text[rest..]);
    Rewritten {
        text: out,
        edits: edits
            .into_iter()
            .map(|(range, text)| (range, text.len()))
            .collect(),
    }
}

fn changes_something(text: &str, tag: &[Token]) -> bool {
    tag.windows(3).any(|tokens| {
        tokens[0].text(text) == "." && tokens[2].text(text) == "(" && CHANGING.contains(&tokens[1].text(text))
    })
}

/// Returns whether an expression could end with this token.
fn ends_operand(text: &str, token: &Token) -> bool {
    match token.kind {
        TokenKind::Text | TokenKind::Number => true,
        TokenKind::Name => !KEYWORDS.contains(&token.text(text)),
        TokenKind::Other => matches!(token.text(text), ")" | "]" | "}"),
    }
}

/// Wraps list and mapping literals.
fn literals(text: &str, tag: &[Token], edits: &mut Vec<(Range<usize>, &'static str)>) {
    for (index, token) in tag.iter().enumerate() {
        let call = match token.text(text) {
            "[" => "__list(",
            "{" => "__dict(",
            _ => continue,
        };
        if index > 0 && ends_operand(text, &tag[index - 1]) {
            continue;
        }
        if let Some(end) = closing(text, tag, index) {
            let (start, end) = (token.range.start, tag[end].range.end);
            edits.push((start..start, call));
            edits.push((end..end, ")"));
        }
    }
}

/// Returns the token that closes the bracket at `open`.
fn closing(text: &str, tag: &[Token], open: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (index, token) in tag.iter().enumerate().skip(open) {
        match token.text(text) {
            "(" | "[" | "{" if token.kind == TokenKind::Other => depth += 1,
            ")" | "]" | "}" if token.kind == TokenKind::Other => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// Turns `left % right` into `(left|__percent(right))`.
fn percent(text: &str, tag: &[Token], edits: &mut Vec<(Range<usize>, &'static str)>) {
    let is = |index: usize, what: &str| {
        tag.get(index)
            .is_some_and(|token: &Token| token.kind == TokenKind::Other && token.text(text) == what)
    };
    if !tag.iter().enumerate().any(|(index, _)| is(index, "%")) {
        return;
    }
    for start in 0..tag.len() {
        let token = &tag[start];
        if start > 0 {
            let before = &tag[start - 1];
            let product = matches!(before.text(text), "*" | "/" | "//" | "%" | "**" | "-" | "." | "|");
            if ends_operand(text, before) || (before.kind == TokenKind::Other && product) {
                continue;
            }
        }
        if token.kind == TokenKind::Number {
            continue;
        }
        let Some(mut end) = operand(text, tag, start) else {
            continue;
        };
        while is(end, "%") {
            let sign = usize::from(is(end + 1, "-") || is(end + 1, "+"));
            let Some(right) = operand(text, tag, end + 1 + sign) else {
                break;
            };
            let (first, last) = (tag[start].range.start, tag[right - 1].range.end);
            edits.push((first..first, "("));
            edits.push((tag[end].range.clone(), "|__percent("));
            edits.push((last..last, "))"));
            end = right;
        }
    }
}

/// Returns where the operand that starts at a token ends: a value with what is read of it, and filters.
fn operand(text: &str, tag: &[Token], start: usize) -> Option<usize> {
    let first = tag.get(start)?;
    let opens = |token: &Token| token.kind == TokenKind::Other && matches!(token.text(text), "(" | "[" | "{");
    let mut at = match first.kind {
        TokenKind::Name if KEYWORDS.contains(&first.text(text)) => return None,
        TokenKind::Text | TokenKind::Number | TokenKind::Name => start + 1,
        TokenKind::Other if opens(first) => closing(text, tag, start)? + 1,
        TokenKind::Other => return None,
    };
    while let Some(token) = tag.get(at) {
        match token.text(text) {
            "." | "|" if token.kind == TokenKind::Other && tag.get(at + 1).is_some() => at += 2,
            "(" | "[" if token.kind == TokenKind::Other => at = closing(text, tag, at)? + 1,
            _ => break,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rewritten(text: &str) -> String {
        rewrite(text, &Options::of_jinja()).text
    }

    #[test]
    fn a_percent_after_text_becomes_a_filter() {
        assert_eq!(rewritten("{{ '%s' % x }}"), "{{ ('%s' |__percent( x)) }}");
        assert_eq!(
            rewritten("{{ '%s-%s' % (a, b) ~ 'c' }}"),
            "{{ ('%s-%s' |__percent( (a, b))) ~ 'c' }}"
        );
        assert_eq!(rewritten("{{ 'a%' }}% %{{ 5 % 2 }}"), "{{ 'a%' }}% %{{ 5 % 2 }}");
        assert_eq!(rewritten("{% if a %}{% endif %}"), "{% if a %}{% endif %}");
        assert_eq!(
            rewritten("{{ f('%d' % n.x[0]|int) }}"),
            "{{ f(('%d' |__percent( n.x[0]|int))) }}"
        );
        assert_eq!(
            rewritten("{# '%s' % x #}{% raw %}{{ '%s' % x }}{% endraw %}"),
            "{# '%s' % x #}{% raw %}{{ '%s' % x }}{% endraw %}"
        );
        assert_eq!(rewritten("{{ 2 * n % 3 }}"), "{{ 2 * n % 3 }}");
    }

    #[test]
    fn literals_become_objects_only_where_something_changes_one() {
        assert_eq!(
            rewritten("{% set l = [] %}{{ x[0] }}"),
            "{% set l = [] %}{{ x[0] }}"
        );
        assert_eq!(
            rewritten("{% set l = [] %}{% set _ = l.append({'a': x[0]}) %}"),
            "{% set l = __list([]) %}{% set _ = l.append(__dict({'a': x[0]})) %}"
        );
        assert_eq!(
            rewritten("{% for i in [1] if i not in [2] %}{% do l.append(i) %}{% endfor %}"),
            "{% for i in __list([1]) if i not in __list([2]) %}{% do l.append(i) %}{% endfor %}"
        );
    }

    #[test]
    fn places_lead_back_to_the_original() {
        let text = "{{ '%s' % x }} {{ bad }}";
        let rewritten = rewrite(text, &Options::of_jinja());
        let at = rewritten.text.find("bad").expect("there");
        assert_eq!(&text[rewritten.original(&(at..at + 3))], "bad");
        let at = rewritten.text.find(" x").expect("there") + 1;
        assert_eq!(&text[rewritten.original(&(at..at + 1))], "x");
    }
}
