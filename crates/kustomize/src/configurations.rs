//! Files that a build file names and that are no manifests: fields for transformers, schemas, replacements.

use crate::build_file::decode::{WrittenText, each, list};
use crate::build_file::replacements::Replacement;
use crate::build_file::targets::fields_of;
use crate::config::{NameReference, TransformerConfig, USES};
use crate::field_spec::FieldSpec;
use crate::finding::{Halt, RefusalKind, halt};
use crate::id::Gvk;
use crate::load::Folder;
use crate::node::{Content, Datum};

/// The key of name references.
const REFERENCES: &str = "nameReference";

fn document(entry: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<Option<Datum>, Halt> {
    let file = folder.read(entry)?;
    let parsed = folder.library.documents(&file);
    let documents = parsed.as_ref().as_ref().map_err(Clone::clone)?;
    Ok(documents.first().map(|document| (**document).clone()))
}

/// Reads a file of `configurations`.
pub(crate) fn read(entry: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<TransformerConfig, Halt> {
    let mut config = TransformerConfig::default();
    let Some(document) = document(entry, folder)? else {
        return Ok(config);
    };
    let mut known: Vec<&'static str> = USES.iter().map(|(key, _)| *key).collect();
    known.push(REFERENCES);
    each(&document, &known, |name, value| {
        if name == REFERENCES {
            config.references = list(value, reference)?;
        } else if let Some((_, purpose)) = USES.iter().find(|(key, _)| *key == name) {
            *config.fields_mut(*purpose) = list(value, fields_of)?;
        }
        Ok(())
    })?;
    Ok(config)
}

fn reference(datum: &Datum) -> Result<NameReference, Halt> {
    let (mut target, mut fields) = (FieldSpec::default(), Vec::new());
    each(
        datum,
        &["group", "version", "kind", "fieldSpecs"],
        |name, value| {
            let text = || crate::build_file::decode::text(value).map(|text| text.value);
            match name {
                "group" => target.gvk.group = text()?,
                "version" => target.gvk.version = text()?,
                "kind" => target.gvk.kind = text()?,
                _ => fields = list(value, fields_of)?,
            }
            Ok(())
        },
    )?;
    let target: Gvk = target.gvk;
    Ok(NameReference { target, fields })
}

/// Reads a file of `crds`. Returns whether it says where names stand, which is not followed.
pub(crate) fn names_references(entry: &WrittenText, folder: &mut Folder<'_, '_>) -> Result<bool, Halt> {
    let file = folder.read(entry)?;
    Ok(file.text()?.contains("x-kubernetes-"))
}

/// Reads a file of replacements: one, or a list.
pub(crate) fn replacements(
    entry: &WrittenText,
    folder: &mut Folder<'_, '_>,
) -> Result<Vec<Replacement>, Halt> {
    match document(entry, folder)? {
        Some(document) if matches!(document.content, Content::List(_)) => {
            list(&document, Replacement::decode_entry)
        }
        Some(document) if matches!(document.content, Content::Map(_)) => {
            Ok(vec![Replacement::decode_entry(&document)?])
        }
        _ => {
            let message = format!("`{}` holds no replacements", entry.value);
            Err(halt(RefusalKind::BadBuildFile, entry.spot, message))
        }
    }
}
