//! Transformers that are objects of their own (`apiVersion: builtin`), as far as they do what a build file can ask for.

use crate::build_file::decode::{WrittenText, flag, list, pairs, text};
use crate::build_file::targets::fields_of;
use crate::field_spec::FieldSpec;
use crate::finding::{Halt, RefusalKind, halt};
use crate::manifests::through_json;
use crate::node::Datum;
use crate::resource::Resource;
use crate::set::ResourceSet;
use crate::transform::affix::{self, End};
use crate::transform::labels;
use crate::transform::namespace::{NamespaceChange, Subjects};

/// Lets a transformer change the objects. Returns whether it is one that is known.
pub(crate) fn apply(plugin: &Resource, set: &mut ResourceSet) -> Result<bool, Halt> {
    if plugin.api_version() != "builtin" {
        return Ok(false);
    }
    // What is read here was written out as JSON: words such as `y` are texts.
    let data = &through_json(plugin.data().clone()).map_err(|misfit| {
        let message = format!("`{}` cannot stand here", misfit.text);
        halt(RefusalKind::BadBuildFile, misfit.spot, message)
    })?;
    let fields = data
        .get("fieldSpecs")
        .map(|node| list(node, fields_of))
        .transpose()?;
    match plugin.kind() {
        "NamespaceTransformer" => namespace(data, &fields.unwrap_or_default(), set)?,
        "LabelTransformer" => texts(data.get("labels"), &fields.unwrap_or_default(), set)?,
        "AnnotationsTransformer" => texts(data.get("annotations"), &fields.unwrap_or_default(), set)?,
        "PrefixTransformer" => affixed(data.get("prefix"), End::Start, fields, plugin, set)?,
        "SuffixTransformer" => affixed(data.get("suffix"), End::End, fields, plugin, set)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn namespace(data: &Datum, fields: &[FieldSpec], set: &mut ResourceSet) -> Result<(), Halt> {
    let namespace = text_of(data.path(&["metadata", "namespace"]))?;
    let unset_only = data.get("unsetOnly").map(flag).transpose()?.unwrap_or_default();
    let subjects = text_of(data.get("setRoleBindingSubjects"))?;
    let subjects = match subjects.value.as_str() {
        "" | "defaultOnly" => Subjects::Default,
        "allServiceAccounts" => Subjects::Accounts,
        "none" => Subjects::None,
        _ => {
            let message = "this is `defaultOnly`, `allServiceAccounts` or `none`";
            return Err(halt(RefusalKind::BadBuildFile, subjects.spot, message));
        }
    };
    if namespace.is_empty() {
        return Ok(());
    }
    let change = NamespaceChange {
        namespace: &namespace,
        fields,
        unset_only,
        subjects,
    };
    change.apply(set)
}

fn text_of(node: Option<&Datum>) -> Result<WrittenText, Halt> {
    node.map(text).transpose().map(Option::unwrap_or_default)
}

fn texts(node: Option<&Datum>, fields: &[FieldSpec], set: &mut ResourceSet) -> Result<(), Halt> {
    let pairs = node.map(pairs).transpose()?.unwrap_or_default();
    labels::put(set, &pairs, fields)
}

fn affixed(
    node: Option<&Datum>,
    end: End,
    fields: Option<Vec<FieldSpec>>,
    plugin: &Resource,
    set: &mut ResourceSet,
) -> Result<(), Halt> {
    let Some(fields) = fields else {
        let message = format!("a {} needs `fieldSpecs`", plugin.kind());
        return Err(halt(RefusalKind::BadBuildFile, plugin.spot(), message));
    };
    affix::apply(set, &text_of(node)?, end, &fields)
}
