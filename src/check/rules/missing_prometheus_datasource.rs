//! Dashboards find the datasource that they ask for.

use crate::check::helm::{Release, VICTORIA_METRICS, flag, text};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;
use crate::yaml::Node;

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
        let help = format!(
            "add `{{name: Prometheus, uid: prometheus, type: prometheus, url: {}, isDefault: false}}` to `{path}`",
            url(release)
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
    let expected = url(release);
    let found = entry.get("url").and_then(text).unwrap_or_default();
    let single = release.values.flag("vmsingle.enabled") != Some(false);
    if single && (host(found) != host(&expected) || port(found) != port(&expected)) {
        let message = format!("the URL of datasource `Prometheus` does not lead to VMSingle: `{found}`");
        wrong("url", message, format!("set `url: {expected}`"));
    }
}

/// The address of `VMSingle`, which listens on 8429 before chart 0.58.3 and on 8428 from then on. Source: its release notes.
fn url(release: &Release<'_>) -> String {
    let default = if release.at_least(0, 58, 3) {
        "8428"
    } else {
        "8429"
    };
    let port = release.values.text("vmsingle.spec.port").unwrap_or(default);
    format!(
        "http://vmsingle-{}.{}.svc:{port}",
        full_name(release),
        release.namespace
    )
}

fn full_name<'a>(release: &Release<'a>) -> &'a str {
    release.values.text("fullnameOverride").unwrap_or(release.name)
}

/// The Service, without namespace and domain.
fn host(url: &str) -> &str {
    let rest = url.split("://").nth(1).unwrap_or(url);
    rest.split(['.', ':', '/']).next().unwrap_or(rest)
}

fn port(url: &str) -> Option<&str> {
    let rest = url.split("://").nth(1).unwrap_or(url);
    rest.split('/').next()?.rsplit_once(':').map(|(_, port)| port)
}
