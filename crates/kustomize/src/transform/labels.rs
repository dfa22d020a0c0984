//! `labels`, `commonLabels` and `commonAnnotations`.

use super::cannot;
use crate::build_file::decode::TextPair;
use crate::build_file::{Kustomization, LabelEntry};
use crate::config::{Disagreement, TransformerConfig, Use, merge_fields};
use crate::field_spec::{FieldSpec, Make, OffPath};
use crate::finding::{Halt, RefusalKind, halt};
use crate::node::scalar::Twin;
use crate::node::{Content, Datum};
use crate::set::ResourceSet;

/// Sets the labels of a build file.
pub(crate) fn apply(
    set: &mut ResourceSet,
    file: &Kustomization,
    config: &TransformerConfig,
) -> Result<(), Halt> {
    for entry in &file.labels {
        let fields = fields_of(entry, config).map_err(|error| {
            let message = format!("`{}` is asked for twice, made and not made", error.path);
            halt(RefusalKind::BadBuildFile, entry.spot, message)
        })?;
        put(set, &entry.pairs, &fields)?;
    }
    put(set, &file.common_labels, config.fields(Use::CommonLabels))
}

/// Sets the annotations of a build file.
pub(crate) fn annotate(
    set: &mut ResourceSet,
    pairs: &[TextPair],
    config: &TransformerConfig,
) -> Result<(), Halt> {
    put(set, pairs, config.fields(Use::CommonAnnotations))
}

fn fields_of(entry: &LabelEntry, config: &TransformerConfig) -> Result<Vec<FieldSpec>, Disagreement> {
    let mut fields = entry.fields.clone();
    merge_fields(&mut fields, config.fields(Use::Labels))?;
    if entry.selectors {
        merge_fields(&mut fields, config.fields(Use::CommonLabels))?;
        return Ok(fields);
    }
    if entry.templates {
        merge_fields(&mut fields, config.fields(Use::TemplateLabels))?;
    }
    let own = FieldSpec {
        path: ["metadata", "labels"].join("/"),
        create: true,
        ..FieldSpec::default()
    };
    merge_fields(&mut fields, &[own])?;
    Ok(fields)
}

/// Sets texts in mappings of all objects. Where one is new in several mappings of an object, it is one scalar for kustomize.
pub(crate) fn put(set: &mut ResourceSet, pairs: &[TextPair], fields: &[FieldSpec]) -> Result<(), Halt> {
    if pairs.is_empty() {
        return Ok(());
    }
    for resource in set.list_mut() {
        resource.history.has_twins = true;
        let gvk = resource.gvk();
        for pair in pairs {
            let mut value = Datum::text(pair.value.value.clone(), pair.value.spot);
            if let Some(scalar) = value.scalar_mut() {
                scalar.twin = Some(Twin::new());
            }
            for field in fields {
                let mut set = |node: &mut Datum| {
                    if !matches!(node.content, Content::Map(_)) && !node.is_null() {
                        return Err(OffPath {
                            message: "a mapping is wanted here".to_owned(),
                            spot: node.spot,
                        });
                    }
                    node.set(&pair.key, value.clone());
                    Ok(())
                };
                let done = field.apply(resource.data_mut(), &gvk, Make::Map, &mut set);
                done.map_err(|error| cannot(&error, resource, pair.value.spot))?;
            }
        }
    }
    set.unite_twins();
    Ok(())
}
