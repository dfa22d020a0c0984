//! `namePrefix` and `nameSuffix`.

use super::{cannot, replace_scalar};
use crate::build_file::decode::WrittenText;
use crate::field_spec::{FieldSpec, Make};
use crate::finding::Halt;
use crate::id::Gvk;
use crate::node::{Datum, Scalar};
use crate::set::ResourceSet;

/// At which end of a name something is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Start,
    End,
}

/// Kinds whose names stay.
fn is_left(gvk: &Gvk) -> bool {
    matches!(gvk.kind.as_str(), "CustomResourceDefinition" | "Namespace")
        || (gvk.group == "apiregistration.k8s.io" && gvk.kind == "APIService")
}

/// Puts a text before or behind the names of all objects.
pub(crate) fn apply(
    set: &mut ResourceSet,
    text: &WrittenText,
    end: End,
    fields: &[FieldSpec],
) -> Result<(), Halt> {
    for resource in set.list_mut() {
        let first = resource.first_id().gvk;
        if is_left(&first) {
            continue;
        }
        for field in fields.iter().filter(|field| first.is_selected_by(&field.gvk)) {
            if field.path == ["metadata", "name"].join("/") {
                match end {
                    End::Start => resource.history.prefixes.push(text.value.clone()),
                    End::End => resource.history.suffixes.push(text.value.clone()),
                }
                resource.remember_name();
            }
            let mut put = |node: &mut Datum| {
                let old = node.as_text().unwrap_or_default();
                let new = match end {
                    End::Start => format!("{}{old}", text.value),
                    End::End => format!("{old}{}", text.value),
                };
                replace_scalar(node, Scalar::untyped(new), node.spot)
            };
            let gvk = resource.gvk();
            let done = field.apply(resource.data_mut(), &gvk, Make::Scalar, &mut put);
            done.map_err(|error| cannot(&error, resource, text.spot))?;
        }
    }
    Ok(())
}
