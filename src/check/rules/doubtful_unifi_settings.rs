//! external-dns reaches the UniFi controller: by the site's id, at an address with a scheme.

use yaml::Node;

use crate::check::helm::{Release, text};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "doubtful-unifi-settings",
    level: Severity::Warning,
    summary: "the UniFi site reads like a display name, or the host is no address",
    docs: include_str!("doubtful_unifi_settings.md"),
    run,
};

const HOST: &str = "UNIFI_HOST";
const SITE: &str = "UNIFI_SITE";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in &manifests.releases {
        let host = variable(release, HOST);
        let site = variable(release, SITE);
        let address = host.and_then(|(_, value)| value).and_then(text);
        if let Some((key, value)) = host
            && !address.is_some_and(|text| {
                text.starts_with("https://") || text.starts_with("http://") || text.contains("${")
            })
        {
            let help = format!("set `{HOST}` to the console's address, such as `https://192.168.1.1`");
            let message = format!("`{HOST}` is no address that starts with https:// or http://");
            let span = value.unwrap_or(key).span.clone();
            findings.push(Finding::new(release.object.path, message, help).at(span, ""));
        }
        let Some((key, value)) = site else {
            continue;
        };
        let name = value.and_then(text).unwrap_or_default();
        if is_site_id(name) || name.contains("${") {
            continue;
        }
        let message = match name {
            "" => format!("`{SITE}` is empty"),
            name => format!("`{SITE}` is `{name}`, which reads like a display name and not like a site's id"),
        };
        let address = address.unwrap_or("<host>").trim_end_matches('/');
        let help = format!(
            "set `{SITE}: default`, or the id in the console's URL. To try it, with header `X-API-KEY`: GET \
             {address}/proxy/network/v2/api/site/default/static-dns/ and GET {address}/proxy/network/api/s/default/self"
        );
        let span = value.unwrap_or(key).span.clone();
        findings.push(Finding::new(release.object.path, message, help).at(span, "answered with 403"));
    }
}

/// Ids are `default` or eight characters that the controller made up.
fn is_site_id(name: &str) -> bool {
    let generated = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name == "default" || (name.len() == 8 && name.chars().all(generated))
}

/// Returns the name and the value of an environment variable, in a list of `name` and `value` or in a mapping.
fn variable<'a>(release: &Release<'a>, name: &str) -> Option<(&'a Node, Option<&'a Node>)> {
    let mut found = None;
    release.values.visit(&mut |path, key, value| {
        if key.as_str() == Some(name) && path.iter().rev().nth(1) == Some(&"env") {
            found = value.as_str().map(|_| (key, Some(value)));
        }
        if key.as_str() != Some("env") {
            return;
        }
        let entry = value
            .items()
            .iter()
            .find(|item| item.str_at(&["name"]) == Some(name));
        // A value from a Secret is not ours to judge.
        if let Some(entry) = entry.filter(|entry| entry.get("valueFrom").is_none())
            && let Some(variable) = entry.get("name")
        {
            found = Some((variable, entry.get("value")));
        }
    });
    found
}
