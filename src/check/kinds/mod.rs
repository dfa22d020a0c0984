//! The fields of Kubernetes objects, judged by the schemas of their kinds.
//!
//! [`schema`] reads the schemas that are embedded (`schema/kinds.json.gz`, made by `just kinds`), only those of kinds
//! that occur; [`object`] walks a document along its schema. Three rules show what is found: `unknown-field`,
//! `wrong-type` and `missing-field`. Kinds without a schema are counted, never passed over in silence.

mod object;
pub mod schema;

use std::collections::{BTreeMap, BTreeSet};

use yaml::Node;

use super::manifests::{Manifests, Object};
use super::rule::Finding;
use crate::tree::RepoPath;

use schema::Schemas;

/// What the schemas say about a tree.
#[derive(Debug, Default)]
pub struct Report {
    /// Fields that a kind does not have, and kinds that an API version does not have.
    pub unknown_fields: Vec<Finding>,
    /// Values that a field does not take.
    pub wrong_types: Vec<Finding>,
    /// Fields that a kind must have.
    pub missing_fields: Vec<Finding>,
    /// Files → where text stands that YAML 1.1 reads differently, in fields that take a number or a boolean and no text.
    pub no_text: BTreeMap<RepoPath, BTreeSet<usize>>,
    /// `apiVersion/kind` → how many objects of it were not judged, because there is no schema.
    pub without_schema: BTreeMap<String, usize>,
}

/// Judges every Kubernetes object of a tree.
pub fn report(manifests: &Manifests<'_>) -> Report {
    let patches = patches(manifests);
    let mut schemas = Schemas::default();
    let mut report = Report::default();
    for object in &manifests.objects {
        // A patch says only what it changes.
        judge(object, patches.contains(object.path), &mut schemas, &mut report);
    }
    report
}

fn judge(object: &Object<'_>, partial: bool, schemas: &mut Schemas, report: &mut Report) {
    if !is_kubernetes(object.api_version) {
        return;
    }
    if object.api_version == "v1" && object.kind == "List" {
        for node in object.node.get("items").map(Node::items).unwrap_or_default() {
            if let Some(item) = Object::new(object.path, node) {
                judge(&item, partial, schemas, report);
            }
        }
        return;
    }
    if let Some(schema) = schemas.get(object.api_version, object.kind) {
        object::judge(object, schema, partial, report);
    } else if let Some(near) = schemas.respelt(object.api_version, object.kind) {
        let message = format!("`{}` has no kind `{}`", object.api_version, object.kind);
        let finding = Finding::new(object.path, message, format!("write `{near}`"));
        report.unknown_fields.push(match object.node.get("kind") {
            Some(node) => finding.at(node.span.clone(), format!("did you mean `{near}`?")),
            None => finding,
        });
    } else {
        let name = format!("{}/{}", object.api_version, object.kind);
        *report.without_schema.entry(name).or_default() += 1;
    }
}

/// Returns whether an `apiVersion` is one of a Kubernetes API. Talos documents say `v1alpha1`.
fn is_kubernetes(api_version: &str) -> bool {
    api_version == "v1" || api_version.contains('/')
}

/// Returns the files that a kustomization names as patches.
fn patches(manifests: &Manifests<'_>) -> BTreeSet<RepoPath> {
    let mut found = BTreeSet::new();
    for (path, documents) in manifests.files().filter(|(path, _)| path.is_kustomization()) {
        for document in documents {
            let files = document.get("patches").map(Node::items).unwrap_or_default();
            let files = files.iter().filter_map(|patch| patch.str_at(&["path"]));
            let older = document
                .get("patchesStrategicMerge")
                .map(Node::items)
                .unwrap_or_default();
            let older = older.iter().filter_map(Node::as_str);
            found.extend(
                files
                    .chain(older)
                    .filter_map(|file| RepoPath::parse(&format!("{}/{file}", path.parent())).ok()),
            );
        }
    }
    found
}
