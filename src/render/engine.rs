//! Tera as the library uses it: delimiters, white space, checks of the whole set at load, findings with spans.

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use tera::{Context, Delimiters, ErrorKind, Tera};

use super::names::{self, Shape};
use super::whitespace;
use crate::catalog::{Language, TemplateFile};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::plan::closest;
use crate::source::SourceId;

/// The values that templates read, as Tera holds them: converted once for all files.
pub(super) struct Scope(Context);

impl Scope {
    /// Converts values.
    pub(super) fn new(values: &Map<String, Value>) -> Self {
        let mut context = Context::new();
        for (key, value) in values {
            context.insert(key.clone(), value);
        }
        Self(context)
    }

    /// Adds or replaces a value.
    pub(super) fn set(&mut self, key: &'static str, value: &Value) {
        self.0.insert(key, value);
    }

    /// Removes a value.
    pub(super) fn unset(&mut self, key: &str) {
        self.0.remove(key);
    }
}

/// All templates of a library, parsed.
pub(super) struct Engine {
    tera: Tera,
}

impl Engine {
    /// Parses all templates and checks every name they read.
    ///
    /// # Errors
    /// For syntax errors, unknown filters and unknown names; those of all templates are reported.
    pub(super) fn load<'a>(
        files: impl Iterator<Item = &'a TemplateFile>,
        shape: &BTreeMap<String, Shape>,
        diags: &mut Diagnostics,
    ) -> Result<Self, Aborted> {
        let files: Vec<&TemplateFile> = files.filter(|file| file.language == Language::Tera).collect();
        let mut tera = empty();
        let shimmed: Vec<(&str, String)> = files
            .iter()
            .map(|file| (file.source.as_str(), whitespace::trim(&file.text)))
            .collect();
        if let Err(error) = tera.add_raw_templates(shimmed.iter().map(|(name, text)| (*name, text.as_str())))
        {
            report_all(&files, &error, diags);
        }
        for file in &files {
            for unknown in names::unknown(&file.text, shape) {
                let id = source(file, diags);
                let mut diagnostic = Diagnostic::error(
                    "template/unknown-name",
                    format!("`{}` does not exist", unknown.name),
                )
                .at(id.span(unknown.span), "read here");
                let last = unknown.name.rsplit('.').next().unwrap_or_default();
                if let Some(near) = closest(last, unknown.candidates.iter().map(String::as_str)) {
                    diagnostic = diagnostic.help(format!("did you mean `{near}`?"));
                }
                diags.push(diagnostic);
            }
        }
        diags.checkpoint()?;
        Ok(Self { tera })
    }

    /// Renders one template; `None` after an error, which is reported.
    pub(super) fn render(
        &self,
        file: &TemplateFile,
        scope: &Scope,
        diags: &mut Diagnostics,
    ) -> Option<String> {
        match self.tera.render(&file.source, &scope.0) {
            Ok(text) => Some(text),
            Err(error) => {
                report(file, &error, diags);
                None
            }
        }
    }

    /// Returns whether a template reads one of these top-level names.
    pub(super) fn reads(&self, file: &TemplateFile, name: impl Fn(&str) -> bool) -> bool {
        self.tera
            .get_template_variables(&file.source)
            .is_ok_and(|names| names.iter().any(|n| name(n)))
    }
}

fn empty() -> Tera {
    let mut tera = Tera::default();
    let delimiters = Delimiters {
        block_start: "#%".into(),
        block_end: "%#".into(),
        variable_start: "#{".into(),
        variable_end: "}#".into(),
        comment_start: "#|".into(),
        comment_end: "|#".into(),
    };
    tera.set_delimiters(delimiters)
        .expect("the delimiters are two bytes long and differ");
    tera.autoescape_on(Vec::<&'static str>::new());
    tera.register_filter("json", super::filters::json);
    tera
}

/// Adds the template's text to the sources.
pub(super) fn source(file: &TemplateFile, diags: &mut Diagnostics) -> SourceId {
    diags
        .sources
        .add(format!("templates/{}", file.source), file.text.clone())
}

/// Tera stops at the first bad template of a batch; parsing each alone finds the others.
fn report_all(files: &[&TemplateFile], batch: &tera::Error, diags: &mut Diagnostics) {
    let mut found = false;
    for file in files {
        let mut tera = empty();
        if let Err(error) = tera.add_raw_template(&file.source, &whitespace::trim(&file.text)) {
            let includes = file.text.contains("include");
            if matches!(error.kind(), ErrorKind::SyntaxError(_)) || !includes {
                report(file, &error, diags);
                found = true;
            }
        }
    }
    if !found {
        diags.push(Diagnostic::error(
            "template/syntax",
            first_line(&batch.to_string()),
        ));
    }
}

fn report(file: &TemplateFile, error: &tera::Error, diags: &mut Diagnostics) {
    let (code, report) = match error.kind() {
        ErrorKind::SyntaxError(report) => ("template/syntax", report),
        ErrorKind::RenderingError(report) => ("template/render", report),
        _ => {
            let message = first_line(&error.to_string());
            let place = format!("templates/{}", file.source);
            diags.push(Diagnostic::error("template/syntax", message).in_file(place));
            return;
        }
    };
    let id = source(file, diags);
    let message = report.message();
    // The full text lists every name in scope, hundreds of them.
    let message = message
        .split(" Available variables")
        .next()
        .unwrap_or(message)
        .trim_end_matches('.');
    diags.push(Diagnostic::error(code, lower_first(message)).at(id.span(report.span().range.clone()), ""));
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
