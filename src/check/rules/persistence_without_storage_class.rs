//! Charts that ask for a volume say which storage class it comes from.

use crate::check::helm::{PROMETHEUS, Release, VICTORIA_METRICS, flag};
use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::diag::Severity;

pub(super) static RULE: Rule = Rule {
    name: "persistence-without-storage-class",
    level: Severity::Error,
    summary: "a chart asks for a volume and names no storage class",
    docs: include_str!("persistence_without_storage_class.md"),
    run,
};

/// A volume of a chart.
struct Volume {
    chart: &'static str,
    /// What must hold for the volume to be asked for.
    when: &'static [When],
    /// Where its storage class is named.
    class: &'static str,
}

enum When {
    /// The boolean at a path, and what it is when it is not set.
    Flag(&'static str, bool),
    /// Something is set at a path.
    Set(&'static str),
    /// The text at a path, and what it is when it is not set.
    Text(&'static str, &'static str, &'static str),
}
use When::{Flag, Set, Text};

/// Sources: the `values.yaml` of each chart; the defaults are those of the versions in the catalogue.
const VOLUMES: &[Volume] = &[
    Volume {
        chart: VICTORIA_METRICS,
        when: &[Flag("vmsingle.enabled", true)],
        class: "vmsingle.spec.storage.storageClassName",
    },
    Volume {
        chart: VICTORIA_METRICS,
        when: &[Flag("vmcluster.enabled", false)],
        class: "vmcluster.spec.vmstorage.storage.volumeClaimTemplate.spec.storageClassName",
    },
    Volume {
        chart: VICTORIA_METRICS,
        when: &[
            Flag("alertmanager.enabled", true),
            Set("alertmanager.spec.storage"),
        ],
        class: "alertmanager.spec.storage.volumeClaimTemplate.spec.storageClassName",
    },
    Volume {
        chart: VICTORIA_METRICS,
        when: &[
            Flag("grafana.enabled", true),
            Flag("grafana.persistence.enabled", false),
        ],
        class: "grafana.persistence.storageClassName",
    },
    Volume {
        chart: PROMETHEUS,
        when: &[
            Flag("prometheus.enabled", true),
            Set("prometheus.prometheusSpec.storageSpec.volumeClaimTemplate"),
        ],
        class: "prometheus.prometheusSpec.storageSpec.volumeClaimTemplate.spec.storageClassName",
    },
    Volume {
        chart: PROMETHEUS,
        when: &[
            Flag("alertmanager.enabled", true),
            Set("alertmanager.alertmanagerSpec.storage.volumeClaimTemplate"),
        ],
        class: "alertmanager.alertmanagerSpec.storage.volumeClaimTemplate.spec.storageClassName",
    },
    Volume {
        chart: PROMETHEUS,
        when: &[
            Flag("grafana.enabled", true),
            Flag("grafana.persistence.enabled", false),
        ],
        class: "grafana.persistence.storageClassName",
    },
    Volume {
        chart: "loki",
        when: &[
            Text("deploymentMode", "SimpleScalable", "SingleBinary"),
            Flag("singleBinary.persistence.enabled", true),
        ],
        class: "singleBinary.persistence.storageClass",
    },
    Volume {
        chart: "loki",
        when: &[
            Text("deploymentMode", "SimpleScalable", "SimpleScalable"),
            Flag("write.persistence.volumeClaimsEnabled", true),
        ],
        class: "write.persistence.storageClass",
    },
    Volume {
        chart: "loki",
        when: &[
            Text("deploymentMode", "SimpleScalable", "SimpleScalable"),
            Flag("backend.persistence.volumeClaimsEnabled", true),
        ],
        class: "backend.persistence.storageClass",
    },
    Volume {
        chart: "tempo",
        when: &[Flag("persistence.enabled", false)],
        class: "persistence.storageClassName",
    },
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    // A class that another volume of the tree has makes the help an edit to copy.
    let class = manifests
        .releases
        .iter()
        .flat_map(|release| volumes(release).filter_map(|volume| release.values.text(volume.class)))
        .next()
        .unwrap_or("<class>");
    for release in &manifests.releases {
        for volume in volumes(release) {
            let asked = volume.when.iter().all(|when| holds(when, release));
            if asked && !has_class(release, volume.class) {
                findings.push(finding(release, volume.class, class));
            }
        }
        if VOLUMES.iter().all(|volume| volume.chart != release.chart) {
            unknown_chart(release, class, findings);
        }
    }
}

fn volumes<'v>(release: &'v Release<'_>) -> impl Iterator<Item = &'v Volume> {
    VOLUMES.iter().filter(|volume| volume.chart == release.chart)
}

fn holds(when: &When, release: &Release<'_>) -> bool {
    match when {
        Flag(path, default) => release.values.flag(path).unwrap_or(*default),
        Set(path) => release.values.get(path).is_some(),
        Text(path, default, wanted) => release.values.text(path).unwrap_or(default) == *wanted,
    }
}

/// A class under either spelling, or a claim that exists: the wrong spelling is for `misspelled-storage-class` to find.
fn has_class(release: &Release<'_>, path: &str) -> bool {
    let parent = path.rsplit_once('.').map_or("", |(parent, _)| parent);
    ["storageClass", "storageClassName", "existingClaim"]
        .iter()
        .any(|key| release.values.text(&format!("{parent}.{key}")).is_some())
}

fn finding(release: &Release<'_>, path: &str, class: &str) -> Finding {
    let message = format!(
        "`{}` asks for a volume and `{path}` is empty",
        release.object.name
    );
    let help = format!("set `{path}: {class}`");
    release.finding(path, message, "no storage class", help)
}

/// Charts without an entry in the table: `persistence` with `enabled: true` and no class.
fn unknown_chart(release: &Release<'_>, class: &str, findings: &mut Vec<Finding>) {
    release.values.visit(&mut |path, key, value| {
        if key.as_str() != Some("persistence") || value.get("enabled").and_then(flag) != Some(true) {
            return;
        }
        let path = path.join(".");
        let is_claim = value
            .str_at(&["type"])
            .is_none_or(|kind| matches!(kind, "pvc" | "persistentVolumeClaim"));
        if is_claim && !has_class(release, &format!("{path}.storageClass")) {
            let message = format!(
                "`{}` asks for a volume and names no storage class",
                release.object.name
            );
            let help = format!("set the storage class of `{path}` to `{class}`");
            findings.push(
                Finding::new(release.object.path, message, help).at(key.span.clone(), "no storage class"),
            );
        }
    });
}
