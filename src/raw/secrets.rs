//! Secrets in what was rendered: those that SOPS will encrypt go into the vault, any other is an error.

use std::collections::BTreeMap;
use std::ops::Range;

use zeroize::Zeroizing;

use crate::config::Vault;
use crate::diag::{Diagnostic, Diagnostics};
use crate::sops::{self, Config, SopsError};
use crate::sys::SecretText;
use crate::tree::RepoPath;

/// A rendered file.
pub(super) struct File {
    /// Its text.
    pub(super) text: String,
    /// The file it was made from, as findings show it, and its text.
    pub(super) template: (String, String),
}

/// Puts what SOPS will encrypt into the vault, and reports secrets elsewhere.
pub(super) fn hide(
    files: &mut BTreeMap<RepoPath, File>,
    config: Option<&Config>,
    vault: &mut Vault,
    diags: &mut Diagnostics,
) {
    for (path, file) in files {
        if path.is_sops() {
            match sealed(path, file, config) {
                // Somebody else's ciphertext, copied.
                Ok(None) => {}
                Ok(Some(scope)) => file.text = tokens(&file.text, &scope, vault),
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
    file: &File,
    config: Option<&Config>,
) -> Result<Option<Vec<Range<usize>>>, Diagnostic> {
    let name = path.as_str();
    if !path.is_yaml() {
        let message = format!("`{name}` is to be encrypted, and only YAML files can be");
        return Err(Diagnostic::error("seal/not-yaml", message)
            .in_file(name)
            .help("make it a `*.sops.yaml`"));
    }
    if sops::status(&file.text).is_ok_and(|status| status.is_sealed()) {
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
    sops::scope_spans(&file.text, &rule).map(Some).map_err(problem)
}

/// Replaces each value of the scope, as it is written, by a token.
fn tokens(text: &str, scope: &[Range<usize>], vault: &mut Vault) -> String {
    let mut spans: Vec<Range<usize>> = scope.to_vec();
    spans.sort_by_key(|span| span.start);
    let text = Zeroizing::new(text.to_owned());
    let mut out = String::with_capacity(text.len());
    let mut rest = 0;
    for span in spans {
        let value = text.get(span.clone()).unwrap_or_default().trim_end();
        if value.is_empty() || span.start < rest {
            continue;
        }
        let name = key_at(&text, span.start);
        out.push_str(&text[rest..span.start]);
        out.push_str(&vault.insert_verbatim(&name, SecretText::new(value.to_owned())));
        rest = span.start + value.len();
    }
    out.push_str(&text[rest..]);
    out
}

/// Returns the key before a value; for one on a line of its own, the key above it.
fn key_at(text: &str, at: usize) -> String {
    let mut lines = text[..at]
        .lines()
        .rev()
        .map(|line| line.trim_start_matches([' ', '-']));
    let key = lines.find_map(|line| {
        let (key, _) = line.split_once(':')?;
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        (!key.is_empty() && key.chars().all(plain)).then(|| key.to_owned())
    });
    key.unwrap_or_else(|| "value".to_owned())
}

fn in_clear(path: &RepoPath, file: &File, name: &str, at: usize, diags: &mut Diagnostics) -> Diagnostic {
    let line = file.text[..at].matches('\n').count() + 1;
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
