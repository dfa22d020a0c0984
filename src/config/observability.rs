//! Metrics, logs, dashboards and alerts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::secret::SecretStandIn;
use crate::model::{HostLabel, Line, ObjectName, Quantity, Retention, TextValue as _};

/// Metrics, logs, dashboards and alerts. `monitoring_enabled` is the master switch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the configuration"
)]
pub struct Observability {
    /// Switches monitoring on: the namespace `monitoring` with metrics, Grafana and Alertmanager. The keys for Hubble,
    /// Loki and tracing need it. `grafana_admin_password` must then be set.
    #[serde(default)]
    #[schemars(example = true)]
    pub monitoring_enabled: bool,

    /// Which system stores metrics; counts with `monitoring_enabled`.
    #[serde(default)]
    #[schemars(example = &"prometheus")]
    pub monitoring_stack: MonitoringStack,

    /// Switches on Hubble, Cilium's view of network flows: relay, metrics and dashboards. Needs `monitoring_enabled`.
    #[serde(default)]
    #[schemars(example = true)]
    pub hubble_enabled: bool,

    /// Switches on the web page of Hubble. Needs `hubble_enabled`.
    #[serde(default)]
    #[schemars(example = true)]
    pub hubble_ui_enabled: bool,

    /// First part of Grafana's host name; `cloudflare_domain` is the rest.
    #[serde(default = "grafana_subdomain")]
    #[schemars(example = &"grafana")]
    pub grafana_subdomain: HostLabel,

    /// Name of Grafana's administrator.
    #[serde(default = "grafana_admin_user")]
    #[schemars(example = &"admin")]
    pub grafana_admin_user: Line,

    /// Password of Grafana's administrator, at least 8 characters. Required with `monitoring_enabled`. Grafana reads
    /// it only at its first start: changing it later needs a reset in Grafana.
    #[serde(default)]
    #[schemars(
        length(min = 8),
        example = &"<Grafana admin password, at least 8 characters>",
        extend("x-placeholder" = "<Grafana admin password, at least 8 characters>")
    )]
    pub grafana_admin_password: Option<SecretStandIn>,

    /// How long metrics are kept, in hours (`h`), days (`d`) or weeks (`w`).
    #[serde(default = "week")]
    #[schemars(example = &"14d")]
    pub metrics_retention: Retention,

    /// Size of the volume for metrics.
    #[serde(default = "size")]
    #[schemars(example = &"50Gi")]
    pub metrics_storage_size: Quantity,

    /// Storage class of every volume of the monitoring apps. It must exist in the cluster: no app of the catalogue
    /// installs the default, so bring it yourself and say so with `storage_class_external`.
    #[serde(default = "storage_class")]
    #[schemars(example = &"local-path")]
    pub storage_class: ObjectName,

    /// Set to true when `storage_class` is installed by something that clusterwright does not render; the warning that
    /// nothing provides the class is then silent.
    #[serde(default)]
    #[schemars(example = true)]
    pub storage_class_external: bool,

    /// Switches on alert rules for nodes, workloads, Flux and certificates; counts with `monitoring_enabled`.
    #[serde(default = "enabled")]
    #[schemars(example = false)]
    pub monitoring_alerts_enabled: bool,

    /// Memory use of a node, in percent, above which an alert fires.
    #[serde(default = "threshold")]
    #[schemars(range(min = 50, max = 99), example = 85)]
    pub node_memory_threshold: u8,

    /// CPU use of a node, in percent, above which an alert fires.
    #[serde(default = "threshold")]
    #[schemars(range(min = 50, max = 99), example = 85)]
    pub node_cpu_threshold: u8,

    /// Switches on logs: Loki stores them, Alloy collects those of all pods. Logs of Talos itself (kernel, kubelet,
    /// etcd) stay on their node: read them with `talosctl dmesg` and `talosctl logs`. Needs `monitoring_enabled`.
    #[serde(default)]
    #[schemars(example = true)]
    pub loki_enabled: bool,

    /// How long logs are kept, in hours (`h`), days (`d`) or weeks (`w`).
    #[serde(default = "week")]
    #[schemars(example = &"14d")]
    pub logs_retention: Retention,

    /// Size of the volume for logs.
    #[serde(default = "size")]
    #[schemars(example = &"50Gi")]
    pub logs_storage_size: Quantity,
}

/// Which system stores metrics.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum MonitoringStack {
    /// VictoriaMetrics: needs the least memory.
    #[default]
    Victoriametrics,
    /// Prometheus, from the chart kube-prometheus-stack.
    Prometheus,
}

fn grafana_subdomain() -> HostLabel {
    HostLabel::parse("grafana").expect("valid default")
}

fn grafana_admin_user() -> Line {
    Line::parse("admin").expect("valid default")
}

fn week() -> Retention {
    Retention::parse("7d").expect("valid default")
}

fn size() -> Quantity {
    Quantity::parse("50Gi").expect("valid default")
}

fn storage_class() -> ObjectName {
    ObjectName::parse("local-path").expect("valid default")
}

fn threshold() -> u8 {
    90
}

fn enabled() -> bool {
    true
}
