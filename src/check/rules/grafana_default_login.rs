//! Grafana's administrator comes from a Secret of the tree.

use yaml::Node;

use crate::check::helm::Release;
use crate::check::manifests::{Manifests, Object};
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "grafana-default-login",
    level: Severity::Error,
    summary: "Grafana's administrator is the chart's default, in clear, or in a Secret that is missing",
    docs: include_str!("grafana_default_login.md"),
    run,
};

const SECRET: &str = "grafana-admin-secret";
/// Path, and what it should be, which is the chart's default as well.
const KEYS: &[(&str, &str)] = &[
    ("admin.userKey", "admin-user"),
    ("admin.passwordKey", "admin-password"),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in &manifests.releases {
        let Some(prefix) = release.grafana() else {
            continue;
        };
        let clear = format!("{prefix}adminPassword");
        if release.values.get(&clear).is_some() {
            let message = format!("`{clear}` holds Grafana's password in clear");
            let help = format!("remove it and set `{prefix}admin.existingSecret: {SECRET}`");
            // Not its own line: a report would quote the password.
            let parent = prefix.trim_end_matches('.');
            findings.push(release.finding(parent, message, "a password in clear", help));
        }
        let path = format!("{prefix}admin.existingSecret");
        let Some(name) = release.values.text(&path) else {
            if release.values.get(&clear).is_none() {
                let message = format!("`{path}` is not set: Grafana starts with the chart's login");
                let help =
                    format!("set `{path}: {SECRET}`, `userKey: admin-user`, `passwordKey: admin-password`");
                findings.push(release.finding(&path, message, "", help));
            }
            continue;
        };
        findings.extend(secret(manifests, release, prefix, &path, name));
    }
}

fn secret<'a>(
    manifests: &Manifests<'a>,
    release: &Release<'a>,
    prefix: &str,
    path: &str,
    name: &str,
) -> Vec<Finding> {
    let here = |object: &&Object<'a>| manifests.namespace_of(object) == release.namespace;
    let external = |object: &Object<'_>| {
        object.kind == "ExternalSecret"
            && object
                .node
                .str_at(&["spec", "target", "name"])
                .unwrap_or(object.name)
                == name
    };
    if manifests.objects.iter().filter(here).any(external) {
        return Vec::new();
    }
    let mut secrets = manifests
        .objects
        .iter()
        .filter(here)
        .filter(|object| object.kind == "Secret");
    let Some(found) = secrets.find(|object| object.name == name) else {
        let known = manifests
            .objects
            .iter()
            .filter(here)
            .find(|object| object.kind == "Secret" && data(object, "admin-password").is_some())
            .map_or(SECRET, |object| object.name);
        let message = format!("there is no Secret `{name}` in namespace `{}`", release.namespace);
        let help = format!("set `{path}: {known}`");
        return vec![release.finding(path, message, "Grafana does not start", help)];
    };
    let mut findings = Vec::new();
    for (key_path, default) in KEYS {
        let key_path = format!("{prefix}{key_path}");
        let key = release.values.text(&key_path).unwrap_or(default);
        if data(found, key).is_none() {
            let message = format!("Secret `{name}` has no key `{key}`");
            let help = format!("set `{key_path}: {default}`");
            findings.push(release.finding(&key_path, message, "", help));
        }
    }
    if let Some((key, value)) = data(found, "admin-password")
        && value
            .as_str()
            .is_some_and(|value| matches!(value, "admin" | "prom-operator" | ""))
    {
        let message = "Grafana's password is the default that everybody knows";
        let help = "set `grafana_admin_password` before the first deployment; later, also run `grafana-cli admin \
                    reset-admin-password`";
        findings.push(Finding::new(found.path, message, help).at(key.span.clone(), ""));
    }
    findings
}

fn data<'a>(secret: &Object<'a>, key: &str) -> Option<&'a (Node, Node)> {
    ["stringData", "data"]
        .iter()
        .find_map(|part| secret.node.get(part)?.entry(key))
}
