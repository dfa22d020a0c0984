//! Values of secrets where none may stand: in other keys of the configuration, in own templates, in the tree.

use serde_json::Value;

use crate::catalog::{BUILT_IN, Catalog, TemplateFile};
use crate::config::{ConfigDocument, Vault, child};
use crate::diag::{Diagnostic, Diagnostics};
use crate::diff::{ChangeKind, ChangeSet};
use crate::known::{Known, hidden};
use crate::render::Rendered;
use crate::seal::{self, Sealed};
use crate::source::Span;
use crate::tree::Tree;
use crate::world::Existing;

/// Stops looking for values that are words of the built-in library, and says so.
pub(super) fn forget_common(vault: &mut Vault, document: &ConfigDocument, diags: &mut Diagnostics) {
    for name in vault.forget_common(BUILT_IN.iter().map(|(_, text)| *text)) {
        let message = format!(
            "the value of the secret `{name}` is a word that stands in the built-in templates, so it is not looked for"
        );
        let place = document.key_span(&child("", &name));
        let finding =
            Diagnostic::warning("secret/common-word", message).at_opt(place, "anybody could guess it");
        diags.push(finding.help("choose a longer one"));
    }
}

/// Reports values of secrets in other keys of the configuration, `vars` and `apps.*.values` included.
pub(super) fn document(document: &ConfigDocument, known: &Known, diags: &mut Diagnostics) {
    let mut found = Vec::new();
    for (key, value) in document.json().as_object().into_iter().flatten() {
        let pointer = child("", key);
        if !document.is_secret(&pointer) {
            values(document, &pointer, value, known, &mut found);
        }
    }
    for (name, place) in found {
        let message = format!("the value of the secret `{name}` stands here in clear");
        diags.push(
            Diagnostic::error("secret/in-clear", message)
                .at(place, "it would be written into the tree as it is")
                .help(format!(
                    "take it out; a template of your own can place `{name}` under `stringData` of a `*.sops.yaml` file"
                ))
                .help("if the two are the same by chance, change the secret: everybody can read it there"),
        );
    }
    diags.sources.cover(|text| known.places_in(text));
}

fn values<'k>(
    document: &ConfigDocument,
    pointer: &str,
    value: &Value,
    known: &'k Known,
    found: &mut Vec<(&'k str, Span)>,
) {
    let look = |text: &str, place: Option<Span>, found: &mut Vec<(&'k str, Span)>| {
        if let Some((name, _)) = known.find(text.as_bytes()).first() {
            found.push((*name, place.unwrap_or_else(|| document.nearest(pointer))));
        }
    };
    match value {
        Value::String(text) => look(text, document.span(pointer), found),
        Value::Number(number) => look(&number.to_string(), document.span(pointer), found),
        Value::Object(map) => {
            for (key, value) in map {
                let below = child(pointer, key);
                look(key, document.key_span(&below), found);
                values(document, &below, value, known, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                values(document, &format!("{pointer}/{index}"), value, known, found);
            }
        }
        Value::Null | Value::Bool(_) => {}
    }
}

/// Reports values of secrets in templates of the repository's own.
pub(super) fn templates(catalog: &Catalog, known: &Known, diags: &mut Diagnostics) {
    let is_own = |file: &&TemplateFile| !BUILT_IN.contains(&(file.source.as_str(), file.text.as_str()));
    for file in catalog.files().filter(is_own) {
        let found = known.find(file.text.as_bytes());
        let Some((name, at)) = found.first() else { continue };
        let shown = hidden(&file.text, found.iter().map(|(_, at)| at.clone()));
        let id = diags.sources.add(format!("templates/{}", file.source), shown);
        let message = format!("the value of the secret `{name}` stands in clear in a template");
        diags.push(
            Diagnostic::error("secret/in-clear", message)
                .at(id.span(at.clone()), "")
                .note("templates are committed as they are")
                .help("place the secret by its name, as the value of a key under `stringData` of a `*.sops.yaml` file"),
        );
    }
}

/// Reports values of secrets in the files of a tree that SOPS does not encrypt, with what people changed in them.
pub(super) fn tree(tree: &Tree<Rendered>, known: &Known, diags: &mut Diagnostics) {
    for artifact in tree.iter().filter(|artifact| !artifact.is_sops()) {
        if let Some(finding) = seal::in_clear(artifact, known, diags) {
            diags.push(finding);
        }
    }
    diags.sources.cover(|text| known.places_in(text));
}

/// Reports values of secrets in files that stay as a person left them, whatever is rendered in their place. What merges
/// left in the tree has been looked through already.
pub(super) fn kept(
    tree: &Tree<Sealed>,
    existing: &Existing,
    changes: &ChangeSet,
    known: &Known,
    diags: &mut Diagnostics,
) {
    let kept = changes
        .changes()
        .iter()
        .filter(|change| change.kind == ChangeKind::Kept);
    for change in kept {
        let text = existing.bytes(&change.path).map(String::from_utf8_lossy);
        if let (Some(artifact), Some(text)) = (tree.get(&change.path), text)
            && (artifact.is_sops() || artifact.text() != text)
            && let Some(finding) = seal::in_clear_text(artifact, &text, known, diags)
        {
            diags.push(finding);
        }
    }
}
