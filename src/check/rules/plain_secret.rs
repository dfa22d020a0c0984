//! Secrets with data lie in files that SOPS encrypts.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::model::{is_no_secret, is_no_secret_in_base64};
use crate::world::secrecy::{is_encrypted, is_sealed_secret};

pub(super) static RULE: Rule = Rule {
    name: "plain-secret",
    level: Severity::Error,
    summary: "a Secret with data lies in a file that SOPS does not encrypt",
    docs: include_str!("plain_secret.md"),
    run,
};

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in manifests
        .objects
        .iter()
        .filter(|o| o.kind == "Secret" && o.api_version == "v1")
    {
        // What is encrypted is known by what is in it, whatever its name.
        if object.path.is_sops() || is_sealed_secret(object.node) {
            continue;
        }
        for key in ["data", "stringData"] {
            let Some((name, value)) = object.node.entry(key) else {
                continue;
            };
            let tells = |text: &str| match key {
                "data" => !is_no_secret_in_base64(text),
                _ => !is_no_secret(text),
            };
            let mut entries = value.entries().iter();
            let Some((clear, _)) = entries.find(|(_, value)| value.as_str().is_none_or(tells)) else {
                continue;
            };
            if is_encrypted(object.node) {
                let path = format!("{key}.{}", clear.as_str().unwrap_or_default());
                let message = format!(
                    "Secret `{}` has `{path}` in clear in a file that is encrypted",
                    object.name
                );
                let help = format!(
                    "encrypt it: `clusterwright secrets set {} '{path}' --value-stdin`",
                    object.path
                );
                findings.push(Finding::new(object.path, message, help).at(clear.span.clone(), "in clear"));
                continue;
            }
            let message = format!(
                "Secret `{}` has `{key}` in a file that is not encrypted",
                object.name
            );
            let stem = object
                .path
                .file_name()
                .trim_end_matches(".yaml")
                .trim_end_matches(".yml");
            let help = format!("name the file `{stem}.sops.yaml`, so that it is encrypted");
            findings.push(Finding::new(object.path, message, help).at(name.span.clone(), "in clear"));
        }
    }
    for (path, documents) in manifests.files().filter(|(path, _)| path.is_sops()) {
        for document in documents {
            if document.get("kind").and_then(Node::as_str) == Some("Secret")
                && is_encrypted(document)
                && !is_sealed_secret(document)
            {
                let message = "the file is already encrypted, and would be encrypted again";
                let help =
                    "write the values in clear in the template; they are sealed before anything is written";
                let span = document
                    .entry("sops")
                    .map(|(key, _)| key.span.clone())
                    .unwrap_or_default();
                findings.push(Finding::new(path, message, help).at(span, ""));
            }
        }
    }
}
