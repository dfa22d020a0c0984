//! Guards around secret tokens in rendered text.

use crate::catalog::TemplateFile;
use crate::config::Vault;
use crate::diag::{Diagnostic, Diagnostics};

use super::engine::source;

/// A token outside of a SOPS file would be written in clear.
pub(super) fn check_absent(file: &TemplateFile, text: &str, vault: &Vault, diags: &mut Diagnostics) {
    let mut seen: Vec<&str> = Vec::new();
    for (range, key) in vault.find_tokens(text) {
        if seen.contains(&key) {
            continue;
        }
        seen.push(key);
        let line = yaml::line::number(text, range.start);
        let message = format!(
            "`{}` puts the secret `{key}` into a file that is not encrypted",
            file.output.file_name()
        );
        let diagnostic = Diagnostic::error("secret/in-clear", message)
            .note(format!(
                "it would stand in clear in line {line} of `{}`",
                file.output
            ))
            .help("put it under `stringData` of a Secret in a `*.sops.yaml` file and refer to that Secret");
        let diagnostic = point_at(diagnostic, file, key, diags);
        diags.push(diagnostic);
    }
}

/// Renders with other tokens must differ in the tokens only: otherwise a filter, a comparison or a slice looked at one.
pub(super) fn check_untouched(
    file: &TemplateFile,
    text: &str,
    again: Option<&str>,
    vault: &Vault,
    diags: &mut Diagnostics,
) {
    if again.is_none_or(|again| vault.normalise(text) == vault.normalise(again)) {
        return;
    }
    let message = "the template looks into a secret; it may only place it, whole, or ask whether it is set";
    let diagnostic = Diagnostic::error("secret/transformed", message)
        .help("remove the filter, comparison or slice from the secret");
    let name = vault
        .secret_names()
        .find(|name| file.text.contains(name))
        .unwrap_or("secrets");
    let diagnostic = point_at(diagnostic, file, name, diags);
    diags.push(diagnostic);
}

/// Points at the place in the template that reads the secret.
fn point_at(diagnostic: Diagnostic, file: &TemplateFile, key: &str, diags: &mut Diagnostics) -> Diagnostic {
    match file.text.find(key) {
        Some(start) => {
            let id = source(file, diags);
            diagnostic.at(id.span(start..start + key.len()), "read here")
        }
        None => diagnostic.in_file(format!("templates/{}", file.source)),
    }
}
