//! The JSON Schema of `cluster.yaml`: flat draft-07, because editors complete that best.
//!
//! Beyond what the types give, every description is repeated as `markdownDescription`, enums carry
//! `markdownEnumDescriptions`, secrets `x-secret`, and values that a person must fill in `x-placeholder`: the text that
//! `init` writes in their place.

use std::sync::OnceLock;

use indexmap::IndexMap;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::{Map, Value, json};

use super::Cluster;

/// The schema's address; only a name, nothing is fetched.
const ID: &str = "https://clusterwright.dev/cluster.schema.json";

/// Returns the schema.
pub fn schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = SchemaSettings::draft07()
            .with_transform(RecursiveTransform(editor_friendly))
            .into_generator()
            .into_root_schema_for::<Cluster>();
        schema.insert("$id".to_owned(), ID.into());
        schema.insert("title".to_owned(), "cluster.yaml".into());
        for key in ["description", "markdownDescription"] {
            schema.insert(key.to_owned(), "The configuration of a cluster.".into());
        }
        schema.to_value()
    })
}

/// Most memory of one `pattern`, in bytes, and how often its matching may go back. An own app's schema is a stranger's
/// text; the patterns of our own take some thousands of both.
const MAX_PATTERN: usize = 512 << 10;
/// See [`MAX_PATTERN`].
const MAX_BACKTRACK: usize = 100_000;

/// Returns what every validator of a configuration starts from: draft 7, with bounds for what an own app's schema brings.
pub fn validators() -> jsonschema::ValidationOptions<'static> {
    let patterns = jsonschema::PatternOptions::fancy_regex()
        .backtrack_limit(MAX_BACKTRACK)
        .size_limit(MAX_PATTERN)
        .dfa_size_limit(MAX_PATTERN);
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft7)
        .with_pattern_options(patterns)
}

/// Returns the schema as the text of `schema/cluster.schema.json`.
///
/// # Panics
/// Never: a schema is JSON.
pub fn text() -> String {
    pretty(schema())
}

/// Returns a schema as a file's text.
pub(super) fn pretty(schema: &Value) -> String {
    let mut text = serde_json::to_string_pretty(schema).expect("a schema is JSON");
    text.push('\n');
    text
}

/// Returns the schema of the value that a JSON pointer leads to in a document, where the schema knows it.
pub fn at(pointer: &str) -> Option<&'static Value> {
    at_in(schema(), pointer)
}

/// Returns what [`at`] does in another schema.
pub(super) fn at_in<'s>(schema: &'s Value, pointer: &str) -> Option<&'s Value> {
    pointer.split('/').skip(1).try_fold(schema, |schema, part| {
        let pattern = || schema.get("patternProperties")?.as_object()?.values().next();
        schema
            .get("properties")
            .and_then(|properties| properties.get(part))
            // The name of an app: what it can hold stands below the pattern.
            .filter(|property| property.get("properties").is_some() || pattern().is_none())
            .or_else(|| schema.get("items").filter(|_| part.parse::<usize>().is_ok()))
            .or_else(pattern)
            .or_else(|| schema.get("additionalProperties").filter(|any| any.is_object()))
    })
}

pub(super) fn regex_of(keys: &Keys) -> String {
    format!("^({})$", keys.secrets().collect::<Vec<_>>().join("|"))
}

/// What a key holds, as far as display and secrets need to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// One value.
    Scalar,
    /// A list of single values.
    List,
    /// A list of mappings, or a mapping.
    Nested,
    /// A secret.
    Secret,
}

/// The keys of the schema by name.
#[derive(Debug)]
pub struct Keys {
    top: IndexMap<String, KeyKind>,
    entries: IndexMap<String, IndexMap<String, KeyKind>>,
    apps: Vec<String>,
}

impl Keys {
    /// Reads the keys of a schema.
    pub(super) fn of(schema: &Value) -> Self {
        fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
            schema["properties"].as_object().into_iter().flatten()
        }
        fn kinds(schema: &Value) -> IndexMap<String, KeyKind> {
            properties(schema)
                .map(|(key, property)| (key.clone(), kind(property)))
                .collect()
        }
        Self {
            top: kinds(schema),
            entries: properties(schema)
                .filter(|(_, property)| kind(property) == KeyKind::Nested)
                .map(|(key, property)| (key.clone(), kinds(&property["items"])))
                .collect(),
            apps: properties(&schema["properties"]["apps"])
                .map(|(name, _)| name.clone())
                .collect(),
        }
    }

    /// Returns the names that entries of `apps` may have.
    pub(super) fn apps(&self) -> impl Iterator<Item = &str> {
        self.apps.iter().map(String::as_str)
    }

    /// Returns the top-level keys in the order of the schema.
    pub fn top(&self) -> impl Iterator<Item = &str> {
        self.top.keys().map(String::as_str)
    }

    /// Returns the keys of a node entry in the order of the schema.
    pub fn node(&self) -> impl Iterator<Item = &str> {
        self.entries["nodes"].keys().map(String::as_str)
    }

    /// Returns the secret keys.
    pub fn secrets(&self) -> impl Iterator<Item = &str> {
        let secret = self.top.iter().filter(|(_, kind)| **kind == KeyKind::Secret);
        secret.map(|(key, _)| key.as_str())
    }

    /// Returns what a top-level key holds.
    pub fn top_kind(&self, key: &str) -> Option<KeyKind> {
        self.top.get(key).copied()
    }

    /// Returns what a key of a node entry holds.
    pub fn node_kind(&self, key: &str) -> Option<KeyKind> {
        self.entries["nodes"].get(key).copied()
    }

    /// Returns the keys of the entries in a top-level list of mappings.
    pub(super) fn of_entries(&self, key: &str) -> Option<&IndexMap<String, KeyKind>> {
        self.entries.get(key)
    }
}

/// Returns the built-in keys. What a repository's own apps add is not among them: ask its
/// [`Vocabulary`](super::Vocabulary) what is secret.
pub fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| Keys::of(schema()))
}

fn kind(property: &Value) -> KeyKind {
    if property["x-secret"] == true {
        return KeyKind::Secret;
    }
    match property["type"].as_str() {
        Some("array") if property["items"]["type"] == "object" => KeyKind::Nested,
        Some("array") => KeyKind::List,
        Some("object") => KeyKind::Nested,
        _ => KeyKind::Scalar,
    }
}

/// Shapes a schema as editors show it best; see the module's documentation.
fn editor_friendly(schema: &mut Schema) {
    let Some(object) = schema.as_object_mut() else {
        return;
    };
    enum_from_alternatives(object);
    without_null(object);
    if let Some(format) = object.get("format").and_then(Value::as_str)
        && (format.starts_with("int") || format.starts_with("uint"))
    {
        object.remove("format");
    }
    if object.contains_key("properties") {
        object.insert("additionalProperties".to_owned(), false.into());
    }
    if let Some(Value::String(text)) = object.get("description") {
        let text = reflow(text);
        object.insert("description".to_owned(), text.clone().into());
        object.insert("markdownDescription".to_owned(), text.into());
    }
}

/// Joins the lines of each paragraph: where a doc comment wraps means nothing.
fn reflow(text: &str) -> String {
    let paragraphs: Vec<String> = text
        .split("\n\n")
        .map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    paragraphs.join("\n\n")
}

/// Turns `oneOf` of documented constants into `enum` with `markdownEnumDescriptions`, which editors complete from.
fn enum_from_alternatives(object: &mut Map<String, Value>) {
    let Some(alternatives) = object.get("oneOf").and_then(Value::as_array) else {
        return;
    };
    let pairs: Option<Vec<(Value, Value)>> = alternatives
        .iter()
        .map(|alternative| {
            let value = alternative.get("const")?.clone();
            let description = alternative.get("description").and_then(Value::as_str).map(reflow);
            Some((value, json!(description.unwrap_or_default())))
        })
        .collect();
    if let Some(pairs) = pairs {
        let (values, descriptions): (Vec<Value>, Vec<Value>) = pairs.into_iter().unzip();
        object.remove("oneOf");
        object.insert("type".to_owned(), "string".into());
        object.insert("enum".to_owned(), values.into());
        object.insert("markdownEnumDescriptions".to_owned(), descriptions.into());
    }
}

/// Drops `null` from optional types: a key that is not wanted is left out.
fn without_null(object: &mut Map<String, Value>) {
    if let Some(types) = object.get("type").and_then(Value::as_array) {
        let mut types: Vec<Value> = types.iter().filter(|t| **t != "null").cloned().collect();
        if types.len() == 1 {
            object.insert("type".to_owned(), types.remove(0));
        }
    }
    if object.get("default") == Some(&Value::Null) {
        object.remove("default");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Calls `f` with the path and schema of every property, nested ones included.
    fn each_property(schema: &Value, path: &str, f: &mut impl FnMut(&str, &Value)) {
        for (key, property) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{key}");
            f(&path, property);
            each_property(property, &path, f);
            each_property(&property["items"], &path, f);
        }
    }

    #[test]
    fn is_valid_draft_07() {
        let result = jsonschema::draft7::meta::validate(schema());
        assert!(result.is_ok(), "{result:?}");
    }

    #[test]
    fn every_property_is_documented_with_an_example() {
        each_property(schema(), "", &mut |path, property| {
            for needed in ["description", "markdownDescription", "type"] {
                assert!(property[needed].is_string(), "{path} has no {needed}");
            }
            let examples = property["examples"].as_array().map_or(0, Vec::len);
            assert!(examples > 0, "{path} has no example");
            if property["enum"].is_array() {
                let docs = property["markdownEnumDescriptions"]
                    .as_array()
                    .expect("enum docs");
                assert!(
                    docs.iter().all(|doc| doc != ""),
                    "{path} has an undocumented value"
                );
            }
        });
    }

    #[test]
    fn only_switches_of_features_have_no_default() {
        let required = schema()["required"].as_array().expect("required");
        let properties = schema()["properties"].as_object().expect("properties");
        let without: Vec<&str> = properties
            .iter()
            .filter(|(key, property)| !required.contains(&json!(key)) && property.get("default").is_none())
            .map(|(key, _)| key.as_str())
            .collect();
        assert_eq!(
            without,
            [
                "node_default_gateway",
                "node_vlan_tag",
                "cluster_dns_gateway_addr",
                "cloudflare_tunnel_id",
                "external_dns_owner_id",
                "cilium_lb_pool_cidr",
                "cilium_bgp_router_addr",
                "cilium_bgp_router_asn",
                "cilium_bgp_node_asn",
                "cilium_bgp_password",
                "unifi_host",
                "unifi_api_key",
                "spegel_enabled",
                "grafana_admin_password",
                "alert_slack_webhook_url",
                "alert_slack_channel",
                "alert_pagerduty_routing_key",
                "alert_webhook_url",
                "oidc_issuer_url",
                "oidc_jwks_uri",
                "backup_s3_endpoint",
                "backup_s3_bucket",
                "backup_s3_access_key",
                "backup_s3_secret_key",
                "backup_age_public_key",
                "proxmox_endpoint",
                "proxmox_csi_token_id",
                "proxmox_csi_token_secret",
                "proxmox_csi_storage",
                "proxmox_ccm_token_id",
                "proxmox_ccm_token_secret",
                "onepassword_connect_host",
                "onepassword_connect_token",
                "onepassword_vaults",
                "bitwarden_access_token",
                "bitwarden_organization_id",
                "bitwarden_project_id",
                "vault_server",
                "age_recipients",
            ]
        );
    }

    #[test]
    fn is_flat() {
        let text = text();
        for word in [
            "\"oneOf\"",
            "\"anyOf\"",
            "\"allOf\"",
            "\"if\"",
            "\"$ref\"",
            "\"null\"",
        ] {
            assert!(!text.contains(word), "{word} in the schema");
        }
        assert_eq!(schema()["additionalProperties"], false);
        assert_eq!(
            schema().pointer("/properties/nodes/items/additionalProperties"),
            Some(&json!(false))
        );
    }

    #[test]
    fn secrets_have_placeholders_and_a_regex() {
        for key in keys().secrets() {
            assert!(
                at(&format!("/{key}")).expect("known")["x-placeholder"].is_string(),
                "{key}"
            );
        }
        assert_eq!(
            regex_of(keys()),
            "^(cloudflare_token|cilium_bgp_password|unifi_api_key|grafana_admin_password|alert_slack_webhook_url|\
             alert_pagerduty_routing_key|alert_webhook_url|backup_s3_access_key|backup_s3_secret_key|\
             proxmox_csi_token_secret|proxmox_ccm_token_secret|onepassword_connect_token|bitwarden_access_token)$"
        );
    }

    #[test]
    fn examples_and_defaults_are_valid() {
        each_property(schema(), "", &mut |path, property| {
            let validator = jsonschema::draft7::new(property).expect("valid");
            for example in property["examples"].as_array().expect("examples") {
                // A secret's example is its placeholder.
                if property["x-secret"] != true {
                    assert!(validator.is_valid(example), "{path}: {example}");
                    check_format(path, property, example);
                }
            }
            if let Some(default) = property.get("default") {
                assert!(validator.is_valid(default), "{path}: {default}");
                check_format(path, property, default);
            }
        });
    }

    fn check_format(path: &str, property: &Value, value: &Value) {
        if let (Some(format), Some(text)) = (property["format"].as_str(), value.as_str()) {
            let format = crate::model::ValueFormat::named(format).expect("registered");
            assert_eq!((format.check)(text), Ok(()), "{path}");
        }
    }
}
