//! Findings for people: the source line, carets, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};

use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::SourceMap;

/// Renders all findings, separated by blank lines.
pub fn render(diagnostics: &Diagnostics) -> String {
    let renderer = Renderer::styled().decor_style(DecorStyle::Ascii);
    let mut out = String::new();
    for diagnostic in diagnostics.sorted() {
        out.push_str(&renderer.render(&report(diagnostic, &diagnostics.sources)));
        out.push_str("\n\n");
    }
    out
}

fn report<'a>(diagnostic: &'a Diagnostic, sources: &'a SourceMap) -> Vec<Group<'a>> {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.code));
    let mut labels: Vec<(&Label, AnnotationKind)> = Vec::new();
    labels.extend(diagnostic.primary.as_ref().map(|l| (l, AnnotationKind::Primary)));
    labels.extend(diagnostic.secondary.iter().map(|l| (l, AnnotationKind::Context)));
    let mut done: Vec<crate::source::SourceId> = Vec::new();
    for (label, _) in &labels {
        let id = label.span.source;
        if done.contains(&id) {
            continue;
        }
        done.push(id);
        let source = sources.get(id);
        let mut snippet = Snippet::source(source.text.as_str())
            .path(source.name.as_str())
            .fold(true);
        for (label, kind) in labels.iter().filter(|(l, _)| l.span.source == id) {
            let start = source.floor_char_boundary(label.span.start);
            let end = source.floor_char_boundary(label.span.end).max(start);
            snippet = snippet.annotation(kind.span(start..end).label(label.text.as_str()));
        }
        group = group.element(snippet);
    }
    if labels.is_empty()
        && let Some(path) = &diagnostic.path
    {
        group = group.element(annotate_snippets::Origin::path(path.as_str()));
    }
    for note in &diagnostic.notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    vec![group]
}
