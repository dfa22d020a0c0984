//! `namespace`: the namespace of every object, of Namespace objects their name, and of subjects called `default`.

use super::{cannot, replace_scalar};
use crate::build_file::decode::WrittenText;
use crate::config::{TransformerConfig, Use};
use crate::field_spec::{FieldSpec, Make, OffPath};
use crate::finding::Halt;
use crate::node::{Content, Datum, Scalar};
use crate::resource::Resource;
use crate::set::ResourceSet;

/// The path of an object's own namespace.
const OWN: [&str; 2] = ["metadata", "namespace"];

/// Gives every object a namespace.
pub(crate) fn apply(
    set: &mut ResourceSet,
    namespace: &WrittenText,
    config: &TransformerConfig,
) -> Result<(), Halt> {
    for resource in set.list_mut().iter_mut().filter(|resource| !resource.is_empty()) {
        resource.remember_name();
        change(resource, namespace, config).map_err(|error| cannot(&error, resource, namespace.spot))?;
    }
    set.check_ids()
}

fn change(
    resource: &mut Resource,
    namespace: &WrittenText,
    config: &TransformerConfig,
) -> Result<(), OffPath> {
    let gvk = resource.gvk();
    let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
    let is_core = resource.api_version() == "v1";
    let mut set =
        |node: &mut Datum| replace_scalar(node, Scalar::text(namespace.value.clone()), namespace.spot);
    let data = resource.data_mut();
    if !gvk.is_cluster_scoped() {
        let own = FieldSpec {
            path: OWN.join("/"),
            create: true,
            ..FieldSpec::default()
        };
        own.visit(data, Make::Scalar, &mut set)?;
    }
    if is_binding {
        change_subjects(data, namespace)?;
    }
    for field in config.fields(Use::Namespace) {
        let is_own = field.path == OWN.join("/");
        let is_name = field.path == ["metadata", "name"].join("/") && !is_core;
        let is_subject = field.path == ["subjects", "namespace"].join("/")
            && matches!(field.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
            && is_binding;
        if !(is_own || is_name || is_subject) {
            field.apply(data, &gvk, Make::Scalar, &mut set)?;
        }
    }
    Ok(())
}

/// Accounts that are called `default` are those of the new namespace.
fn change_subjects(data: &mut Datum, namespace: &WrittenText) -> Result<(), OffPath> {
    let Some(subjects) = data.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
        return Ok(());
    };
    let wrong = |node: &Datum| OffPath {
        message: "`subjects` is a list of mappings".to_owned(),
        spot: node.spot,
    };
    if !matches!(subjects.content, Content::List(_)) {
        return Err(wrong(subjects));
    }
    for subject in subjects.items_mut().into_iter().flatten() {
        if !subject.is_null() && !matches!(subject.content, Content::Map(_)) {
            return Err(wrong(subject));
        }
        if subject.get("name").and_then(Datum::as_text) != Some("default") {
            continue;
        }
        let value = Datum::text(namespace.value.clone(), namespace.spot);
        if let Some(old) = subject.get_mut("namespace") {
            if !matches!(old.content, Content::Scalar(_)) {
                return Err(wrong(old));
            }
            old.set_scalar(Scalar::text(namespace.value.clone()), namespace.spot);
        } else {
            subject.put("namespace", value);
        }
    }
    Ok(())
}
