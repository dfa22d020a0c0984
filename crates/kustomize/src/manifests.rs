//! Documents to objects: lists are unpacked, and what has no kind or name is refused.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::finding::{Halt, RefusalKind, halt};
use crate::node::{Content, Datum, Field, Misfit};
use crate::resource::Resource;

/// Makes objects of the documents of a file.
pub(crate) fn resources(documents: &[Arc<Datum>]) -> Result<Vec<Resource>, Halt> {
    let mut open: VecDeque<Arc<Datum>> = VecDeque::new();
    match documents {
        [only] if matches!(kind(only), "List" | "ResourceList") && only.get("items").is_some() => {
            let items = only.get("items").map(Datum::items).unwrap_or_default();
            open.extend(items.iter().map(|item| Arc::new(item.clone())));
        }
        documents => open.extend(documents.iter().map(Arc::clone)),
    }
    let mut found = Vec::new();
    while let Some(document) = open.pop_front() {
        if document.is_null_or_empty() {
            continue;
        }
        check(&document)?;
        if !kind(&document).ends_with("List") {
            found.push(Resource::new(document));
            continue;
        }
        match document.get("items") {
            None => found.push(Resource::new(document)),
            Some(items) => {
                for item in unpacked(items)? {
                    open.push_back(Arc::new(item));
                }
            }
        }
    }
    Ok(found)
}

fn kind(document: &Datum) -> &str {
    document.get("kind").and_then(Datum::as_text).unwrap_or_default()
}

/// The items of a list, which kustomize takes through JSON.
fn unpacked(items: &Datum) -> Result<Vec<Datum>, Halt> {
    if items.is_null() {
        return Ok(Vec::new());
    }
    let Content::List(list) = &items.content else {
        let message = "the `items` of a list are no list";
        return Err(halt(RefusalKind::NotAManifest, items.spot, message));
    };
    let mut found = Vec::new();
    for item in list.iter().filter(|item| !item.is_null()) {
        let item = through_json(item.clone()).map_err(|misfit| {
            let message = format!("`{}` cannot stand here", misfit.text);
            halt(RefusalKind::NotAManifest, misfit.spot, message)
        })?;
        match item.get("items") {
            Some(inner) if kind(&item) == "List" => found.extend(inner.items().iter().cloned()),
            _ => found.push(item),
        }
    }
    Ok(found)
}

fn check(document: &Datum) -> Result<(), Halt> {
    let refuse = |message: &str| Err(halt(RefusalKind::NotAManifest, document.spot, message));
    if !matches!(document.content, Content::Map(_)) {
        return refuse("a manifest is a mapping with `kind` and `metadata.name`");
    }
    let has = |node: Option<&Datum>| {
        node.is_some_and(|node| !node.is_null_or_empty() && node.as_text() != Some(""))
    };
    if !has(document.get("kind")) {
        return refuse("a manifest without `kind`");
    }
    if !kind(document).ends_with("List") && !has(document.path(&["metadata", "name"])) {
        return refuse("a manifest without `metadata.name`");
    }
    Ok(())
}

/// The same value as it is after it was written as JSON and read again.
pub(crate) fn through_json(node: Datum) -> Result<Datum, Misfit> {
    let spot = node.spot;
    let content = match node.content {
        Content::Scalar(scalar) => Content::Scalar(scalar.through_json().ok_or(Misfit {
            spot,
            text: scalar.text,
        })?),
        Content::List(items) => Content::List(items.into_iter().map(through_json).collect::<Result<_, _>>()?),
        Content::Map(fields) => {
            let fields = fields.into_iter().map(|field| {
                if !field.key.is_text_key() {
                    return Err(Misfit {
                        spot: field.spot,
                        text: field.key.text,
                    });
                }
                Ok(Field {
                    key: field.key.as_text_key(),
                    value: through_json(field.value)?,
                    ..field
                })
            });
            Content::Map(fields.collect::<Result<_, _>>()?)
        }
    };
    Ok(Datum { content, spot })
}
