//! Secrets in what was rendered: those that SOPS will encrypt go into the vault, any other is an error.

use std::collections::BTreeMap;

use sops::{Config, Covered, SopsError};
use yaml::{Edit, apply, line};

use crate::config::Vault;
use crate::diag::{Diagnostic, Diagnostics};
use crate::sys::SecretText;
use crate::tree::RepoPath;
use crate::world::secrecy::is_sealed;

/// A rendered file.
pub(super) struct RenderedFile {
    /// Its text.
    pub(super) text: String,
    /// The file it was made from, as findings show it, and its text.
    pub(super) template: (String, String),
}

/// Puts what SOPS will encrypt into the vault, and reports secrets elsewhere.
pub(super) fn hide(
    files: &mut BTreeMap<RepoPath, RenderedFile>,
    config: Option<&Config>,
    vault: &mut Vault,
    diags: &mut Diagnostics,
) {
    for (path, file) in files {
        if path.is_sops() {
            match sealed(path, file, config) {
                // Somebody else's ciphertext, copied.
                Ok(None) => {}
                Ok(Some(scope)) => file.text = tokens(&file.text, scope, vault),
                Err(finding) => {
                    let (shown, _) = &file.template;
                    diags.push(finding.note(format!("rendered from `{shown}`")));
                    continue;
                }
            }
        }
        if let Some((name, at)) = vault.known().find(file.text.as_bytes()).into_iter().next() {
            let finding = in_clear(path, file, name, at.start, diags);
            diags.push(finding);
        }
    }
    diags.sources.cover(|text| vault.known().places_in(text));
}

/// Returns what will be encrypted of a file; `None` for one that is encrypted already.
fn sealed(
    path: &RepoPath,
    file: &RenderedFile,
    config: Option<&Config>,
) -> Result<Option<Vec<Covered>>, Diagnostic> {
    let name = path.as_str();
    if !path.is_yaml() {
        let message = format!("`{name}` is to be encrypted, and only YAML files can be");
        return Err(Diagnostic::error("seal/not-yaml", message)
            .in_file(name)
            .help("make it a `*.sops.yaml`"));
    }
    if is_sealed(name, &file.text) {
        return Ok(None);
    }
    let Some(config) = config else {
        let message = format!("`{name}` is to be encrypted, and there is no `.sops.yaml` that says how");
        return Err(Diagnostic::error("seal/no-config", message)
            .in_file(name)
            .help("add a template for `.sops.yaml`, or the file itself"));
    };
    let problem = |error: SopsError| match error {
        // What a parser says may quote.
        SopsError::Yaml { .. } => Diagnostic::error("seal/sops", format!("`{name}`: the output is not YAML"))
            .in_file(name)
            .help("mend the template"),
        error => Diagnostic::error("seal/sops", format!("`{name}`: {error}"))
            .in_file(name)
            .help(error.help()),
    };
    let rule = config.rule_for(name).map_err(problem)?;
    sops::covered(&file.text, &rule).map(Some).map_err(problem)
}

/// Replaces each value of the scope, as it is written, by a token.
fn tokens(text: &str, mut scope: Vec<Covered>, vault: &mut Vault) -> String {
    // An alias of several values stands in one place.
    scope.sort_by_key(|value| value.span.start);
    scope.dedup_by_key(|value| value.span.start);
    let mut edits = Vec::new();
    for Covered { keys, span } in scope {
        let span = line::trim(text, span);
        if !span.is_empty() {
            let value = SecretText::new(text[span.clone()].to_owned());
            edits.push(Edit::new(span, vault.insert_verbatim(name_of(&keys), value)));
        }
    }
    apply(text, &edits).expect("the values of a text do not overlap")
}

/// Returns the innermost key that a message can show.
fn name_of(keys: &[String]) -> &str {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
    let mut shown = keys
        .iter()
        .rev()
        .filter(|key| !key.is_empty() && key.chars().all(plain));
    shown.next().map_or("value", String::as_str)
}

fn in_clear(
    path: &RepoPath,
    file: &RenderedFile,
    name: &str,
    at: usize,
    diags: &mut Diagnostics,
) -> Diagnostic {
    let line = line::number(&file.text, at);
    let (message, help) = if path.is_sops() {
        (
            format!("the secret `{name}` stands where SOPS does not encrypt: line {line} of `{path}`"),
            "place it as a value under `stringData`, or widen the rule in `.sops.yaml`",
        )
    } else {
        (
            format!("the secret `{name}` would stand in clear in line {line} of `{path}`"),
            "put it under `stringData` of a Secret in a `*.sops.yaml` file and refer to that Secret",
        )
    };
    let finding = Diagnostic::error("secret/in-clear", message).help(help);
    let (shown, text) = &file.template;
    let call = name.split('(').next().unwrap_or(name);
    match text.find(call) {
        Some(start) => {
            let id = diags.sources.add(shown.clone(), text.clone());
            finding.at(id.span(start..start + call.len()), "read here")
        }
        None => finding
            .in_file(path.as_str())
            .note(format!("rendered from `{shown}`")),
    }
}
