//! The embedded schemas.
//!
//! `schema/kinds.json.gz` is a series of gzip members, one an API version; each member's header holds the API version
//! as its file name and the length of its data, so that the other members are skipped without being decompressed.
//! `schema/generator/src/pack.rs` writes it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::io::Read as _;

use flate2::read::DeflateDecoder;
use serde::Deserialize;

/// The file.
const PACKED: &[u8] = include_bytes!("../../../schema/kinds.json.gz");

/// The part of JSON Schema (draft-07) that the generator writes.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Schema {
    /// `#/definitions/NAME` of the root.
    #[serde(rename = "$ref")]
    reference: Option<String>,
    /// The types that a value may have; none: any.
    #[serde(rename = "type")]
    pub types: Types,
    /// The fields.
    pub properties: BTreeMap<String, Schema>,
    /// Those that must be there.
    pub required: Vec<String>,
    /// What other fields hold; absent: anything.
    pub additional_properties: Option<Box<Others>>,
    /// What a list holds.
    pub items: Option<Box<Schema>>,
    /// The texts that are allowed; none: any.
    #[serde(rename = "enum")]
    pub variants: Vec<String>,
    /// The one text that is allowed. Only `apiVersion` and `kind` have it, which a schema is found by.
    #[serde(rename = "const")]
    constant: Option<String>,
    /// Parts that occur several times. Only the root has them.
    definitions: BTreeMap<String, Schema>,
}

/// What the fields that are not listed may hold.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub enum Others {
    /// Anything, or no such fields.
    Allowed(bool),
    /// Values of this schema.
    Schema(Schema),
}

/// The types that a value may have.
#[derive(Debug, Default, Deserialize)]
#[serde(untagged)]
pub enum Types {
    /// Any.
    #[default]
    Any,
    /// One.
    One(Type),
    /// One of several.
    Several(Vec<Type>),
}

/// A type of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A list.
    Array,
    /// `true` or `false`.
    Boolean,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// A mapping.
    Object,
    /// Text.
    String,
}

impl Types {
    /// Returns the types, none for any.
    pub fn list(&self) -> &[Type] {
        match self {
            Self::Any => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Several(several) => several,
        }
    }
}

impl Schema {
    /// Follows a reference into the definitions of `root`.
    pub fn resolve<'a>(&'a self, root: &'a Schema) -> &'a Schema {
        self.reference
            .as_deref()
            .and_then(|target| root.definitions.get(target.strip_prefix("#/definitions/")?))
            .unwrap_or(self)
    }
}

/// The schemas that were asked for.
#[derive(Debug, Default)]
pub struct Schemas {
    /// API version → its lines.
    members: BTreeMap<String, String>,
    found: BTreeMap<(String, String), Option<Schema>>,
}

impl Schemas {
    /// Returns the schema of a kind, if we have it.
    pub fn get(&mut self, api_version: &str, kind: &str) -> Option<&Schema> {
        match self.found.entry((api_version.to_owned(), kind.to_owned())) {
            Entry::Occupied(known) => known.into_mut().as_ref(),
            Entry::Vacant(new) => {
                let text = self
                    .members
                    .entry(api_version.to_owned())
                    .or_insert_with(|| member(api_version).unwrap_or_default());
                let name = format!("{api_version}/{kind} ");
                let json = text.lines().find_map(|line| line.strip_prefix(name.as_str()));
                new.insert(json.and_then(|json| serde_json::from_str(json).ok()))
                    .as_ref()
            }
        }
    }
}

impl Schemas {
    /// Returns the kind of an API version that another text spells in other letters, capital or small.
    pub fn respelt(&self, api_version: &str, kind: &str) -> Option<&str> {
        let lines = self.members.get(api_version)?.lines();
        let kinds = lines.filter_map(|line| {
            line.split(' ')
                .next()?
                .strip_prefix(api_version)?
                .strip_prefix('/')
        });
        let mut kinds = kinds.filter(|known| *known != kind);
        kinds.find(|known| known.eq_ignore_ascii_case(kind))
    }
}

/// Decompresses the lines of an API version.
fn member(api_version: &str) -> Option<String> {
    let (_, data) = members().find(|(name, _)| *name == api_version)?;
    let mut text = String::new();
    DeflateDecoder::new(data).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Iterates over the members of the file: name and compressed data.
fn members() -> impl Iterator<Item = (&'static str, &'static [u8])> {
    let mut rest = PACKED;
    std::iter::from_fn(move || {
        // 10 bytes of header, the length of the extra field, its only subfield: id, length 4, the value.
        let size = u32::from_le_bytes(rest.get(16..20)?.try_into().ok()?) as usize;
        let name = rest.get(20..)?.split(|byte| *byte == 0).next()?;
        let start = 20 + name.len() + 1;
        let data = rest.get(start..start + size)?;
        // CRC and length of the text.
        rest = rest.get(start + size + 8..)?;
        Some((std::str::from_utf8(name).ok()?, data))
    })
}

/// Returns every kind that has a schema, as `apiVersion/kind`, sorted.
pub fn kinds() -> Vec<String> {
    let mut kinds: Vec<String> = members()
        .filter_map(|(name, _)| member(name))
        .flat_map(|text| {
            let names = text.lines().filter_map(|line| line.split(' ').next());
            names.map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    kinds.sort();
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_well_formed_gzip() {
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(PACKED)
            .read_to_string(&mut text)
            .expect("gzip: just kinds");
        let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        let mut sorted: Vec<&str> = members().map(|(name, _)| name).collect();
        assert!(sorted.is_sorted() && sorted.len() > 30, "{sorted:?}");
        sorted = names.clone();
        sorted.sort_unstable();
        let all = kinds();
        assert_eq!(all, sorted);
        assert!(PACKED.len() < 150_000, "{} bytes", PACKED.len());
    }

    #[test]
    fn every_schema_is_one_that_we_read() {
        for (api_version, _) in members() {
            let text = member(api_version).expect("deflate");
            for line in text.lines() {
                let (name, json) = line.split_once(' ').expect("name and schema");
                let schema: Schema = serde_json::from_str(json).unwrap_or_else(|e| panic!("{name}: {e}"));
                let constant = |key: &str| schema.properties[key].constant.clone().expect("a constant");
                assert_eq!(format!("{}/{}", constant("apiVersion"), constant("kind")), name);
                assert!(
                    ["apiVersion", "kind", "metadata"]
                        .iter()
                        .all(|key| schema.required.contains(&(*key).to_owned()))
                );
                references_lead_somewhere(&schema, &schema, name);
            }
        }
    }

    fn references_lead_somewhere(schema: &Schema, root: &Schema, name: &str) {
        assert!(
            schema.resolve(root).reference.is_none(),
            "{name}: {:?}",
            schema.reference
        );
        let others = match schema.additional_properties.as_deref() {
            Some(Others::Schema(others)) => Some(others),
            _ => None,
        };
        let below = schema.properties.values().chain(schema.definitions.values());
        for child in below.chain(schema.items.as_deref()).chain(others) {
            references_lead_somewhere(child, root, name);
        }
    }

    #[test]
    fn the_kinds_are_those_of_the_list() {
        insta::assert_snapshot!(kinds().join("\n"));
    }
}
