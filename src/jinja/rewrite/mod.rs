//! What Jinja2 can do and `MiniJinja` cannot is written differently before parsing, with a way back to the
//! places of the original: `'%s' % x` becomes a filter, list and mapping literals become changeable objects in templates
//! that call a method which changes one, and the line end after `raw` is doubled, for one of them is trimmed.
//!
//! Products and [`calls`] are put in for the bounds of what a template may do.

mod calls;
mod lexer;
mod limit;

use std::collections::HashSet;
use std::ops::Range;

use super::options::Options;
use crate::bounds::{self, Limit};
use lexer::{JinjaTag, JinjaToken, TokenKind};

pub(super) use calls::{Printed, Read};

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
    /// What it prints, in order.
    pub(super) printed: Vec<Printed>,
    /// The first tag that may take too much by itself.
    pub(super) limit: Option<(Range<usize>, Limit)>,
    /// In order.
    edits: Vec<Edit>,
}

#[derive(Debug, PartialEq, Eq)]
struct Edit {
    /// A range of the original.
    range: Range<usize>,
    /// What replaced it.
    text: String,
    /// The expression that it ends a call around.
    around: Option<Range<usize>>,
}

impl Rewritten {
    /// Returns the range of the original that a range of the rewritten text came from. What lies in a call alone stands
    /// for the expression that the call is about.
    pub(super) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let (start, edit) = self.offset(range.start);
        let (end, _) = self.offset(range.end);
        match edit.and_then(|edit| edit.around.clone()) {
            Some(around) if end <= start => around,
            _ => start..end.max(start),
        }
    }

    fn offset(&self, offset: usize) -> (usize, Option<&Edit>) {
        let (mut grown, mut shrunk) = (0, 0);
        for edit in &self.edits {
            let start = edit.range.start + grown - shrunk;
            if offset < start {
                break;
            }
            if offset < start + edit.text.len() {
                return (edit.range.start, Some(edit));
            }
            grown += edit.text.len();
            shrunk += edit.range.len();
        }
        (offset + shrunk - grown, None)
    }
}

/// Something put around a range.
struct Wrap {
    range: Range<usize>,
    open: String,
    close: String,
}

struct Writer<'t> {
    text: &'t str,
    /// Those that stand inside of others come first.
    wraps: Vec<Wrap>,
    replaced: Vec<(Range<usize>, &'static str)>,
    /// Where the replaced operators start.
    operators: HashSet<usize>,
    printed: Vec<Printed>,
    /// The number of the first printed expression.
    first: usize,
}

/// Rewrites a template. Its printed expressions are numbered from `first` on.
pub(super) fn rewrite(text: &str, options: &Options, first: usize) -> Rewritten {
    let (tags, raws) = lexer::tags(text, options);
    let changes = tags.iter().any(|tag| changes_something(text, &tag.tokens));
    let mut writer = Writer {
        text,
        wraps: Vec::new(),
        replaced: Vec::new(),
        operators: HashSet::new(),
        printed: Vec::new(),
        first,
    };
    let limit = limit::limit(text, &tags);
    if limit.is_some() {
        // It is never parsed, and need not be rewritten.
        return Rewritten {
            text: String::new(),
            printed: Vec::new(),
            limit,
            edits: Vec::new(),
        };
    }
    let bodies = bodies(text, &tags);
    for (tag, body) in tags.iter().zip(bodies) {
        let closing = closing(text, &tag.tokens);
        let loads = tag
            .tokens
            .first()
            .is_some_and(|token| LOADING.contains(&token.text(text)));
        if changes && !loads {
            writer.literals(&tag.tokens, &closing);
        }
        if !loads {
            writer.long_literals(&tag.tokens, &closing);
        }
        writer.percent(&tag.tokens, &closing);
        writer.times(&tag.tokens, &closing);
        writer.calls(tag, body, &closing);
    }
    let kept = raws.into_iter().filter(|at| {
        // Jinja2 keeps the line end after `raw`.
        options.trim_blocks && text[*at..].starts_with('\n')
    });
    writer.finish(kept)
}

/// Returns how long the text is that each loop repeats.
fn bodies(text: &str, tags: &[JinjaTag]) -> Vec<usize> {
    let mut lengths = vec![0; tags.len()];
    let mut open = Vec::new();
    for (index, tag) in tags.iter().enumerate().filter(|(_, tag)| tag.block) {
        match tag.tokens.first().map(|first| first.text(text)) {
            Some("for") => open.push(index),
            Some("endfor") => {
                if let Some(start) = open.pop() {
                    lengths[start] = tag.range.start - tags[start].range.end;
                }
            }
            _ => {}
        }
    }
    lengths
}

impl Writer<'_> {
    fn finish(self, doubled: impl Iterator<Item = usize>) -> Rewritten {
        // At one place, ends come before starts; of two starts that of the longer range first, of two ends that of the
        // shorter.
        let mut edits: Vec<((usize, u8, usize, usize), Edit)> = Vec::new();
        for (index, wrap) in self.wraps.into_iter().enumerate() {
            let Range { start, end } = wrap.range;
            let (open, close) = (wrap.open, wrap.close);
            if !open.is_empty() {
                let (range, text, around) = (start..start, open, None);
                let key = (start, 2, usize::MAX - end, usize::MAX - index);
                edits.push((key, Edit { range, text, around }));
            }
            let (range, text, around) = (end..end, close, Some(start..end));
            edits.push(((end, 1, usize::MAX - start, index), Edit { range, text, around }));
        }
        let replaced = self.replaced.into_iter();
        let doubled = doubled.map(|at| (at..at, "\n"));
        for (range, text) in replaced.chain(doubled) {
            let (text, around) = (text.to_owned(), None);
            edits.push(((range.start, 3, 0, 0), Edit { range, text, around }));
        }
        edits.sort_by_key(|(key, _)| *key);
        let text = self.text;
        let mut out = String::with_capacity(text.len() + 16 * edits.len());
        let mut rest = 0;
        for (_, edit) in &edits {
            out.push_str(&text[rest..edit.range.start]);
            out.push_str(&edit.text);
            rest = edit.range.end;
        }
        out.push_str(&text[rest..]);
        Rewritten {
            text: out,
            printed: self.printed,
            limit: None,
            edits: edits.into_iter().map(|(_, edit)| edit).collect(),
        }
    }

    /// Replaces an operator, unless it is replaced already: what is no expression may look like two.
    fn replace(&mut self, operator: &JinjaToken, text: &'static str) -> bool {
        let fresh = self.operators.insert(operator.range.start);
        if fresh {
            self.replaced.push((operator.range.clone(), text));
        }
        fresh
    }

    fn wrap(&mut self, range: Range<usize>, open: &str, close: &str) {
        let (open, close) = (open.to_owned(), close.to_owned());
        self.wraps.push(Wrap { range, open, close });
    }
}

fn changes_something(text: &str, tag: &[JinjaToken]) -> bool {
    tag.windows(3).any(|tokens| {
        tokens[0].text(text) == "." && tokens[2].text(text) == "(" && CHANGING.contains(&tokens[1].text(text))
    })
}

/// Returns whether an expression could end with this token.
fn ends_operand(text: &str, token: &JinjaToken) -> bool {
    match token.kind {
        TokenKind::Text | TokenKind::Number => true,
        TokenKind::Name => !KEYWORDS.contains(&token.text(text)),
        TokenKind::Other => matches!(token.text(text), ")" | "]" | "}"),
    }
}

fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word)
}

/// Returns for each bracket of a tag that opens the token that closes it.
fn closing(text: &str, tag: &[JinjaToken]) -> Vec<Option<usize>> {
    let mut closing = vec![None; tag.len()];
    let mut open = Vec::new();
    for (index, token) in tag
        .iter()
        .enumerate()
        .filter(|(_, token)| token.kind == TokenKind::Other)
    {
        match token.text(text) {
            "(" | "[" | "{" => open.push(index),
            ")" | "]" | "}" => {
                if let Some(start) = open.pop() {
                    closing[start] = Some(index);
                }
            }
            _ => {}
        }
    }
    closing
}

impl Writer<'_> {
    fn is(&self, tag: &[JinjaToken], index: usize, what: &str) -> bool {
        tag.get(index)
            .is_some_and(|token| token.kind == TokenKind::Other && token.text(self.text) == what)
    }

    /// Wraps list and mapping literals.
    fn literals(&mut self, tag: &[JinjaToken], closing: &[Option<usize>]) {
        for (index, token) in tag.iter().enumerate() {
            let call = match token.text(self.text) {
                "[" => "__list(",
                "{" => "__dict(",
                _ => continue,
            };
            if index > 0 && ends_operand(self.text, &tag[index - 1]) {
                continue;
            }
            if let Some(end) = closing[index] {
                self.wrap(token.range.start..tag[end].range.end, call, ")");
            }
        }
    }

    /// Measures the literals of a tag with many items: each may be the same large value.
    fn long_literals(&mut self, tag: &[JinjaToken], closing: &[Option<usize>]) {
        let commas = (0..tag.len()).filter(|index| self.is(tag, *index, ",")).count();
        if commas <= bounds::MAX_JOINS {
            return;
        }
        // What a loop or an assignment takes apart is no value.
        let values = match tag[0].text(self.text) {
            "for" => (0..tag.len()).find(|index| tag[*index].text(self.text) == "in"),
            "set" => (0..tag.len()).find(|index| self.is(tag, *index, "=")),
            _ => None,
        };
        for (index, token) in tag.iter().enumerate().skip(values.unwrap_or(0)) {
            let opens = token.kind == TokenKind::Other && matches!(token.text(self.text), "(" | "[" | "{");
            let calls = index > 0 && ends_operand(self.text, &tag[index - 1]);
            if let Some(end) = closing[index].filter(|_| opens && !calls) {
                self.wrap(token.range.start..tag[end].range.end, "((", ")|__hold)");
            }
        }
    }

    /// Turns `left % right` into `(left|__percent(right))`.
    fn percent(&mut self, tag: &[JinjaToken], closing: &[Option<usize>]) {
        if !(0..tag.len()).any(|index| self.is(tag, index, "%")) {
            return;
        }
        for start in 0..tag.len() {
            let token = &tag[start];
            if start > 0 {
                let before = &tag[start - 1];
                let product = matches!(
                    before.text(self.text),
                    "*" | "/" | "//" | "%" | "**" | "-" | "." | "|"
                );
                if ends_operand(self.text, before) || (before.kind == TokenKind::Other && product) {
                    continue;
                }
            }
            if token.kind == TokenKind::Number {
                continue;
            }
            let Some(mut end) = operand(self.text, tag, start, closing) else {
                continue;
            };
            while self.is(tag, end, "%") {
                let sign = usize::from(self.is(tag, end + 1, "-") || self.is(tag, end + 1, "+"));
                let Some(right) = operand(self.text, tag, end + 1 + sign, closing) else {
                    break;
                };
                if self.replace(&tag[end], "|__percent(") {
                    self.wrap(tag[start].range.start..tag[right - 1].range.end, "(", "))");
                }
                end = right;
            }
        }
    }

    /// Turns `left * right` into `((left)|__times(right))`, which knows how long a text or list would get.
    fn times(&mut self, tag: &[JinjaToken], closing: &[Option<usize>]) {
        if !(0..tag.len()).any(|index| self.is(tag, index, "*")) {
            return;
        }
        for start in 0..tag.len() {
            if start > 0 {
                let before = &tag[start - 1];
                let product = matches!(before.text(self.text), "*" | "/" | "//" | "%" | "**" | "." | "|");
                let tests = before.kind == TokenKind::Name && before.text(self.text) == "is";
                if ends_operand(self.text, before) || tests || (before.kind == TokenKind::Other && product) {
                    continue;
                }
            }
            let Some(mut end) = self.power(tag, start, closing) else {
                continue;
            };
            while let Some(operator) = tag.get(end).filter(|token| token.kind == TokenKind::Other) {
                let times = operator.text(self.text) == "*";
                if !times && !matches!(operator.text(self.text), "/" | "//" | "%") {
                    break;
                }
                let sign = usize::from(self.is(tag, end + 1, "-") || self.is(tag, end + 1, "+"));
                let Some(right) = self.power(tag, end + 1 + sign, closing) else {
                    break;
                };
                if times && self.replace(operator, ")|__times(") {
                    self.wrap(tag[start].range.start..tag[right - 1].range.end, "((", "))");
                }
                end = right;
            }
        }
    }

    /// Returns where `a ** b` ends that starts at a token.
    fn power(&self, tag: &[JinjaToken], start: usize, closing: &[Option<usize>]) -> Option<usize> {
        let mut end = operand(self.text, tag, start, closing)?;
        while self.is(tag, end, "**") {
            let sign = usize::from(self.is(tag, end + 1, "-") || self.is(tag, end + 1, "+"));
            end = operand(self.text, tag, end + 1 + sign, closing)?;
        }
        Some(end)
    }
}

/// Returns where the operand that starts at a token ends: a value with what is read of it, and filters.
fn operand(text: &str, tag: &[JinjaToken], start: usize, closing: &[Option<usize>]) -> Option<usize> {
    let first = tag.get(start)?;
    let opens =
        |token: &JinjaToken| token.kind == TokenKind::Other && matches!(token.text(text), "(" | "[" | "{");
    let mut at = match first.kind {
        TokenKind::Name if KEYWORDS.contains(&first.text(text)) => return None,
        TokenKind::Text | TokenKind::Number | TokenKind::Name => start + 1,
        TokenKind::Other if opens(first) => closing[start]? + 1,
        TokenKind::Other => return None,
    };
    while let Some(token) = tag.get(at) {
        match token.text(text) {
            "." | "|" if token.kind == TokenKind::Other && tag.get(at + 1).is_some() => at += 2,
            "(" | "[" if token.kind == TokenKind::Other => at = closing[at]? + 1,
            _ => break,
        }
    }
    Some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without the calls that count.
    fn rewritten(text: &str) -> String {
        let mut out = rewrite(text, &Options::of_jinja(), 0).text;
        for number in 0..100 {
            out = out.replace(&format!(")|__seen({number})"), "\u{1}");
            out = out.replace(&format!(")|__each({number})"), "\u{1}");
        }
        for call in [")|__hold", ")|__ask"] {
            out = out.replace(call, "\u{1}");
        }
        // Each takes the last parenthesis that was opened for it away.
        while let Some(end) = out.find('\u{1}') {
            let mut depth = 0_i32;
            let start = out[..end].char_indices().rev().find(|(_, c)| {
                depth += match c {
                    ')' => 1,
                    '(' => -1,
                    _ => 0,
                };
                depth < 0
            });
            let start = start.expect("opened").0;
            out.remove(end);
            out.remove(start);
        }
        out
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
        assert_eq!(rewritten("{{ 2 * n % 3 }}"), "{{ ((2 )|__times( n)) % 3 }}");
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
        let rewritten = rewrite(text, &Options::of_jinja(), 0);
        let at = rewritten.text.find("bad").expect("there");
        assert_eq!(&text[rewritten.original(&(at..at + 3))], "bad");
        let at = rewritten.text.find(" x").expect("there") + 1;
        assert_eq!(&text[rewritten.original(&(at..at + 1))], "x");
    }

    #[test]
    fn products_and_calls_are_counted() {
        let of = |text: &str| rewrite(text, &Options::of_jinja(), 7).text;
        for (text, expected) in [
            ("{{ a * b }}", "{{ (((a )|__times( b)))|__seen(7) }}"),
            (
                "{{ 2 + a / 3 * -b ** 2 }}",
                "{{ (2 + ((a / 3 )|__times( -b ** 2)))|__seen(7) }}",
            ),
            ("{% set x = x ~ x %}", "{% set x = (x ~ x)|__hold %}"),
            ("{% set x %}a{% endset %}", "{% set x|__hold %}a{% endset %}"),
            (
                "{% with a = b ~ c, d = e %}",
                "{% with a = (b ~ c)|__hold, d = (e)|__hold %}",
            ),
            (
                "{% for x in f(a ~ b, c) if x %}abc{% endfor %}",
                "{% for x in (f((a ~ b)|__hold, c))|__each(3) if x %}abc{% endfor %}",
            ),
            (
                "{% if a.b %}{% elif a == b %}",
                "{% if a.b %}{% elif (a == b)|__ask %}",
            ),
            (
                "{% include 'a' ignore missing %}",
                "{% include ('a')|__enter ignore missing %}",
            ),
            ("{% macro m(a, b=c ~ d) %}", "{% macro m(a, b=c ~ d) %}"),
            (
                "{% do l.append(m(x ~ y)) %}",
                "{% do l.append((m((x ~ y)|__hold))|__hold) %}",
            ),
            ("{{ f(*a, **b) }}", "{{ (f(*a, **b))|__seen(7) }}"),
        ] {
            assert_eq!(of(text), expected);
        }
    }

    #[test]
    fn names_are_read_unless_their_absence_is_allowed_for() {
        let of = |text: &str| {
            let rewritten = rewrite(text, &Options::of_jinja(), 0);
            let names = rewritten.printed.into_iter().flat_map(|printed| printed.names);
            names.map(|read| read.name).collect::<Vec<_>>().join(" ")
        };
        for (text, names) in [
            ("{{ a.b ~ c['d'] | upper }}", "a a.b c c['d']"),
            ("{{ a.b.c() ~ d[0].e ~ f['g'].h }}", "a a.b d f f['g'] f['g'].h"),
            ("{{ a | default('x') }}{{ b.c|d }}", ""),
            ("{{ a if a else b }}{{ a or b }}{{ a is defined }}", ""),
            ("{{ f(a, k=b) }}", "a b"),
            (
                "{% if a %}{% endif %}{% raw %}{{ b }}{% endraw %}{# {{ c }} #}",
                "",
            ),
        ] {
            assert_eq!(of(text), names, "{text}");
        }
    }

    #[test]
    fn many_tags_and_brackets_are_read_once() {
        let of = |text: &str| rewrite(text, &Options::of_jinja(), 0);
        assert_eq!(of(&"{{ x }}".repeat(20_000)).printed.len(), 20_000);
        for bomb in [
            "{{ x }}".repeat(100_000),
            format!(
                "{{{{ {}1 % 2 * 3{} }}}}",
                "(".repeat(100_000),
                ")".repeat(100_000)
            ),
            format!("{{{{ x{} }}}}", " + x".repeat(100_000)),
            format!("{{{{ x{} }}}}", ".x".repeat(100_000)),
            format!("{{{{ x{} }}}}", "[0]".repeat(100_000)),
            format!("{{{{ x{} }}}}", "|d".repeat(100_000)),
            format!("{{{{ {}x }}}}", "-".repeat(100_000)),
            format!("{{% if {}x %}}", "not ".repeat(100_000)),
            format!("{{% if x{} %}}", " and x".repeat(100_000)),
            format!("{{% if x %}}{}", "{% elif x %}".repeat(100_000)),
        ] {
            assert!(of(&bomb).limit.is_some(), "{}", &bomb[..40]);
        }
        let pairs = format!("{{% set x = [{}] %}}", "(a.b, c ~ 'x'), ".repeat(30));
        assert_eq!(of(&pairs).limit, None);
    }
}
