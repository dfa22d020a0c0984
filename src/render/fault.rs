//! What is wrong in a Tera template, with its place in the text that a person wrote and the edit that mends it.
//!
//! Tera stops at the first thing that it cannot read, often far behind the mistake, and has no place for a filter that
//! is not there. So the tags are looked through before: what is never closed, what closes nothing, and names that nobody
//! has. Tera's own words are for the rest.

use std::collections::BTreeMap;
use std::ops::Range;

use tera::ErrorKind;

use super::bounded::{PieceKind, TeraTag, TeraToken, tags};
use super::engine::{Source, empty};
use super::words;
use crate::bounds::Limit;
use crate::diag::{Diagnostic, Diagnostics};
use crate::jinja;
use crate::plan::closest;

/// Something wrong in the tags of a template.
struct Fault {
    range: Range<usize>,
    code: &'static str,
    message: String,
    label: &'static str,
    /// Another place that matters.
    also: Option<(Range<usize>, &'static str)>,
    notes: Vec<String>,
    help: Vec<String>,
}

impl Fault {
    fn new(code: &'static str, range: Range<usize>, message: String) -> Self {
        Self {
            range,
            code,
            message,
            label: "",
            also: None,
            notes: Vec::new(),
            help: Vec::new(),
        }
    }

    fn label(mut self, label: &'static str) -> Self {
        self.label = label;
        self
    }

    fn help(mut self, help: String) -> Self {
        self.help.push(help);
        self
    }
}

/// Reports what the tags of a template alone tell; returns whether there was anything.
pub(super) fn look_through(name: &str, text: &str, diags: &mut Diagnostics) -> bool {
    let (tags, refused) = tags(text);
    let mut faults: Vec<Fault> = tags.iter().flat_map(names).collect();
    match refused {
        Some(start) => faults.extend(never_closed(text, start)),
        // Behind what cannot be read the closing tags may stand.
        None => faults.extend(blocks(&tags)),
    }
    faults.sort_by_key(|fault| fault.range.start);
    let found = !faults.is_empty();
    for fault in faults {
        let id = diags.sources.add(format!("templates/{name}"), text.to_owned());
        let mut finding = Diagnostic::error(fault.code, fault.message).at(id.span(fault.range), fault.label);
        if let Some((range, label)) = fault.also {
            finding = finding.also(id.span(range), label);
        }
        let finding = fault.notes.into_iter().fold(finding, Diagnostic::note);
        diags.push(fault.help.into_iter().fold(finding, Diagnostic::help));
    }
    found
}

/// Finds a tag, comment or raw text without an end, of which the reading of tags stopped at `start`.
fn never_closed(text: &str, start: usize) -> Option<Fault> {
    let rest = text.get(start + 2..)?;
    let open = &text[start..start + 2];
    let close = match open {
        "#{" => "}#",
        "#%" => "%#",
        _ => "|#",
    };
    let closed = rest.find(close);
    let next = ["#{", "#%", "#|"].iter().filter_map(|open| rest.find(open)).min();
    let is_raw = open == "#%" && rest.trim_start_matches('-').trim_start().starts_with("raw");
    if is_raw && closed.is_some() {
        let end = start + 2 + closed.unwrap_or_default() + 2;
        let message = "`raw` is never closed".to_owned();
        let fault = Fault::new("template/syntax", start..end, message).label("opened here");
        return Some(fault.help("write `#% endraw %#` where it ends".to_owned()));
    }
    let is_closed = closed.is_some_and(|closed| open == "#|" || next.is_none_or(|next| closed < next));
    if is_closed {
        return None;
    }
    let message = format!("`{open}` is never closed");
    let fault = Fault::new("template/syntax", start..start + 2, message).label("opened here");
    Some(fault.help(format!("write `{close}` where it ends")))
}

/// Finds the first block that is not closed, or the tag that closes none.
fn blocks(tags: &[TeraTag<'_>]) -> Option<Fault> {
    let mut open: Vec<(&str, &str, Range<usize>)> = Vec::new();
    for tag in tags.iter().filter(|tag| !tag.prints) {
        let Some(first) = tag.tokens.first().filter(|first| first.kind == PieceKind::Name) else {
            continue;
        };
        let place = tag.start..tag.end;
        let opened = words::BLOCKS.iter().find(|(open, _)| *open == first.text);
        if let Some((word, close)) = opened {
            let is_value = word.starts_with("set") && tag.tokens.get(2).is_some_and(|assign| assign.is("="));
            if !is_value {
                open.push((word, close, place));
            }
            continue;
        }
        if !words::BLOCKS.iter().any(|(_, close)| *close == first.text) {
            continue;
        }
        match open.last() {
            Some((_, close, _)) if *close == first.text => drop(open.pop()),
            Some((word, close, opened)) if open.iter().any(|(_, close, _)| *close == first.text) => {
                let mut fault = unclosed(word, close, opened.clone());
                fault.also = Some((place, "but this closes a block around it"));
                return Some(fault);
            }
            inner => {
                let message = format!("`{}` closes nothing", first.text);
                let mut fault = Fault::new("template/syntax", place, message);
                fault.also = inner.map(|(_, _, opened)| (opened.clone(), "this block is open"));
                return Some(match inner {
                    Some((_, close, _)) => fault.help(format!("write `#% {close} %#`")),
                    None => fault.help("remove it, or open the block before it".to_owned()),
                });
            }
        }
    }
    let (word, close, opened) = open.pop()?;
    Some(unclosed(word, close, opened))
}

fn unclosed(word: &str, close: &str, opened: Range<usize>) -> Fault {
    let message = format!("`{word}` is never closed");
    let fault = Fault::new("template/syntax", opened, message).label("opened here");
    fault.help(format!("write `#% {close} %#` where it ends"))
}

/// Finds the filters, tests, functions and tags that do not exist.
fn names(tag: &TeraTag<'_>) -> Vec<Fault> {
    let tokens = tag.tokens.as_slice();
    let mut found = Vec::new();
    let head = tokens
        .first()
        .filter(|first| !tag.prints && first.kind == PieceKind::Name);
    if let Some(first) = head {
        let all = || {
            let blocks = words::BLOCKS.iter().flat_map(|(open, close)| [*open, *close]);
            blocks.chain(words::TAGS)
        };
        if !all().any(|known| known == first.text) {
            found.push(unknown("tag", first, &all().collect::<Vec<_>>()));
            return found;
        }
        if first.text == "component" {
            return found;
        }
    }
    for (at, token) in tokens.iter().enumerate() {
        if token.kind != PieceKind::Name || (at == 0 && head.is_some()) {
            continue;
        }
        let before = at.checked_sub(1).map(|before| &tokens[before]);
        let two_before = at.checked_sub(2).map(|before| &tokens[before]);
        let is = |token: Option<&TeraToken<'_>>, name: &str| token.is_some_and(|token| token.names(name));
        let is_section = at == 1 && head.is_some_and(|first| first.text == "filter");
        if is_section || before.is_some_and(|before| before.is("|")) {
            check("filter", token, &words::FILTERS, &mut found);
        } else if is(before, "is") && token.text != "not" || is(before, "not") && is(two_before, "is") {
            check("test", token, &words::TESTS, &mut found);
        } else if tokens.get(at + 1).is_some_and(|next| next.is("("))
            && !KEYWORDS.contains(&token.text)
            && !before.is_some_and(|before| [".", "?.", "<", "</", "@"].iter().any(|s| before.is(s)))
        {
            check("function", token, &words::FUNCTIONS, &mut found);
        }
    }
    found
}

/// Words before a parenthesis that call nothing; `super` is the block of the template that is extended.
const KEYWORDS: [&str; 10] = [
    "and", "elif", "else", "for", "if", "in", "is", "not", "or", "super",
];

fn check(what: &str, token: &TeraToken<'_>, known: &[&str], found: &mut Vec<Fault>) {
    if !known.contains(&token.text) {
        found.push(unknown(what, token, known));
    }
}

fn unknown(what: &str, token: &TeraToken<'_>, known: &[&str]) -> Fault {
    let name = token.text;
    let code = match what {
        "tag" => "template/syntax",
        _ => "template/unknown-name",
    };
    let mut fault = Fault::new(code, token.range.clone(), format!("there is no {what} `{name}`"));
    let renamed = words::ELSEWHERE
        .iter()
        .find(|(theirs, ours)| *theirs == name && known.contains(ours))
        .map(|(_, ours)| *ours);
    if let Some(near) = renamed.or_else(|| closest(name, known.iter().copied())) {
        fault = fault.help(format!("did you mean `{near}`?"));
    }
    let theirs = match what {
        "filter" => jinja::FILTERS.contains(&name),
        "test" => jinja::TESTS.contains(&name),
        "function" => jinja::FUNCTIONS.contains(&name),
        _ => ["call", "from", "import", "macro", "with"].contains(&name),
    };
    if theirs {
        let note = format!("Jinja2 has a {what} `{name}`: a template that is called `*.j2` can use it");
        fault.notes.push(note);
    }
    fault.help(match what {
        "tag" => format!("there are {}", known.join(", ")),
        _ => "`clusterwright explain templates` lists what there is".to_owned(),
    })
}

/// Tera stops at the first bad template of a batch; parsing each alone finds the others. `seen` are those that a finding
/// was made of.
pub(super) fn report_all(
    sources: &BTreeMap<String, Source>,
    batch: &tera::Error,
    complete: bool,
    seen: &[&str],
    diags: &mut Diagnostics,
) {
    let mut found = !seen.is_empty();
    for (name, source) in sources.iter().filter(|(name, _)| !seen.contains(&name.as_str())) {
        let mut tera = empty();
        if let Err(error) = tera.add_raw_template(name, &source.bounded.text) {
            let uses = !source.bounded.uses.is_empty();
            if matches!(error.kind(), ErrorKind::SyntaxError(_)) || !uses {
                report(sources, name, &error, None, diags);
                found = true;
            }
        }
    }
    // A template that was refused before is missing in the batch, which is no finding of its own.
    if !found && complete {
        diags.push(Diagnostic::error(
            "template/syntax",
            first_line(&batch.to_string()),
        ));
    }
}

/// Reports an error of the engine. `name` is the template that was asked for; the error may be in one that it includes.
pub(super) fn report(
    sources: &BTreeMap<String, Source>,
    name: &str,
    error: &tera::Error,
    limit: Option<&Limit>,
    diags: &mut Diagnostics,
) {
    let (code, report) = match error.kind() {
        ErrorKind::SyntaxError(report) => ("template/syntax", report),
        ErrorKind::RenderingError(report) => ("template/render", report),
        _ => {
            let finding = match limit {
                Some(limit) => limit.finding(),
                None => Diagnostic::error("template/syntax", first_line(&error.to_string())),
            };
            diags.push(finding.in_file(format!("templates/{name}")));
            return;
        }
    };
    let asked = name;
    let (name, source) = match sources.get_key_value(report.filename()) {
        Some((name, source)) => (name.as_str(), source),
        None => (name, &sources[name]),
    };
    let range = source.bounded.original(&report.span().range);
    let words = source.text.get(range.clone()).unwrap_or_default().trim();
    let mut finding = if let Some(limit) = limit {
        limit.finding()
    } else if report
        .message()
        .starts_with("Tried to render a variable that is undefined")
    {
        // The name is one that templates may read, as was checked when they were loaded.
        let finding = Diagnostic::error(code, format!("`{words}` is not defined"));
        let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
        match words {
            name if name.is_empty() || !name.chars().all(is_name) => finding,
            name if name.contains('.') => {
                finding.help(format!("set it, or ask for it first: `#% if {name} %#` … `#% endif %#`"))
            }
            name => finding.help(format!(
                "`{name}` is not set: write it into cluster.yaml, or ask for it first: `#% if {name} %#` … `#% endif %#`"
            )),
        }
    } else {
        let finding = Diagnostic::error(code, message(report.message()));
        match unnamed(&source.text, range.start, report.message()) {
            Some(called) => finding.help(format!(
                "arguments have names in Tera: `{called}(NAME=…)`, such as `default(value=…)`"
            )),
            None => finding,
        }
    };
    if name != asked {
        finding = finding.note(format!("`templates/{asked}` includes it"));
    }
    let id = diags
        .sources
        .add(format!("templates/{name}"), source.text.clone());
    diags.push(finding.at(id.span(range), ""));
}

/// Returns what is called with an argument that has no name, where that is the error.
fn unnamed<'t>(text: &'t str, at: usize, message: &str) -> Option<&'t str> {
    if !message.contains("expected identifier") && !message.contains("expected =") {
        return None;
    }
    let before = text.get(..at)?;
    let tag = &before[before.rfind("#{").max(before.rfind("#%"))?..];
    let called = &tag[..tag.rfind('(')?];
    let start = called
        .rfind(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .map_or(0, |at| at + 1);
    Some(&called[start..]).filter(|name| !name.is_empty())
}

/// Returns Tera's words for what is wrong, with our delimiters.
fn message(text: &str) -> String {
    // The full text lists every name in scope, hundreds of them.
    let text = text.split(" Available variables").next().unwrap_or(text);
    let text = [("{{", "#{"), ("}}", "}#"), ("{%", "#%"), ("%}", "%#")]
        .iter()
        .fold(text.trim_end_matches('.').to_owned(), |text, (theirs, ours)| {
            text.replace(theirs, ours)
        });
    lower_first(&text)
}

fn first_line(text: &str) -> String {
    lower_first(
        text.lines()
            .find(|line| !line.trim().is_empty())
            .unwrap_or("the template is not valid")
            .trim(),
    )
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::words::{FILTERS, FUNCTIONS, TESTS};

    /// Tera tells how many it has, and of each name whether it has it.
    #[test]
    fn the_lists_are_what_tera_has() {
        let tera = empty();
        let said = format!("{tera:?}");
        let counted = |what: &str| -> usize {
            let (_, rest) = said.split_once(&format!(" {what}: ")).expect("told");
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().expect("a number")
        };
        // Those that are put into templates begin with `__`.
        assert_eq!(counted("filters"), FILTERS.len() + 4);
        assert_eq!(counted("tests"), TESTS.len());
        assert_eq!(counted("functions"), FUNCTIONS.len() + 1);
        for (names, form) in [
            (FILTERS.as_slice(), "#{ 'x' | NAME }#"),
            (&TESTS, "#{ 'x' is NAME }#"),
            (&FUNCTIONS, "#{ NAME() }#"),
        ] {
            assert!(names.is_sorted());
            let is_known = |name: &str| empty().add_raw_template("x", &form.replace("NAME", name)).is_ok();
            assert!(!is_known("nope"), "{form}");
            for name in names {
                assert!(is_known(name), "{name}");
            }
        }
        for tag in words::TAGS
            .iter()
            .chain(words::BLOCKS.iter().map(|(open, _)| open))
        {
            let error = empty()
                .add_raw_template("x", &format!("#% {tag} 'x' %#"))
                .err()
                .map(|error| error.to_string());
            let is_inside = ["elif", "else", "endraw", "raw"].contains(tag);
            let unknown = error.is_some_and(|error| error.contains("Unknown tag"));
            assert!(is_inside || !unknown, "{tag}");
        }
    }

    fn said(text: &str) -> String {
        let mut diags = Diagnostics::default();
        look_through("repo/x.tera", text, &mut diags);
        anstream::adapter::strip_str(&crate::diag::human::render(&diags)).to_string()
    }

    #[test]
    fn each_kind_of_error_has_a_place_and_an_edit() {
        let all: Vec<String> = [
            "a: 1\n#% if text %#\nb: 2\n",
            "#% for n in nodes %#\n#% if n %#\n#% endfor %#\n",
            "a: 1\n#% endif %#\n",
            "#% if text %#\n#% endfor %#\n",
            "#% set x %#\nb: 2\n",
            "a: #{ text\nb: #{ text }#\n",
            "#% if text\nb: 2\n",
            "a\n#| a comment\n",
            "#% raw %#\n#{ a }#\n",
            "a: #{ text | uper }#\n",
            "a: #{ text | tojson }#\n",
            "a: #{ text | selectattr }#\n",
            "#% filter indnt(width=2) %#a#% endfilter %#\n",
            "#% if text is not defind %#a#% endif %#\n",
            "#% for i in rnge(end=2) %#a#% endfor %#\n",
            "#% fro i in nodes %#a\n",
            "#% macro a() %#\n",
        ]
        .iter()
        .map(|text| said(text))
        .collect();
        assert!(all.iter().all(|said| !said.is_empty()));
        insta::assert_snapshot!(all.join("\n"));
    }

    #[test]
    fn what_is_right_is_left_alone() {
        for text in [
            "#% if (a) and not (b) %#x#% elif c is defined and d is not string %#y#% else %#z#% endif %#",
            "#% set x = a | default(value='(') %##% set y %#a#% endset %##% set_global z = 1 %#",
            "#% for k, v in m | pairs %#a#% break %##% else %#b#% endfor %#",
            "#% raw %##% if %##{ x( }##% endraw %##| #% if |#",
            "#% block a %##{ super() }##% endblock a %##{ a.is_it }##{ [x for x in (y)] }#",
            "#% component c(a: String = 'x') %##{ a }##% endcomponent %##% <c a={x}> %#b#% </c> %#",
            "#{ <c a={x}/> }##{ a if b else (c) }##{ a in (b) }#",
        ] {
            assert_eq!(said(text), "", "{text}");
        }
    }
}
