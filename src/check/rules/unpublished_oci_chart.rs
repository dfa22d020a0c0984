//! Charts that are not published to an OCI registry come from a `HelmRepository`.

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unpublished-oci-chart",
    level: Severity::Error,
    summary: "a chart is fetched from an OCI registry that does not have it",
    docs: include_str!("unpublished_oci_chart.md"),
    run,
};

/// Chart, part of the registries that lack it, the repository that has it.
/// Source: REQUIREMENTS.md 4.4: loki is published to `ghcr.io/grafana/helm-charts`, these are not.
const CHARTS: &[(&str, &str, &str)] = &[
    ("alloy", "grafana", "https://grafana.github.io/helm-charts"),
    ("tempo", "grafana", "https://grafana.github.io/helm-charts"),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    for object in manifests.objects.iter().filter(|o| o.kind == "OCIRepository") {
        let Some(url) = object.node.path(&["spec", "url"]) else {
            continue;
        };
        let text = url.as_str().unwrap_or_default();
        let name = text.rsplit('/').next().unwrap_or_default();
        findings.extend(find(name, text).map(|repository| {
            let help = format!(
                "replace it by a HelmRepository with `url: {repository}`, and `chartRef` of the HelmRelease by `chart: \
                 {{spec: {{chart: {name}, …}}}}`"
            );
            Finding::new(object.path, message(name), help).at(url.span.clone(), "not there")
        }));
    }
    for release in manifests
        .placed()
        .iter()
        .filter(|p| p.object.kind == "HelmRelease")
    {
        let spec = release.object.node.path(&["spec", "chart", "spec"]);
        let Some(chart) = spec.and_then(|spec| spec.get("chart")) else {
            continue;
        };
        let source = spec.and_then(|spec| spec.str_at(&["sourceRef", "name"]));
        let repository = manifests.placed().iter().find(|placed| {
            placed.object.kind == "HelmRepository"
                && Some(placed.object.name) == source
                && placed.namespace == release.namespace
        });
        let Some(url) = repository.and_then(|r| r.object.node.path(&["spec", "url"])) else {
            continue;
        };
        let (name, url) = (
            chart.as_str().unwrap_or_default(),
            url.as_str().unwrap_or_default(),
        );
        if let Some(repository) = find(name, url).filter(|_| url.starts_with("oci://")) {
            let help = format!(
                "set `url: {repository}` in HelmRepository `{}`",
                source.unwrap_or_default()
            );
            let finding = Finding::new(release.object.path, message(name), help);
            findings.push(finding.at(chart.span.clone(), format!("from {url}")));
        }
    }
}

fn message(chart: &str) -> String {
    format!("chart `{chart}` is not published to an OCI registry")
}

fn find(chart: &str, url: &str) -> Option<&'static str> {
    CHARTS
        .iter()
        .find(|(name, registry, _)| *name == chart && url.contains(registry))
        .map(|(_, _, repository)| *repository)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_may_have_what_the_publisher_has_not() {
        assert!(find("alloy", "oci://ghcr.io/grafana/helm-charts/alloy").is_some());
        assert!(find("loki", "oci://ghcr.io/grafana/helm-charts/loki").is_none());
        assert!(find("alloy", "oci://ghcr.io/home-operations/charts-mirror/alloy").is_none());
    }
}
