//! Core kinds: the types of `k8s-openapi`, through schemars.

use std::collections::BTreeSet;

use k8s_openapi::api;
use k8s_openapi::schemars::JsonSchema;
use k8s_openapi::{Resource, apiextensions_apiserver, kube_aggregator};
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::Kinds;

/// What schemars says beside the structure.
const PROSE: &[&str] = &["description", "title", "default", "format", "minimum", "maximum"];

/// Fields that the server fills in. In a manifest they are noise, so their structure is left out.
const SERVER_FIELDS: &[&str] = &["managedFields", "status"];

/// Returns the schemas of the core kinds.
pub fn kinds() -> Kinds {
    let mut generator = SchemaSettings::draft07().into_generator();
    let mut roots = Vec::new();
    macro_rules! add {
        ($($kind:path),* $(,)?) => { $( roots.push(root::<$kind>(&mut generator)); )* };
    }
    add!(
        api::admissionregistration::v1::MutatingWebhookConfiguration,
        api::admissionregistration::v1::ValidatingAdmissionPolicy,
        api::admissionregistration::v1::ValidatingAdmissionPolicyBinding,
        api::admissionregistration::v1::ValidatingWebhookConfiguration,
        api::apps::v1::DaemonSet,
        api::apps::v1::Deployment,
        api::apps::v1::StatefulSet,
        api::autoscaling::v2::HorizontalPodAutoscaler,
        api::batch::v1::CronJob,
        api::batch::v1::Job,
        api::core::v1::ConfigMap,
        api::core::v1::Endpoints,
        api::core::v1::LimitRange,
        api::core::v1::Namespace,
        api::core::v1::PersistentVolume,
        api::core::v1::PersistentVolumeClaim,
        api::core::v1::Pod,
        api::core::v1::ResourceQuota,
        api::core::v1::Secret,
        api::core::v1::Service,
        api::core::v1::ServiceAccount,
        api::discovery::v1::EndpointSlice,
        api::networking::v1::Ingress,
        api::networking::v1::IngressClass,
        api::networking::v1::NetworkPolicy,
        api::node::v1::RuntimeClass,
        api::policy::v1::PodDisruptionBudget,
        api::rbac::v1::ClusterRole,
        api::rbac::v1::ClusterRoleBinding,
        api::rbac::v1::Role,
        api::rbac::v1::RoleBinding,
        api::scheduling::v1::PriorityClass,
        api::storage::v1::CSIDriver,
        api::storage::v1::StorageClass,
        kube_aggregator::pkg::apis::apiregistration::v1::APIService,
    );
    // `CustomResourceDefinition` nests schemas in schemas: it stays open below `spec`.
    roots.push(root::<
        apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
    >(&mut generator));
    let definitions = generator.take_definitions(true);
    let definitions: Map<String, Value> = definitions
        .iter()
        .map(|(name, schema)| (short(name), definition(name, schema)))
        .collect();
    roots
        .into_iter()
        .map(|(api_version, kind, name)| {
            let mut schema = definitions[&short(&name)].clone();
            let properties = schema["properties"].as_object_mut().expect("an object");
            properties.insert("apiVersion".to_owned(), json!({"const": api_version}));
            properties.insert("kind".to_owned(), json!({"const": kind}));
            if kind == "CustomResourceDefinition" {
                properties.insert("spec".to_owned(), json!({"type": "object"}));
            }
            let mut required: BTreeSet<String> = ["apiVersion", "kind", "metadata"].map(str::to_owned).into();
            if let Some(more) = schema["required"].as_array() {
                required.extend(more.iter().filter_map(Value::as_str).map(str::to_owned));
            }
            schema["required"] = json!(required);
            schema["definitions"] = Value::Object(definitions.clone());
            (format!("{api_version}/{kind}"), schema)
        })
        .collect()
}

fn root<K: JsonSchema + Resource>(generator: &mut SchemaGenerator) -> (&'static str, &'static str, String) {
    generator.subschema_for::<K>();
    (K::API_VERSION, K::KIND, K::schema_name().into_owned())
}

/// `io.k8s.api.core.v1.PodSpec` → `v1.PodSpec`: unique among those that we take, which [`kinds`] relies on.
fn short(name: &str) -> String {
    let mut parts: Vec<&str> = name.rsplit('.').take(2).collect();
    parts.reverse();
    if parts[1] == "Condition" || parts[1] == "Subject" {
        return name.trim_start_matches("io.k8s.").to_owned();
    }
    parts.join(".")
}

fn definition(name: &str, schema: &Value) -> Value {
    match name.rsplit('.').next() {
        Some("IntOrString") => json!({"type": ["integer", "string"]}),
        Some("Quantity") => json!({"type": ["number", "string"]}),
        Some("JSON" | "RawExtension" | "JSONSchemaProps") => json!({}),
        _ => strict(schema),
    }
}

/// Drops prose, closes objects that have properties, and leaves out what the server writes.
fn strict(schema: &Value) -> Value {
    let Value::Object(map) = schema else {
        return schema.clone();
    };
    let mut out = Map::new();
    for (key, value) in map {
        let value = match (key.as_str(), value) {
            (key, _) if PROSE.contains(&key) || key.starts_with("x-kubernetes-") => continue,
            ("properties", Value::Object(properties)) => properties
                .iter()
                .map(|(name, value)| {
                    let open = SERVER_FIELDS.contains(&name.as_str());
                    (name.clone(), if open { json!({}) } else { strict(value) })
                })
                .collect::<Map<_, _>>()
                .into(),
            ("allOf", Value::Array(items)) if items.len() == 1 => {
                let Value::Object(only) = strict(&items[0]) else {
                    unreachable!("a schema")
                };
                out.extend(only);
                continue;
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(items)) => items.iter().map(strict).collect(),
            ("items" | "additionalProperties", value) => strict(value),
            ("$ref", Value::String(target)) => {
                let name = target.strip_prefix("#/definitions/").expect("a definition");
                json!(format!("#/definitions/{}", short(name)))
            }
            ("type" | "required" | "enum" | "const", value) => value.clone(),
            (key, _) => panic!("a keyword that nobody reads: {key}"),
        };
        out.insert(key.clone(), value);
    }
    if map
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|p| !p.is_empty())
        && !map.contains_key("additionalProperties")
    {
        out.insert("additionalProperties".to_owned(), json!(false));
    }
    Value::Object(out)
}
