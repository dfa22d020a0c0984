//! Dashboards that charts ship as `ConfigMaps` have a Grafana that loads them.

use crate::check::helm::{PROMETHEUS, Release, VICTORIA_METRICS, text};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "unloaded-dashboards",
    level: Severity::Warning,
    summary: "a chart ships dashboards that no Grafana loads",
    docs: include_str!("unloaded_dashboards.md"),
    run,
};

/// Charts that ship dashboards, and the values that tell so. Sources: values.yaml of cilium 1.19.6 and loki 6.49.0.
const SHIPPED: &[(&str, &[&str])] = &[
    (
        "cilium",
        &["dashboards", "operator.dashboards", "hubble.metrics.dashboards"],
    ),
    ("loki", &["monitoring.dashboards"]),
];

/// A Grafana, and where its sidecar looks for dashboards.
struct Loader<'m, 'a> {
    release: &'m Release<'a>,
    /// The path of the sidecar's values.
    path: String,
    on: bool,
    /// Whether the tree does not say what it loads.
    is_hidden: bool,
    everywhere: bool,
    namespaces: Vec<&'a str>,
}

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    let loaders: Vec<Loader<'_, '_>> = manifests.releases.iter().filter_map(Loader::of).collect();
    // A Grafana outside of the tree may well load them.
    let Some(first) = loaders.first() else {
        return;
    };
    for (chart, places) in SHIPPED {
        for release in manifests.releases_of(chart) {
            for place in *places {
                let value = |key: &str| release.values.text(&format!("{place}.{key}"));
                if release.values.flag(&format!("{place}.enabled")) != Some(true) {
                    continue;
                }
                let namespace = value("namespace").unwrap_or(release.namespace);
                let is_hidden = release.values.hides(&format!("{place}.namespace"));
                if is_hidden || loaders.iter().any(|loader| loader.loads(namespace)) {
                    continue;
                }
                let (message, help) = match loaders.iter().find(|loader| loader.on) {
                    Some(loader) => (
                        format!("Grafana looks for dashboards in another namespace than `{namespace}`"),
                        format!("set `{place}.namespace: {}`", loader.release.namespace),
                    ),
                    None => (
                        "the dashboards of this chart are loaded by nobody".to_owned(),
                        format!(
                            "set `{}.enabled: true` in the values of HelmRelease `{}`",
                            first.path, first.release.object.name
                        ),
                    ),
                };
                findings.push(release.finding(&format!("{place}.enabled"), message, "shipped here", help));
            }
        }
    }
}

impl<'m, 'a> Loader<'m, 'a> {
    fn of(release: &'m Release<'a>) -> Option<Self> {
        let path = format!("{}sidecar.dashboards", release.grafana()?);
        // Sources: values.yaml of the three charts; Grafana's own is off.
        let by_default = matches!(release.chart, VICTORIA_METRICS | PROMETHEUS);
        let search = format!("{path}.searchNamespace");
        let mut namespaces: Vec<&str> = release.values.items(&search).filter_map(text).collect();
        namespaces.extend(
            release
                .values
                .text(&search)
                .into_iter()
                .flat_map(|names| names.split(',')),
        );
        let everywhere = namespaces.contains(&"ALL") || namespaces.is_empty() && release.chart == PROMETHEUS;
        if namespaces.is_empty() {
            namespaces.push(release.namespace);
        }
        let switch = format!("{path}.enabled");
        Some(Self {
            is_hidden: [&switch, &search]
                .into_iter()
                .any(|path| release.values.hides(path)),
            on: release.values.flag(&switch).unwrap_or(by_default),
            release,
            path,
            everywhere,
            namespaces,
        })
    }

    fn loads(&self, namespace: &str) -> bool {
        self.is_hidden || self.on && (self.everywhere || self.namespaces.contains(&namespace))
    }
}
