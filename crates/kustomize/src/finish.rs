//! What is done once, when all objects are together: hashes, references, order.

use crate::config::TransformerConfig;
use crate::finding::{Halt, Refusal, RefusalKind, halt};
use crate::hash::add_suffixes;
use crate::node::{Content, Misfit};
use crate::order::{Order, sort};
use crate::references::follow;
use crate::resource::Resource;
use crate::set::{ResourceSet, merged_texts, set_texts};

/// The annotation of objects that are not written out.
const LOCAL: &str = "config.kubernetes.io/local-config";

/// Annotations that kustomize keeps to itself.
const INTERNAL: [&str; 18] = [
    "internal.config.kubernetes.io/previousKinds",
    "internal.config.kubernetes.io/previousNames",
    "internal.config.kubernetes.io/prefixes",
    "internal.config.kubernetes.io/suffixes",
    "internal.config.kubernetes.io/previousNamespaces",
    "internal.config.kubernetes.io/allowNameChange",
    "internal.config.kubernetes.io/allowKindChange",
    "internal.config.kubernetes.io/refBy",
    "internal.config.kubernetes.io/generatorBehavior",
    "internal.config.kubernetes.io/needsHashSuffix",
    "internal.config.kubernetes.io/path",
    "internal.config.kubernetes.io/index",
    "internal.config.kubernetes.io/seqindent",
    "internal.config.kubernetes.io/id",
    "internal.config.kubernetes.io/annotations-migration-resource-id",
    "config.kubernetes.io/path",
    "config.kubernetes.io/index",
    "config.k8s.io/id",
];

/// Finishes the objects of a build.
pub(crate) fn finish(
    mut set: ResourceSet,
    config: &TransformerConfig,
    order: &Order,
    folder: &str,
) -> Result<Vec<Resource>, Vec<Refusal>> {
    let refused = |halt: Halt| {
        let mut refusal = halt;
        refusal.folder.get_or_insert_with(|| folder.to_owned());
        vec![refusal]
    };
    add_suffixes(set.list_mut()).map_err(|misfit| refused(unwritable(&misfit)))?;
    follow(&mut set, config).map_err(refused)?;
    for resource in set.list() {
        // kustomize gives up on an object that had no name at any step.
        let had_none = resource
            .history
            .former
            .iter()
            .any(|former| former.name.is_empty() || former.kind.is_empty());
        let is_nameless =
            resource.kind().is_empty() || (resource.name().is_empty() && !resource.kind().ends_with("List"));
        if had_none || is_nameless {
            let message = "no `kind` or no `metadata.name` is left in this object";
            return Err(refused(halt(RefusalKind::CannotApply, resource.spot(), message)));
        }
    }
    set.list_mut().retain(|resource| {
        let local = resource.meta_map("annotations").find(|(key, _)| *key == LOCAL);
        local.is_none_or(|(_, value)| value == "false")
    });
    set.check_ids().map_err(refused)?;
    let mut list = set.into_list();
    sort(&mut list, order);
    for resource in &mut list {
        tidy_annotations(resource);
        resource
            .data()
            .check()
            .map_err(|misfit| refused(unwritable(&misfit)))?;
    }
    Ok(list)
}

fn unwritable(misfit: &Misfit) -> Halt {
    halt(
        RefusalKind::CannotWrite,
        misfit.spot,
        format!("`{}` cannot be written here: put it in quotes", misfit.text),
    )
}

/// Annotations are texts, and the internal ones go.
fn tidy_annotations(resource: &mut Resource) {
    let Some(annotations) = resource.data().path(&["metadata", "annotations"]) else {
        return;
    };
    let is_tidy = matches!(&annotations.content, Content::Map(fields) if !fields.is_empty()
    && fields.iter().all(|field| {
        let is_text = field.value.scalar().is_some_and(|scalar| scalar.tag == crate::node::Tag::Text);
        is_text && field.key.is_text_key() && !INTERNAL.contains(&field.key.text.as_str())
    }));
    if is_tidy {
        return;
    }
    let mut texts = merged_texts(None, Some(annotations));
    texts.retain(|text| !INTERNAL.contains(&text.key.as_str()));
    set_texts(resource, "annotations", texts);
}
