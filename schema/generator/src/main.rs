//! Writes `schema/kinds.json.gz`: one JSON Schema (draft-07) per Kubernetes kind that `clusterwright check` knows.
//!
//! Two sources, both crates of the registry, so that nothing is downloaded by hand:
//!
//! - core kinds: the types of `k8s-openapi` through `schemars` ([`core`]);
//! - custom resources: the text that kopium generated from CRDs, in the `kcr_*` crates ([`kopium`]). It is read, not
//!   compiled: compiling 230 000 lines of derives takes minutes, and the text knows only a handful of forms.
//!
//! The file is a series of gzip members, one an API version ([`pack`]); `zcat` prints a line for each kind, sorted.
//!
//! `cargo run -- OUTPUT` (that is, `just kinds`) in this folder.

mod core;
mod kopium;
mod pack;
mod share;

use std::collections::BTreeMap;
use std::process::Command;
use std::{env, fs};

use serde_json::{Map, Value, json};

/// A schema by the name that it is looked up by, `group/version/kind` (`v1/kind` for the core group).
type Kinds = BTreeMap<String, Value>;

fn main() {
    let output = env::args().nth(1).expect("usage: kinds-generator OUTPUT");
    let mut kinds = core::kinds();
    for (path, group) in sources() {
        for (key, schema) in kopium::kinds(&path, &group) {
            let before = kinds.insert(key.clone(), schema);
            assert!(before.is_none(), "{key} has two schemas");
        }
    }
    for schema in kinds.values_mut() {
        schema["properties"]["metadata"] = metadata();
        share::share(schema);
    }
    let bytes = pack::pack(&kinds);
    fs::write(&output, &bytes).expect("the output is writable");
    let raw: usize = kinds.values().map(|schema| schema.to_string().len()).sum();
    println!(
        "{output}: {} kinds, {} bytes packed, {raw} bytes of JSON",
        kinds.len(),
        bytes.len()
    );
}

/// Returns the source folders of the API versions that we take from the `kcr_*` crates.
fn sources() -> Vec<(String, String)> {
    let output = Command::new("cargo")
        .args(["metadata", "--format-version", "1", "--locked"])
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("packages");
    let mut found = Vec::new();
    for (name, group, versions) in kopium::CRATES {
        let package = packages.iter().find(|p| p["name"] == *name);
        let manifest = package.expect("a dependency")["manifest_path"]
            .as_str()
            .expect("a path");
        let source = manifest.trim_end_matches("Cargo.toml");
        for version in *versions {
            found.push((format!("{source}src/{version}"), format!("{group}/{version}")));
        }
    }
    found
}

/// Returns the schema of `metadata`: what people write is typed, what the server writes is open.
fn metadata() -> Value {
    let text = json!({"type": "string"});
    let texts = json!({"type": "object", "additionalProperties": text});
    let mut properties = Map::new();
    for name in ["generateName", "name", "namespace"] {
        properties.insert(name.to_owned(), text.clone());
    }
    for name in ["annotations", "labels"] {
        properties.insert(name.to_owned(), texts.clone());
    }
    properties.insert("finalizers".to_owned(), json!({"type": "array", "items": text}));
    for name in [
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "ownerReferences",
        "resourceVersion",
        "selfLink",
        "uid",
    ] {
        properties.insert(name.to_owned(), json!({}));
    }
    object(properties, &[])
}

/// Returns the schema of an object with these properties and no others.
fn object(properties: Map<String, Value>, required: &[String]) -> Value {
    let mut schema = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}
