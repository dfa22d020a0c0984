//! Findings for people: the source line, carets, and what to do.

use std::borrow::Cow;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use super::screen::{line, text};
use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::{SourceId, SourceMap, SourceText};

/// Renders all findings, separated by blank lines. The only escape sequences in it are those of its own styles.
pub fn render(diagnostics: &Diagnostics) -> String {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        let finding = Shown::of(diagnostic, &diagnostics.sources);
        out.push_str(&renderer.render(&finding.report()));
        out.push_str("\n\n");
    }
    out
}

/// A finding in which everything is fit for a terminal.
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    message: Cow<'a, str>,
    /// The quoted texts, each with the places in it.
    quotes: Vec<Quote<'a>>,
    path: Option<Cow<'a, str>>,
    notes: Vec<Cow<'a, str>>,
    help: Vec<Cow<'a, str>>,
}

/// The lines of a text from the first to the last that a finding marks.
struct Quote<'a> {
    name: Cow<'a, str>,
    first_line: usize,
    text: Cow<'a, str>,
    marks: Vec<(Range<usize>, AnnotationKind, Cow<'a, str>)>,
}

impl<'a> Quote<'a> {
    /// Takes no more than the lines that are needed: a file with thousands of findings is not gone over for each.
    fn of(source: &'a SourceText, labels: &[(&'a Label, AnnotationKind)]) -> Self {
        let start = labels.iter().map(|(label, _)| label.span.start).min();
        let end = labels.iter().map(|(label, _)| label.span.end).max();
        let (first_line, lines) = source.lines(start.unwrap_or(0)..end.unwrap_or(0));
        let mark = |(label, kind): &(&'a Label, AnnotationKind)| {
            let range = place(label, source, lines.start);
            (range, *kind, line(&label.text))
        };
        Self {
            name: line(&source.name),
            first_line,
            text: text(&source.text[lines.clone()]),
            marks: labels.iter().map(mark).collect(),
        }
    }
}

impl<'a> Shown<'a> {
    fn of(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Self {
        let primary = diagnostic.primary.iter().map(|l| (l, AnnotationKind::Primary));
        let secondary = diagnostic.secondary.iter().map(|l| (l, AnnotationKind::Context));
        let mut by_source: Vec<(SourceId, Vec<(&Label, AnnotationKind)>)> = Vec::new();
        for (label, kind) in primary.chain(secondary) {
            let id = label.span.source;
            match by_source.iter_mut().find(|(source, _)| *source == id) {
                Some((_, labels)) => labels.push((label, kind)),
                None => by_source.push((id, vec![(label, kind)])),
            }
        }
        let quotes: Vec<Quote<'_>> = by_source
            .iter()
            .map(|(id, labels)| Quote::of(sources.get(*id), labels))
            .collect();
        let path = diagnostic.path.as_deref().filter(|_| quotes.is_empty());
        Self {
            diagnostic,
            message: line(&diagnostic.message),
            quotes,
            path: path.map(line),
            notes: diagnostic.notes.iter().map(|note| text(note)).collect(),
            help: diagnostic.help.iter().map(|help| text(help)).collect(),
        }
    }

    fn report(&self) -> Vec<Group<'_>> {
        let level = match self.diagnostic.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
            Severity::Note => Level::NOTE,
        };
        let title = level
            .primary_title(self.message.as_ref())
            .id(self.diagnostic.code);
        let mut group = Group::with_title(title);
        for quote in &self.quotes {
            let mut snippet = Snippet::source(quote.text.as_ref())
                .path(quote.name.as_ref())
                .line_start(quote.first_line)
                .fold(true);
            for (range, kind, label) in &quote.marks {
                snippet = snippet.annotation(kind.span(range.clone()).label(label.as_ref()));
            }
            group = group.element(snippet);
        }
        if let Some(path) = &self.path {
            group = group.element(annotate_snippets::Origin::path(path.as_ref()));
        }
        for note in &self.notes {
            group = group.element(Level::NOTE.message(note.as_ref()));
        }
        for help in &self.help {
            group = group.element(Level::HELP.message(help.as_ref()));
        }
        vec![group]
    }
}

/// Returns where a place of a source lies in what is shown of it from byte `from` on.
fn place(label: &Label, source: &SourceText, from: usize) -> Range<usize> {
    let start = source.floor_char_boundary(label.span.start);
    let end = source.floor_char_boundary(label.span.end).max(start);
    let before = text(&source.text[from..start]).len();
    before..before + text(&source.text[start..end]).len()
}
