//! Secrets with data lie in files that SOPS encrypts.

use yaml::Node;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::model::{is_no_secret, is_no_secret_in_base64};
use crate::tree::RepoPath;
use crate::world::secrecy::{is_encrypted, is_sealed, is_sealed_secret};

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
        // What is encrypted is known by what is in it, whatever its name. What is rendered under such a name is sealed
        // before it is written; what others wrote stays as it is.
        let is_added = manifests.is_added(object.path);
        let is_hidden = match (object.path.is_sops(), is_added) {
            (true, false) => true,
            (true, true) => is_sealed(object.path.as_str(), manifests.text(object.path)),
            (false, _) => false,
        };
        if is_hidden || is_sealed_secret(object.node) {
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
                let help = if object.path.is_sops() {
                    format!("encrypt it where it stands: {}", encrypt(object.path.as_str()))
                } else {
                    format!(
                        "encrypt it: `clusterwright secrets set {} '{path}' --value-stdin`",
                        object.path
                    )
                };
                findings.push(Finding::new(object.path, message, help).at(clear.span.clone(), "in clear"));
                continue;
            }
            let message = format!(
                "Secret `{}` has `{key}` in a file that is not encrypted",
                object.name
            );
            let help = help(object.path, is_added);
            findings.push(Finding::new(object.path, message, help).at(name.span.clone(), "in clear"));
        }
    }
    let would_be_sealed = |path: &RepoPath| path.is_sops() && !manifests.is_added(path);
    for (path, documents) in manifests.files().filter(|(path, _)| would_be_sealed(path)) {
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

/// Returns how a Secret in a file without any ciphertext becomes encrypted: what is rendered by its name alone, what a
/// person wrote by a command as well.
fn help(path: &RepoPath, is_added: bool) -> String {
    if path.is_sops() {
        return format!("encrypt it: {}", encrypt(path.as_str()));
    }
    let name = path.file_name();
    let stem = name.trim_end_matches(".yaml").trim_end_matches(".yml");
    let new = format!("{stem}.sops.yaml");
    if is_added {
        let folder = path.as_str().strip_suffix(name).unwrap_or_default();
        let encrypt = encrypt(&format!("{folder}{new}"));
        format!("name the file `{new}`, also in `kustomization.yaml`, and encrypt it: {encrypt}")
    } else {
        format!("name the file `{new}`, so that it is encrypted")
    }
}

fn encrypt(path: &str) -> String {
    format!("`clusterwright secrets encrypt -i {path}`")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::*;
    use crate::check::ADDED;

    const CLEAR: &str =
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  user: app\n  token: hunter2\n";

    /// The helps for one file, as one that a person added and as one that is rendered.
    fn helps(path: &str, text: &str) -> [Vec<String>; 2] {
        let path = RepoPath::parse(path).expect("a path");
        let documents = [(path.clone(), Arc::new(yaml::parse(text).expect("YAML")))].into();
        [ADDED, "media/app"].map(|app| {
            let texts = BTreeMap::from([(&path, (text, app))]);
            let found = RULE.findings(&Manifests::new(&documents, &texts));
            found.into_iter().map(|finding| finding.help).collect()
        })
    }

    fn sealed() -> String {
        let (_, public) = sops::generate_identity();
        let rule = sops::EncryptionRule::secrets(vec![sops::Recipient::new(&public).expect("a recipient")]);
        let mut entropy = crate::sys::FixedEntropy::new(1);
        sops::encrypt(CLEAR, &rule, &mut entropy).expect("encrypted")
    }

    #[test]
    fn a_file_that_is_only_named_as_one_is_not_encrypted() {
        let [added, rendered] = helps("kubernetes/a/secret.sops.yaml", CLEAR);
        assert_eq!(
            added,
            ["encrypt it: `clusterwright secrets encrypt -i kubernetes/a/secret.sops.yaml`"]
        );
        assert_eq!(rendered, [""; 0], "it is sealed before it is written");
        let [added, rendered] = helps("kubernetes/a/secret.yml", CLEAR);
        assert_eq!(
            added,
            [
                "name the file `secret.sops.yaml`, also in `kustomization.yaml`, and encrypt it: `clusterwright secrets \
              encrypt -i kubernetes/a/secret.sops.yaml`"
            ]
        );
        assert_eq!(
            rendered,
            ["name the file `secret.sops.yaml`, so that it is encrypted"]
        );
    }

    #[test]
    fn what_its_own_selector_leaves_in_clear_is_meant_so() {
        let sealed = sealed();
        assert_eq!(helps("a/s.sops.yaml", &sealed)[0], [""; 0]);
        let by_choice = sealed
            .replace("^(data|stringData)$", "^token$")
            .lines()
            .map(|line| {
                if line.starts_with("  user:") {
                    "  user: app"
                } else {
                    line
                }
            })
            .collect::<Vec<_>>()
            .join("\n");
        assert_eq!(helps("a/s.sops.yaml", &by_choice)[0], [""; 0]);
        let typed = by_choice.replace("^token$", "^(token|user)$");
        assert_eq!(
            helps("a/s.sops.yaml", &typed)[0],
            ["encrypt it where it stands: `clusterwright secrets encrypt -i a/s.sops.yaml`"]
        );
        let second = format!("{sealed}---\n{CLEAR}");
        assert_eq!(helps("a/s.sops.yaml", &second)[0].len(), 1);
    }
}
