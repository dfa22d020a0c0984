//! `images`: other names, tags and digests of images.

use regex::Regex;

use super::{cannot, replace_scalar};
use crate::build_file::ImageEntry;
use crate::config::{TransformerConfig, Use};
use crate::field_spec::{Make, OffPath};
use crate::finding::Halt;
use crate::node::{Content, Datum, Scalar, Spot};
use crate::set::ResourceSet;

/// Fields that hold containers, wherever they are.
const CONTAINERS: [&str; 2] = ["containers", "initContainers"];

/// An image in its parts, as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ImageName<'t> {
    name: &'t str,
    tag: &'t str,
    digest: &'t str,
}

impl<'t> ImageName<'t> {
    fn split(text: &'t str) -> Self {
        let start = text.find('/').filter(|slash| *slash > 0).unwrap_or(0);
        let at = text[start..].find('@').map(|at| at + start);
        let colon = text[start..].find(':').map(|colon| colon + start);
        let (end, tag) = match (colon, at) {
            (Some(colon), Some(at)) if colon < at => (colon, &text[colon + 1..at]),
            (_, Some(at)) => (at, ""),
            (Some(colon), None) => (colon, &text[colon + 1..]),
            (None, None) => (text.len(), ""),
        };
        Self {
            name: &text[..end],
            tag,
            digest: at.map_or("", |at| &text[at + 1..]),
        }
    }
}

/// A change of one image.
struct Change<'e> {
    entry: &'e ImageEntry,
    pattern: Option<Regex>,
}

impl Change<'_> {
    fn spot(&self) -> Option<Spot> {
        let entry = self.entry;
        let texts = [
            &entry.new_tag,
            &entry.digest,
            &entry.tag_suffix,
            &entry.new_name,
            &entry.name,
        ];
        texts.into_iter().find_map(|text| text.spot)
    }

    fn changed(&self, old: &str) -> Option<String> {
        if !self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(old)) {
            return None;
        }
        let entry = self.entry;
        let parts = ImageName::split(old);
        let mut name = if entry.new_name.is_empty() {
            parts.name.to_owned()
        } else {
            entry.new_name.value.clone()
        };
        let (mut tag, mut digest) = (parts.tag.to_owned(), parts.digest.to_owned());
        if !entry.new_tag.is_empty() || !entry.digest.is_empty() {
            tag.clone_from(&entry.new_tag.value);
            digest.clone_from(&entry.digest.value);
        } else if !entry.tag_suffix.is_empty() {
            tag.push_str(&entry.tag_suffix.value);
            digest.clear();
        }
        if !tag.is_empty() {
            name = format!("{name}:{tag}");
        }
        if !digest.is_empty() {
            name = format!("{name}@{digest}");
        }
        Some(name)
    }

    fn change(&self, node: &mut Datum) -> Result<(), OffPath> {
        if node.is_null() {
            return Ok(());
        }
        match node.as_text().and_then(|old| self.changed(old)) {
            Some(new) => replace_scalar(node, Scalar::untyped(new), self.spot()),
            None if matches!(node.content, Content::Scalar(_)) => Ok(()),
            None => Err(OffPath {
                message: "an image is a text".to_owned(),
                spot: node.spot,
            }),
        }
    }

    /// Changes the images of containers at any depth.
    fn walk(&self, node: &mut Datum) -> Result<(), OffPath> {
        match &mut node.content {
            Content::Map(fields) => {
                for field in fields {
                    self.walk(&mut field.value)?;
                    if CONTAINERS.contains(&field.key.text.as_str()) {
                        self.change_containers(&mut field.value)?;
                    }
                }
                Ok(())
            }
            Content::List(items) => items.iter_mut().try_for_each(|item| self.walk(item)),
            Content::Scalar(_) => Ok(()),
        }
    }

    fn change_containers(&self, list: &mut Datum) -> Result<(), OffPath> {
        for item in list.items_mut().into_iter().flatten() {
            if item.is_null() {
                continue;
            }
            if !matches!(item.content, Content::Map(_)) {
                return Err(OffPath {
                    message: "a container is a mapping".to_owned(),
                    spot: item.spot,
                });
            }
            if let Some(image) = item.get_mut("image") {
                self.change(image)?;
            }
        }
        Ok(())
    }
}

/// Changes an image in all objects.
pub(crate) fn apply(
    set: &mut ResourceSet,
    entry: &ImageEntry,
    config: &TransformerConfig,
) -> Result<(), Halt> {
    let pattern = format!(
        "^{}(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$",
        entry.name.value
    );
    let change = Change {
        entry,
        pattern: Regex::new(&pattern).ok(),
    };
    for resource in set.list_mut() {
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        let gvk = resource.gvk();
        let mut done = change.walk(resource.data_mut());
        for field in config.fields(Use::Images) {
            done = done.and_then(|()| {
                field.apply(resource.data_mut(), &gvk, Make::Nothing, &mut |node| {
                    change.change(node)
                })
            });
        }
        done.map_err(|error| cannot(&error, resource, change.spot()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_split() {
        for (text, name, tag, digest) in [
            ("nginx", "nginx", "", ""),
            ("nginx:1", "nginx", "1", ""),
            ("host:5000/a/b:1@sha256:2", "host:5000/a/b", "1", "sha256:2"),
            ("a/b@sha256:2", "a/b", "", "sha256:2"),
        ] {
            assert_eq!(ImageName::split(text), ImageName { name, tag, digest });
        }
    }
}
