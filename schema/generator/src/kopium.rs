//! Custom resources: the Rust text that kopium made of CRDs.
//!
//! kopium writes structs of `pub` fields, enums of unit variants, and three serde attributes (`default`,
//! `skip_serializing_if`, `rename`). Anything else stops the generator, so that a new form is never misread.
//! What kopium drops is lost: patterns, minima, CEL rules, and root fields other than `spec` and `status`.

use std::collections::HashMap;
use std::fs;

use serde_json::{Map, Value, json};
use syn::{Attribute, Fields, GenericArgument, Item, ItemEnum, ItemStruct, LitStr, PathArguments, Type};

use crate::{Kinds, object};

/// Crate, API group, and the versions that we take: those that the operators still serve and do not call old.
pub const CRATES: &[(&str, &str, &[&str])] = &[
    ("kcr_cert_manager_io", "cert-manager.io", &["v1"]),
    ("kcr_cilium_io", "cilium.io", &["v2", "v2alpha1"]),
    (
        "kcr_external_secrets_io",
        "external-secrets.io",
        &["v1", "v1alpha1"],
    ),
    ("kcr_externaldns_k8s_io", "externaldns.k8s.io", &["v1alpha1"]),
    (
        "kcr_gateway_networking_k8s_io",
        "gateway.networking.k8s.io",
        &["v1", "v1alpha2", "v1alpha3", "v1beta1"],
    ),
    ("kcr_helm_toolkit_fluxcd_io", "helm.toolkit.fluxcd.io", &["v2"]),
    ("kcr_image_toolkit_fluxcd_io", "image.toolkit.fluxcd.io", &["v1"]),
    (
        "kcr_kustomize_toolkit_fluxcd_io",
        "kustomize.toolkit.fluxcd.io",
        &["v1"],
    ),
    (
        "kcr_monitoring_coreos_com",
        "monitoring.coreos.com",
        &["v1", "v1alpha1"],
    ),
    (
        "kcr_notification_toolkit_fluxcd_io",
        "notification.toolkit.fluxcd.io",
        &["v1", "v1beta3"],
    ),
    (
        "kcr_operator_victoriametrics_com",
        "operator.victoriametrics.com",
        &["v1", "v1beta1"],
    ),
    ("kcr_snapshot_storage_k8s_io", "snapshot.storage.k8s.io", &["v1"]),
    (
        "kcr_source_toolkit_fluxcd_io",
        "source.toolkit.fluxcd.io",
        &["v1"],
    ),
];

/// Written by operators, never by people.
const SKIPPED: &[&str] = &[
    "CiliumBGPNodeConfig",
    "CiliumEndpoint",
    "CiliumEndpointSlice",
    "CiliumIdentity",
    "CiliumNode",
    "VolumeSnapshotContent",
];

/// Versions of kinds that their operators serve no longer.
const GONE: &[&str] = &[
    "external-secrets.io/v1alpha1/ClusterSecretStore",
    "external-secrets.io/v1alpha1/ExternalSecret",
    "external-secrets.io/v1alpha1/SecretStore",
    "gateway.networking.k8s.io/v1alpha2/BackendLBPolicy",
    "gateway.networking.k8s.io/v1alpha2/GRPCRoute",
];

/// Root fields that kopium drops: kind, field, and the struct of its items, which is in the text.
const LISTS_AT_ROOT: &[(&str, &str, &str)] = &[
    ("CiliumNetworkPolicy", "specs", "CiliumNetworkPolicys"),
    (
        "CiliumClusterwideNetworkPolicy",
        "specs",
        "CiliumClusterwideNetworkPolicys",
    ),
];

/// Returns the schemas of all kinds in a folder of kopium's files.
pub fn kinds(folder: &str, api_version: &str) -> Kinds {
    let mut found = Kinds::new();
    for entry in fs::read_dir(folder).expect("a source folder") {
        let path = entry.expect("readable").path();
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).expect("readable");
        let file = syn::parse_file(&text).expect("Rust");
        let types = Types::new(&file.items);
        let Some((spec, kind, status)) = types.structs.values().find_map(|item| root(item)) else {
            eprintln!("{}: no kind with a spec, skipped", path.display());
            continue;
        };
        let key = format!("{api_version}/{kind}");
        if SKIPPED.contains(&kind.as_str()) || GONE.contains(&key.as_str()) {
            continue;
        }
        let spec = types.of_struct(spec);
        let mut required = vec!["apiVersion".to_owned(), "kind".to_owned(), "metadata".to_owned()];
        let mut properties = Map::new();
        properties.insert("apiVersion".to_owned(), json!({"const": api_version}));
        properties.insert("kind".to_owned(), json!({"const": kind}));
        let list = LISTS_AT_ROOT.iter().find(|(of, _, _)| *of == kind);
        if list.is_none() && spec.get("required").is_some() {
            required.push("spec".to_owned());
        }
        properties.insert("metadata".to_owned(), json!({}));
        properties.insert("spec".to_owned(), spec);
        if let Some((_, field, item)) = list {
            let items = types.named(item);
            properties.insert((*field).to_owned(), json!({"type": "array", "items": items}));
        }
        if status {
            properties.insert("status".to_owned(), json!({}));
        }
        found.insert(key, object(properties, &required));
    }
    found
}

/// Returns the struct, the kind and whether it has a status, if this is the struct of a kind's spec.
fn root(item: &ItemStruct) -> Option<(&ItemStruct, String, bool)> {
    let (mut kind, mut status) = (None, false);
    for attribute in item.attrs.iter().filter(|a| a.path().is_ident("kube")) {
        attribute
            .parse_nested_meta(|meta| {
                let value = meta
                    .value()
                    .ok()
                    .map(|value| value.parse::<LitStr>())
                    .transpose()?;
                if meta.path.is_ident("kind") {
                    kind = value.map(|value| value.value());
                } else if meta.path.is_ident("status") {
                    status = true;
                }
                Ok(())
            })
            .expect("kube's attributes");
    }
    Some((item, kind?, status))
}

/// The types of a file by name.
struct Types<'a> {
    structs: HashMap<String, &'a ItemStruct>,
    enums: HashMap<String, &'a ItemEnum>,
}

impl<'a> Types<'a> {
    fn new(items: &'a [Item]) -> Self {
        let (mut structs, mut enums) = (HashMap::new(), HashMap::new());
        for item in items {
            match item {
                Item::Struct(item) => drop(structs.insert(item.ident.to_string(), item)),
                Item::Enum(item) => drop(enums.insert(item.ident.to_string(), item)),
                Item::Mod(_) | Item::Use(_) => {}
                other => panic!("kopium writes something new: {other:?}"),
            }
        }
        Self { structs, enums }
    }

    fn named(&self, name: &str) -> Value {
        if let Some(item) = self.structs.get(name) {
            return self.of_struct(item);
        }
        let item = self.enums.get(name).unwrap_or_else(|| panic!("no type {name}"));
        let values: Vec<String> = item
            .variants
            .iter()
            .map(|variant| {
                assert!(
                    matches!(variant.fields, Fields::Unit),
                    "{name} has a variant with fields"
                );
                name_of(&variant.attrs, &variant.ident.to_string())
            })
            .collect();
        json!({"type": "string", "enum": values})
    }

    fn of_struct(&self, item: &ItemStruct) -> Value {
        let mut properties = Map::new();
        let mut required = Vec::new();
        for field in &item.fields {
            let ident = field.ident.as_ref().expect("named fields").to_string();
            let name = name_of(&field.attrs, ident.trim_start_matches("r#"));
            let (inner, optional) = optional(&field.ty);
            if !optional {
                required.push(name.clone());
            }
            properties.insert(name, self.of_type(inner));
        }
        if properties.is_empty() {
            return json!({"type": "object"});
        }
        object(properties, &required)
    }

    fn of_type(&self, ty: &Type) -> Value {
        let (name, arguments) = head(ty);
        match name.as_str() {
            "String" => json!({"type": "string"}),
            "bool" => json!({"type": "boolean"}),
            "i32" | "i64" | "u32" | "u64" => json!({"type": "integer"}),
            "f32" | "f64" => json!({"type": "number"}),
            "IntOrString" => json!({"type": ["integer", "string"]}),
            // serde_json::Value: free.
            "Value" => json!({}),
            // Only in statuses and references.
            "Condition" | "ObjectReference" => json!({"type": "object"}),
            "Vec" => json!({"type": "array", "items": self.of_type(arguments[0])}),
            "BTreeMap" => json!({"type": "object", "additionalProperties": self.of_type(arguments[1])}),
            name => {
                assert!(arguments.is_empty(), "a type that nobody knows: {name}");
                self.named(name)
            }
        }
    }
}

/// Splits `Option<T>`.
fn optional(ty: &Type) -> (&Type, bool) {
    match head(ty) {
        (name, arguments) if name == "Option" => (arguments[0], true),
        _ => (ty, false),
    }
}

/// Returns the last name of a type's path and its arguments.
fn head(ty: &Type) -> (String, Vec<&Type>) {
    let Type::Path(path) = ty else {
        panic!("a type that nobody knows: {ty:?}")
    };
    let last = path.path.segments.last().expect("a name");
    let arguments = match &last.arguments {
        PathArguments::AngleBracketed(list) => list
            .args
            .iter()
            .map(|argument| match argument {
                GenericArgument::Type(ty) => ty,
                other => panic!("an argument that nobody knows: {other:?}"),
            })
            .collect(),
        _ => Vec::new(),
    };
    (last.ident.to_string(), arguments)
}

/// Returns the name in YAML: serde's `rename`, or the name in Rust.
fn name_of(attributes: &[Attribute], ident: &str) -> String {
    let mut name = ident.to_owned();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("serde")) {
        attribute
            .parse_nested_meta(|meta| {
                if meta.path.is_ident("rename") {
                    name = meta.value()?.parse::<LitStr>()?.value();
                } else if meta.path.is_ident("skip_serializing_if") {
                    meta.value()?.parse::<LitStr>()?;
                } else if !meta.path.is_ident("default") {
                    return Err(meta.error("an attribute that nobody knows"));
                }
                Ok(())
            })
            .expect("serde's attributes");
    }
    name
}
