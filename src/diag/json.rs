//! Findings for machines. The field names are a public contract.

use serde::Serialize;

use super::{Diagnostic, Diagnostics, Label, Severity};
use crate::source::SourceMap;

/// One finding.
#[derive(Debug, Serialize)]
pub struct JsonFinding<'a> {
    code: &'a str,
    severity: Severity,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location: Option<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    notes: &'a [String],
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    help: &'a [String],
}

/// A range in a file; lines and columns are 1-based, columns count characters.
#[derive(Debug, Serialize)]
struct Location<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    end_line: usize,
    end_column: usize,
    #[serde(skip_serializing_if = "str::is_empty")]
    label: &'a str,
}

impl<'a> Location<'a> {
    fn new(label: &'a Label, sources: &'a SourceMap) -> Self {
        let source = sources.get(label.span.source);
        let (start, end) = (source.position(label.span.start), source.position(label.span.end));
        Self {
            path: &source.name,
            line: start.line,
            column: start.column,
            end_line: end.line,
            end_column: end.column,
            label: &label.text,
        }
    }
}

/// Returns all findings in serialisable form, sorted as the other formats sort them.
pub fn findings(diagnostics: &Diagnostics) -> Vec<JsonFinding<'_>> {
    diagnostics
        .sorted()
        .into_iter()
        .map(|d| finding(d, &diagnostics.sources))
        .collect()
}

fn finding<'a>(d: &'a Diagnostic, sources: &'a SourceMap) -> JsonFinding<'a> {
    JsonFinding {
        code: d.code,
        severity: d.severity,
        message: &d.message,
        path: d.path.as_deref(),
        location: d.primary.as_ref().map(|l| Location::new(l, sources)),
        related: d.secondary.iter().map(|l| Location::new(l, sources)).collect(),
        notes: &d.notes,
        help: &d.help,
    }
}
