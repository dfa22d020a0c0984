//! What templates and feature expressions can read: the keys of `cluster.yaml` with their defaults, the values derived
//! from them, and the secrets as tokens.

pub mod pool;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::catalog::Catalog;
use crate::config::{Cluster, Vault, Vocabulary};
use crate::diag::{Diagnostic, Diagnostics};
use crate::model::{Cidr, Ipv4};
use crate::render::TemplateValues;
use crate::render::names::Shape;

/// The host number of CoreDNS in the service network. Source: what Talos and kubeadm write into every kubelet.
const DNS_HOST: u32 = 10;

/// The owner of records at Cloudflare in trees that were rendered before `external_dns_owner_id` was there.
pub const OWNER_BEFORE: &str = "default";

/// The same at a UniFi controller.
pub const UNIFI_OWNER_BEFORE: &str = "unifi";

/// Values computed from the configuration. Everything templates must not compute themselves is here.
#[derive(Debug, Default, Serialize)]
pub struct Derived {
    /// Router address, router ASN and node ASN are set.
    pub cilium_bgp_enabled: bool,
    /// UniFi host and key are set.
    pub unifi_dns_enabled: bool,
    /// The opposite of `unifi_dns_enabled`.
    pub k8s_gateway_enabled: bool,
    /// Issuer and JWKS URI are set.
    pub oidc_enabled: bool,
    /// Addresses of the nodes that run the control plane, in order.
    pub controller_addresses: Vec<String>,
    /// How many of them there are.
    pub controller_count: usize,
    /// How many nodes there are.
    pub node_count: usize,
    /// Address of CoreDNS.
    pub cluster_dns_ip: String,
    /// The network that load balancer addresses come from.
    pub lb_pool_cidr: String,
    /// What of it Cilium may give out.
    pub lb_pool_blocks: Vec<pool::PoolBlock>,
    /// Owner of the records at Cloudflare.
    pub dns_owner_id: String,
    /// Owner of the records at a UniFi controller.
    pub unifi_dns_owner_id: String,
    /// The default gateway of the nodes.
    pub node_gateway: String,
    /// What the key says; without it, whether there is more than one node.
    pub spegel_enabled: bool,
    /// Endpoint and bucket of the backup are set.
    pub talos_backup_enabled: bool,
    /// Id of the Cloudflare tunnel.
    pub tunnel_id: String,
    /// The Kubernetes version has volumes from images, and has them off.
    pub image_volume_gate: bool,
}

impl Derived {
    /// Computes all of them. `tunnel_id` is what the file of the tunnel says, where there is one.
    pub fn of(cluster: &Cluster, tunnel_id: Option<&str>) -> Self {
        let (cilium, unifi, oidc) = (&cluster.cilium, &cluster.unifi, &cluster.oidc);
        let (network, backup) = (&cluster.network, &cluster.backup);
        let nodes = &cluster.nodes.nodes;
        let controllers: Vec<String> = nodes
            .iter()
            .filter(|node| node.controller)
            .map(|node| node.address.to_string())
            .collect();
        let unifi_dns = unifi.unifi_host.is_some() && unifi.unifi_api_key.is_some();
        let pool = cilium.cilium_lb_pool_cidr.as_ref().unwrap_or(&network.node_cidr);
        let gateway = network
            .node_default_gateway
            .or_else(|| network.node_cidr.router());
        let taken = nodes.iter().map(|node| node.address);
        let taken = taken.chain([network.cluster_api_addr]).chain(gateway);
        let taken = taken.chain(cilium.cilium_bgp_router_addr);
        let owner = cluster.cloudflare.external_dns_owner_id.as_ref();
        let owner = owner.unwrap_or(&network.cluster_name).as_str();
        let tunnel_key = cluster.cloudflare.cloudflare_tunnel_id.as_ref();
        Self {
            cilium_bgp_enabled: cilium.cilium_bgp_router_addr.is_some()
                && cilium.cilium_bgp_router_asn.is_some()
                && cilium.cilium_bgp_node_asn.is_some(),
            unifi_dns_enabled: unifi_dns,
            k8s_gateway_enabled: !unifi_dns,
            oidc_enabled: oidc.oidc_issuer_url.is_some() && oidc.oidc_jwks_uri.is_some(),
            controller_count: controllers.len(),
            controller_addresses: controllers,
            node_count: nodes.len(),
            cluster_dns_ip: or_network(network.cluster_svc_cidr.nth(DNS_HOST), network.cluster_svc_cidr),
            lb_pool_cidr: pool.to_string(),
            lb_pool_blocks: pool::blocks(pool, taken),
            dns_owner_id: owner.to_owned(),
            unifi_dns_owner_id: if owner == OWNER_BEFORE {
                UNIFI_OWNER_BEFORE.to_owned()
            } else {
                owner.to_owned()
            },
            node_gateway: or_network(gateway, network.node_cidr),
            spegel_enabled: cluster.images.spegel_enabled.unwrap_or(nodes.len() > 1),
            talos_backup_enabled: backup.backup_s3_endpoint.is_some() && backup.backup_s3_bucket.is_some(),
            tunnel_id: tunnel_id
                .or_else(|| tunnel_key.map(crate::model::Uuid::as_str))
                .unwrap_or_default()
                .to_owned(),
            image_volume_gate: image_volume_gate(cluster.versions.kubernetes_version.as_str()),
        }
    }
}

/// The minor versions of Kubernetes 1 that know the feature gate `ImageVolume` and have it off. Earlier ones refuse it as
/// unknown; later ones have it on, and from 1.39 on the API server and the kubelet do not start with a gate that is gone.
/// Source: the Kubernetes documentation, Feature Gates: alpha from 1.31, beta from 1.33, on by default from 1.35.
const IMAGE_VOLUME_GATE: std::ops::Range<u64> = 31..35;

/// Returns whether this Kubernetes version needs the feature gate `ImageVolume`.
fn image_volume_gate(kubernetes: &str) -> bool {
    semver::Version::parse(kubernetes)
        .is_ok_and(|version| version.major == 1 && IMAGE_VOLUME_GATE.contains(&version.minor))
}

/// Returns the values for nodes with another Kubernetes version than `kubernetes_version` says; `None` when that makes no
/// difference.
pub fn for_kubernetes(values: &TemplateValues, version: &str) -> Option<TemplateValues> {
    let gate = Value::Bool(image_volume_gate(version));
    let key = "image_volume_gate";
    (values.map.get(key) != Some(&gate)).then(|| {
        let mut map = values.map.clone();
        map.insert(key.to_owned(), gate);
        TemplateValues {
            map,
            shape: values.shape.clone(),
            schema: values.schema.clone(),
        }
    })
}

/// Returns the address; the network's own text if it has none.
fn or_network(address: Option<Ipv4>, network: Cidr) -> String {
    address.map_or_else(|| network.to_string(), |address| address.to_string())
}

/// The key of per-app choices, which templates do not read: they act on what is rendered.
const CHOICES: &str = "apps";

/// The key of the user's own values.
const FREE: &str = "vars";

/// The public halves of the repository's own key.
const OWN_RECIPIENTS: &str = "age_own_recipients";

/// What [`values`] and [`crate::render`] add.
const RENDERED: [&str; 5] = [
    OWN_RECIPIENTS,
    "app",
    "bootstrap_releases",
    "chart_versions",
    "loop",
];

/// Reports keys of apps with a name that something derived has.
pub fn check_keys(catalog: &Catalog, diags: &mut Diagnostics) {
    let derived = json!(Derived::default());
    let provided = |name: &str| {
        let mut apps = catalog.apps.iter();
        apps.any(|app| app.manifest.provides.values.contains_key(name))
    };
    for key in catalog.apps.iter().flat_map(|app| &app.keys) {
        let name = key.name.as_str();
        if derived.get(name).is_some() || RENDERED.contains(&name) || name == "secrets" || provided(name) {
            let message = format!("`{name}` is a name that templates have already");
            diags.push(
                Diagnostic::error("template/key-taken", message)
                    .at(key.span, "defined here")
                    .help("choose another name, such as one that starts with the app's"),
            );
        }
    }
}

fn empty() -> Shape {
    Shape::Object(BTreeMap::new())
}

/// Names below `secrets.` that templates can read.
pub const COMPUTED_SECRETS: [&str; 4] = ["age_key", "push_token", "deploy_key", "tunnel_token"];

/// Puts everything together. Of the recipients, `own` are the public halves of the repository's own key.
pub fn values(
    cluster: &Cluster,
    vault: &Vault,
    recipients: &[String],
    own: &[String],
    tunnel_id: Option<&str>,
    vocabulary: &Vocabulary,
) -> TemplateValues {
    let mut map = serde_json::Map::new();
    if let Value::Object(keys) = json!(cluster) {
        map.extend(keys);
    }
    map.retain(|key, value| !value.is_null() && key != CHOICES);
    if let Value::Object(derived) = json!(Derived::of(cluster, tunnel_id)) {
        map.extend(derived);
    }
    map.insert("secrets".to_owned(), json!(vault.computed()));
    map.insert("age_recipients".to_owned(), json!(recipients));
    map.insert(OWN_RECIPIENTS.to_owned(), json!(own));
    TemplateValues {
        shape: shape(&map, vocabulary),
        map,
        schema: vocabulary.text(),
    }
}

/// The names that can exist: those of the schema, whether set or not, and those that were just computed.
fn shape(map: &serde_json::Map<String, Value>, vocabulary: &Vocabulary) -> BTreeMap<String, Shape> {
    let schema = vocabulary.schema();
    let mut shape = match Shape::from_schema(schema, schema) {
        Shape::Object(shape) => shape,
        _ => BTreeMap::new(),
    };
    for (key, value) in map {
        shape.entry(key.clone()).or_insert_with(|| Shape::of(value));
    }
    shape.remove(CHOICES);
    // Of free space, only what is there can be read.
    shape.insert(FREE.to_owned(), map.get(FREE).map_or_else(empty, Shape::of));
    let secrets = COMPUTED_SECRETS
        .iter()
        .map(|name| ((*name).to_owned(), Shape::Scalar))
        .collect();
    shape.insert("secrets".to_owned(), Shape::Object(secrets));
    shape
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Derived, image_volume_gate};
    use crate::config::schema;
    use crate::plan::DERIVED;

    /// What `plan` proposes for an app that is left out are keys that can be set.
    #[test]
    fn plan_knows_which_names_are_derived() {
        let derived = json!(Derived::default());
        let flags: Vec<&str> = derived
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, value)| value.is_boolean() && schema::keys().top_kind(name).is_none())
            .map(|(name, _)| name.as_str())
            .collect();
        let mut sorted = flags.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, DERIVED.iter().map(|(name, _)| *name).collect::<Vec<_>>());
        for key in DERIVED.iter().flat_map(|(_, keys)| *keys) {
            assert!(schema::keys().top_kind(key).is_some(), "{key}");
        }
    }

    #[test]
    fn the_gate_of_image_volumes_is_set_only_where_it_is_known_and_off() {
        for version in ["1.31.0", "1.33.4", "1.34.99"] {
            assert!(image_volume_gate(version), "{version}");
        }
        for version in [
            "1.9.0", "1.30.9", "1.35.0", "1.36.1", "1.39.0", "1.100.0", "2.31.0",
        ] {
            assert!(!image_volume_gate(version), "{version}");
        }
    }
}
