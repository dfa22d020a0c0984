//! Dashboards find the datasource that they ask for.

use yaml::Node;

use crate::check::helm::{Release, VICTORIA_METRICS, flag, text};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::services::VMSINGLE;
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "missing-prometheus-datasource",
    level: Severity::Error,
    summary: "Grafana of the VictoriaMetrics stack has no working datasource `Prometheus`",
    docs: include_str!("missing_prometheus_datasource.md"),
    run,
};

/// Where datasources are added, before and from chart 0.28.0. Source: its release notes.
const OLD: &str = "grafana.additionalDataSources";
const NEW: &str = "defaultDatasources.extra";

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for release in manifests.releases_of(VICTORIA_METRICS) {
        if release.grafana().is_none() {
            continue;
        }
        let (path, dead) = if release.at_least(0, 28, 0) {
            (NEW, OLD)
        } else {
            (OLD, NEW)
        };
        if let Some((key, _)) = release.values.entry(dead) {
            let version = release
                .version
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default();
            let message = format!("the chart {version} does not read `{dead}`");
            let help = format!("move its entries to `{path}`");
            findings.push(Finding::new(release.object.path, message, help).at(key.span.clone(), "ignored"));
        }
        let alias = |path| {
            let mut entries = release.values.items(path);
            entries.find(|entry| entry.str_at(&["name"]) == Some("Prometheus"))
        };
        if let Some(entry) = alias(path).or_else(|| alias(dead)) {
            check(release, entry, findings);
            continue;
        }
        let message = format!("`{path}` has no datasource `Prometheus`, which dashboards ask for");
        let url = VMSINGLE
            .of(release)
            .map(|single| single.url())
            .unwrap_or_default();
        let help = format!(
            "add `{{name: Prometheus, uid: prometheus, type: prometheus, url: {url}, isDefault: false}}` to `{path}`"
        );
        findings.push(release.finding(path, message, "", help));
    }
}

fn check(release: &Release<'_>, entry: &Node, findings: &mut Vec<Finding>) {
    let mut wrong = |key: &str, message: String, help: String| {
        let place = entry.get(key).or_else(|| entry.get("name")).unwrap_or(entry);
        findings.push(Finding::new(release.object.path, message, help).at(place.span.clone(), ""));
    };
    for (key, wanted) in [("uid", "prometheus"), ("type", "prometheus")] {
        if entry.str_at(&[key]) != Some(wanted) {
            let message = format!("the {key} of datasource `Prometheus` is not `{wanted}`");
            wrong(key, message, format!("set `{key}: {wanted}`"));
        }
    }
    if entry.get("isDefault").and_then(flag) == Some(true) {
        let message = "two datasources are the default".to_owned();
        wrong("isDefault", message, "set `isDefault: false`".to_owned());
    }
    let Some(single) = VMSINGLE.of(release) else {
        return;
    };
    // Its port is the business of `dead-service-address`.
    let found = entry.get("url").and_then(text).unwrap_or_default();
    if host(found) != single.name {
        let message = format!("the URL of datasource `Prometheus` does not lead to VMSingle: `{found}`");
        wrong("url", message, format!("set `url: {}`", single.url()));
    }
}

/// The Service, without namespace and domain.
fn host(url: &str) -> &str {
    let rest = url.split("://").nth(1).unwrap_or(url);
    rest.split(['.', ':', '/']).next().unwrap_or(rest)
}
