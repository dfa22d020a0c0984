//! Services that charts make, and the ports that they listen on: what other files of the tree repeat.

use super::helm::{PROMETHEUS, Release, VICTORIA_METRICS};
use super::manifests::Manifests;
use super::walk;

/// A Service whose port the values of a chart set.
#[derive(Debug)]
pub struct KnownService {
    /// The chart.
    chart: &'static str,
    /// The flag that switches the component off, if there is one.
    enabled: Option<&'static str>,
    /// What its name has before and after the chart's full name.
    affixes: (&'static str, &'static str),
    /// The value that sets its port.
    pub key: &'static str,
    /// Its port without that value.
    default: fn(&Release<'_>) -> &'static str,
    /// Ports that it had without that value in any version of the chart.
    pub defaults: &'static [&'static str],
    /// Ports that it has besides.
    pub others: &'static [&'static str],
    /// `app.kubernetes.io/name` of its pods, where they listen on the same port.
    pub pods: Option<&'static str>,
}

/// `VMSingle` of the VictoriaMetrics stack.
pub static VMSINGLE: KnownService = KnownService {
    chart: VICTORIA_METRICS,
    enabled: Some("vmsingle.enabled"),
    affixes: ("vmsingle-", ""),
    key: "vmsingle.spec.port",
    // Source: release notes of chart 0.58.3.
    default: |release| {
        if release.at_least(0, 58, 3) {
            "8428"
        } else {
            "8429"
        }
    },
    defaults: &["8428", "8429"],
    others: &[],
    pods: Some("vmsingle"),
};

/// Sources: values.yaml and the Services of victoria-metrics-k8s-stack 0.45.0, kube-prometheus-stack 80.10.0 and loki
/// 6.49.0; the VictoriaMetrics operator puts the kind of the object before its name.
static ALL: &[&KnownService] = &[
    &VMSINGLE,
    &KnownService {
        chart: VICTORIA_METRICS,
        enabled: Some("vmalert.enabled"),
        affixes: ("vmalert-", ""),
        key: "vmalert.spec.port",
        default: |_| "8080",
        defaults: &["8080"],
        others: &[],
        pods: Some("vmalert"),
    },
    &KnownService {
        chart: VICTORIA_METRICS,
        enabled: Some("alertmanager.enabled"),
        affixes: ("vmalertmanager-", ""),
        key: "alertmanager.spec.port",
        default: |_| "9093",
        defaults: &["9093"],
        others: &["9094"],
        pods: Some("vmalertmanager"),
    },
    &KnownService {
        chart: PROMETHEUS,
        enabled: Some("prometheus.enabled"),
        affixes: ("", "-prometheus"),
        key: "prometheus.service.port",
        default: |_| "9090",
        defaults: &["9090"],
        others: &["8080"],
        pods: None,
    },
    &KnownService {
        chart: PROMETHEUS,
        enabled: Some("alertmanager.enabled"),
        affixes: ("", "-alertmanager"),
        key: "alertmanager.service.port",
        default: |_| "9093",
        defaults: &["9093"],
        others: &["8080"],
        pods: None,
    },
    &KnownService {
        chart: "loki",
        enabled: None,
        affixes: ("", ""),
        key: "loki.server.http_listen_port",
        default: |_| "3100",
        defaults: &["3100"],
        others: &["7946", "9095"],
        pods: Some("loki"),
    },
];

/// A Service of a release.
#[derive(Debug)]
pub struct Service<'m, 'a> {
    /// What is known of it.
    pub known: &'static KnownService,
    /// The release that makes it.
    pub release: &'m Release<'a>,
    /// Its name.
    pub name: String,
    /// The port that it listens on; the chart's default where [`Self::is_sure`] is false.
    pub port: &'a str,
    /// Whether the tree says its name and its port: no variable of Flux does, no `valuesFrom`, and the chart's version is
    /// an exact one where its default counts.
    pub is_sure: bool,
}

impl KnownService {
    /// Returns the Service as a release of the chart makes it; nothing when it is switched off.
    pub fn of<'m, 'a>(&'static self, release: &'m Release<'a>) -> Option<Service<'m, 'a>> {
        if self.enabled.and_then(|flag| release.values.flag(flag)) == Some(false) {
            return None;
        }
        let (before, after) = self.affixes;
        let names = ["fullnameOverride", "nameOverride", self.key];
        let mut decide = names.into_iter().chain(self.enabled);
        let is_named = release.version.is_some() || release.values.text(self.key).is_some();
        Some(Service {
            is_sure: is_named && !decide.any(|path| release.values.hides(path)),
            known: self,
            release,
            name: format!("{before}{}{after}", full_name(release)),
            port: release
                .values
                .text(self.key)
                .unwrap_or_else(|| (self.default)(release)),
        })
    }
}

impl Service<'_, '_> {
    /// Returns its address from anywhere in the cluster.
    pub fn url(&self) -> String {
        format!(
            "http://{}.{}.svc:{}",
            self.name, self.release.namespace, self.port
        )
    }

    /// Returns the ports that it listens on.
    pub fn ports(&self) -> impl Iterator<Item = &str> {
        std::iter::once(self.port).chain(self.known.others.iter().copied())
    }

    /// Returns whether values of its component name a port: the chart may open it besides.
    pub fn mentions(&self, port: &str) -> bool {
        let component = self.known.key.split('.').next().unwrap_or_default();
        let mut found = false;
        if let Some(values) = self.release.values.get(component) {
            walk::scalars(values, &mut |scalar| found |= scalar.as_str() == Some(port));
        }
        found
    }

    /// Returns whether another one has its name and its namespace: that of another cluster in the same repository.
    pub fn is_called_as(&self, other: &Self) -> bool {
        self.name == other.name && self.release.namespace == other.release.namespace
    }
}

/// Returns the known Services of a tree.
pub fn services<'m, 'a>(manifests: &'m Manifests<'a>) -> Vec<Service<'m, 'a>> {
    let pairs = manifests
        .releases
        .iter()
        .flat_map(|release| ALL.iter().map(move |known| (release, *known)));
    pairs
        .filter(|(release, known)| release.chart == known.chart)
        .filter_map(|(release, known)| known.of(release))
        .collect()
}

/// Returns what the names of a release's objects are made of, by the template that these charts share: an override, else
/// the name of the release, with the chart's where it does not hold that already.
fn full_name(release: &Release<'_>) -> String {
    let chosen = release.values.text("fullnameOverride").map(ToOwned::to_owned);
    let name = release.values.text("nameOverride").unwrap_or(release.chart);
    let full = chosen.unwrap_or_else(|| {
        if release.name.contains(name) {
            release.name.to_owned()
        } else {
            format!("{}-{name}", release.name)
        }
    });
    let longest = if release.chart == PROMETHEUS { 26 } else { 63 };
    let cut: String = full.chars().take(longest).collect();
    cut.trim_end_matches('-').to_owned()
}
