//! Generators of `ConfigMap` and `Secret` objects in a build file.

use super::decode::{Decoded, TextPair, WrittenText, each, flag, list, pairs, text};
use crate::node::{Datum, Spot};
use crate::resource::Behavior;

/// What generated objects get beside their data.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: Vec<TextPair>,
    pub(crate) annotations: Vec<TextPair>,
    pub(crate) no_hash: bool,
    pub(crate) immutable: bool,
}

impl GeneratorOptions {
    pub(crate) fn decode(datum: &Datum) -> Decoded<Option<Self>> {
        if datum.is_null() {
            return Ok(None);
        }
        let mut options = Self::default();
        let known = ["labels", "annotations", "disableNameSuffixHash", "immutable"];
        each(datum, &known, |name, value| {
            match name {
                "labels" => options.labels = pairs(value)?,
                "annotations" => options.annotations = pairs(value)?,
                "immutable" => options.immutable = flag(value)?,
                _ => options.no_hash = flag(value)?,
            }
            Ok(())
        })?;
        Ok(Some(options))
    }

    /// The options of one generator, with those for all where it says nothing.
    pub(crate) fn with_defaults(mut self, all: &Self) -> Self {
        for (own, all) in [
            (&mut self.labels, &all.labels),
            (&mut self.annotations, &all.annotations),
        ] {
            for pair in all {
                if !own.iter().any(|other| other.key == pair.key) {
                    own.push(pair.clone());
                }
            }
            own.sort_by(|a, b| a.key.cmp(&b.key));
        }
        self.no_hash |= all.no_hash;
        self.immutable |= all.immutable;
        self
    }
}

/// A generator.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct GeneratorArgs {
    pub(crate) name: WrittenText,
    pub(crate) namespace: WrittenText,
    pub(crate) behavior: Behavior,
    pub(crate) literals: Vec<WrittenText>,
    pub(crate) files: Vec<WrittenText>,
    pub(crate) envs: Vec<WrittenText>,
    pub(crate) options: Option<GeneratorOptions>,
    /// The type of a Secret.
    pub(crate) secret_type: WrittenText,
    pub(crate) spot: Option<Spot>,
}

const FIELDS: [&str; 8] = [
    "namespace",
    "name",
    "behavior",
    "literals",
    "files",
    "envs",
    "env",
    "options",
];

impl GeneratorArgs {
    pub(crate) fn decode_config_map(datum: &Datum) -> Decoded<Self> {
        Self::decode(datum, &FIELDS)
    }

    pub(crate) fn decode_secret(datum: &Datum) -> Decoded<Self> {
        let mut known = FIELDS.to_vec();
        known.push("type");
        Self::decode(datum, &known)
    }

    fn decode(datum: &Datum, known: &[&'static str]) -> Decoded<Self> {
        let mut args = Self {
            spot: datum.spot,
            ..Self::default()
        };
        let mut env = WrittenText::default();
        each(datum, known, |name, value| {
            match name {
                "namespace" => args.namespace = text(value)?,
                "name" => args.name = text(value)?,
                "behavior" => {
                    args.behavior = match text(value)?.value.as_str() {
                        "create" => Behavior::Create,
                        "replace" => Behavior::Replace,
                        "merge" => Behavior::Merge,
                        _ => Behavior::Unspecified,
                    }
                }
                "literals" => args.literals = list(value, text)?,
                "files" => args.files = list(value, text)?,
                "envs" => args.envs = list(value, text)?,
                "env" => env = text(value)?,
                "options" => args.options = GeneratorOptions::decode(value)?,
                _ => args.secret_type = text(value)?,
            }
            Ok(())
        })?;
        if !env.is_empty() {
            args.envs.push(env);
        }
        Ok(args)
    }
}
