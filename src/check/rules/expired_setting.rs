//! What the machine configuration sets is understood by the versions that get it.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::check::manifests::Manifests;
use crate::check::rule::{Finding, Rule};
use crate::check::talos;
use crate::diag::Severity;
use crate::tree::RepoPath;

pub(super) static RULE: Rule = Rule {
    name: "expired-setting",
    level: Severity::Warning,
    summary: "the machine configuration sets something that this or a later version refuses",
    docs: include_str!("expired_setting.md"),
    run,
};

/// Where feature gates are set.
const GATE_PLACES: &[&[&str]] = &[
    &["cluster", "apiServer", "extraArgs", "feature-gates"],
    &["cluster", "controllerManager", "extraArgs", "feature-gates"],
    &["cluster", "scheduler", "extraArgs", "feature-gates"],
    &["machine", "kubelet", "extraArgs", "feature-gates"],
];

/// Feature gates, with the minor version of Kubernetes that has them on by default and the first that refuses them.
/// Source: the Kubernetes documentation, Feature Gates; a gate goes some versions after its feature is stable.
const GATES: &[(&str, u64, u64)] = &[("ImageVolume", 35, 39)];

/// The first minor version of Talos whose configuration has Kubernetes in documents of its own.
/// Source: `MultidocKubernetesConfigSupported` in Talos' `pkg/machinery/config/contract.go`.
const DOCUMENTS_FROM: u64 = 14;

/// Settings that Talos refuses beside the document that its generator, and talhelper with it, writes for them.
/// Source: `V1Alpha1ConflictValidate` in Talos' `pkg/machinery/config/types/{k8s,network}`, and what `generate` writes.
const DOCUMENTS: &[(&[&str], &str)] = &[
    (&["cluster", "apiServer"], "KubeAPIServerConfig"),
    (&["cluster", "controllerManager"], "KubeControllerManagerConfig"),
    (&["cluster", "scheduler"], "KubeSchedulerConfig"),
    (&["cluster", "coreDNS"], "KubeCoreDNSConfig"),
    (&["cluster", "proxy"], "KubeProxyConfig"),
    (&["machine", "kubelet"], "KubeletConfig"),
    (&["machine", "features", "kubePrism"], "KubePrismConfig"),
    (&["machine", "nodeLabels"], "KubeNodeConfig"),
    (&["machine", "features", "hostDNS"], "ResolverConfig"),
    (&["machine", "network", "nameservers"], "ResolverConfig"),
    (&["machine", "network", "disableSearchDomain"], "ResolverConfig"),
];

fn run(manifests: &Manifests<'_>, findings: &mut Vec<Finding>) {
    if let Some(kubernetes) = talos::version(manifests, "kubernetesVersion") {
        for place in GATE_PLACES {
            for setting in talos::settings(manifests, place) {
                let value = setting.value.as_deref().unwrap_or_default();
                let found = GATES
                    .iter()
                    .filter(|(gate, on, _)| {
                        kubernetes.version.minor >= *on && value.split(',').any(|part| is_gate(part, gate))
                    })
                    .map(|(gate, _, refused)| {
                        let off = value.split(',').any(|part| is_gate(part, gate) && part.trim().ends_with("=false"));
                        let message = if kubernetes.version.minor >= *refused {
                            format!("Kubernetes {} does not start with the feature gate `{gate}`", kubernetes.version)
                        } else if off {
                            format!(
                                "`{gate}=false` switches off what is on by default in Kubernetes {}, and from 1.{refused} on \
                                 nothing starts with this feature gate",
                                kubernetes.version
                            )
                        } else {
                            format!(
                                "the feature gate `{gate}` is on by default in Kubernetes {}, and from 1.{refused} on \
                                 nothing starts with it",
                                kubernetes.version
                            )
                        };
                        let help = format!("remove `{gate}` from `{}`", place.join("."));
                        Finding::new(setting.path, message, help).at(setting.span.clone(), "")
                    });
                findings.extend(found);
            }
        }
    }
    let talos = talos::version(manifests, "talosVersion");
    let talos = talos.filter(|talos| talos.version.major == 1 && talos.version.minor >= DOCUMENTS_FROM);
    if let Some(talos) = talos {
        for (path, (span, names)) in in_documents(manifests) {
            let (keys, mut kinds): (Vec<String>, Vec<String>) = names.into_iter().unzip();
            kinds.dedup();
            let message = format!(
                "talhelper refuses these patches for Talos {}: it writes {} itself, and {} must not stand beside",
                talos.version,
                kinds.join(", "),
                keys.join(", ")
            );
            let help = format!(
                "stay with Talos 1.{} (`talos_version`), or write the patch as documents of these kinds",
                DOCUMENTS_FROM - 1
            );
            let mut finding = Finding::new(path, message, help).at(span, "");
            let also = (
                talos.path.clone(),
                talos.node.span.clone(),
                "the version of Talos".to_owned(),
            );
            finding.also.push(also);
            findings.push(finding);
        }
    }
}

fn is_gate(part: &str, gate: &str) -> bool {
    part.split('=').next().is_some_and(|name| name.trim() == gate)
}

/// For each file the first such setting, and all with their kinds.
type InDocuments<'a> = BTreeMap<&'a RepoPath, (Range<usize>, Vec<(String, String)>)>;

fn in_documents<'a>(manifests: &Manifests<'a>) -> InDocuments<'a> {
    let mut found: InDocuments<'a> = BTreeMap::new();
    for (keys, kind) in DOCUMENTS {
        for setting in talos::settings(manifests, keys) {
            let (_, names) = found.entry(setting.path).or_insert((setting.span, Vec::new()));
            let name = (format!("`{}`", keys.join(".")), format!("`{kind}`"));
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    found
}
