//! The build file of a folder: every field with its type and place.

pub(crate) mod decode;
pub(crate) mod generators;
pub(crate) mod replacements;
pub(crate) mod targets;

use decode::{Decoded, TextPair, WrittenText, each, flag, list, pairs, text, whole};
use generators::{GeneratorArgs, GeneratorOptions};
use replacements::Replacement;
use targets::{PatchEntry, fields_of};

use crate::field_spec::FieldSpec;
use crate::finding::{Halt, RefusalKind, halt};
use crate::node::{Datum, Spot};
use crate::order::Order;

/// The names that a build file may have.
pub(crate) const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const KUSTOMIZATION: &str = "Kustomization";
const COMPONENT: &str = "Component";
const GROUP: &str = "kustomize.config.k8s.io";

/// Labels to be set.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct LabelEntry {
    pub(crate) pairs: Vec<TextPair>,
    pub(crate) selectors: bool,
    pub(crate) templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
    pub(crate) spot: Option<Spot>,
}

/// An image to be changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ImageEntry {
    pub(crate) name: WrittenText,
    pub(crate) new_name: WrittenText,
    pub(crate) tag_suffix: WrittenText,
    pub(crate) new_tag: WrittenText,
    pub(crate) digest: WrittenText,
}

/// A number of replicas.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct ReplicaEntry {
    pub(crate) name: WrittenText,
    pub(crate) count: i64,
    pub(crate) spot: Option<Spot>,
}

/// A build file.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Kustomization {
    pub(crate) is_component: bool,
    pub(crate) resources: Vec<WrittenText>,
    pub(crate) components: Vec<WrittenText>,
    pub(crate) crds: Vec<WrittenText>,
    pub(crate) configurations: Vec<WrittenText>,
    pub(crate) generators: Vec<WrittenText>,
    pub(crate) transformers: Vec<WrittenText>,
    pub(crate) validators: Vec<WrittenText>,
    pub(crate) name_prefix: WrittenText,
    pub(crate) name_suffix: WrittenText,
    pub(crate) namespace: WrittenText,
    pub(crate) common_labels: Vec<TextPair>,
    pub(crate) labels: Vec<LabelEntry>,
    pub(crate) common_annotations: Vec<TextPair>,
    pub(crate) strategic_patches: Vec<WrittenText>,
    pub(crate) json_patches: Vec<PatchEntry>,
    pub(crate) patches: Vec<PatchEntry>,
    pub(crate) images: Vec<ImageEntry>,
    pub(crate) replicas: Vec<ReplicaEntry>,
    pub(crate) replacements: Vec<Replacement>,
    pub(crate) config_maps: Vec<GeneratorArgs>,
    pub(crate) secrets: Vec<GeneratorArgs>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) order: Option<Order>,
    pub(crate) vars: Vec<WrittenText>,
    pub(crate) charts: Vec<WrittenText>,
    pub(crate) schema: Option<WrittenText>,
    pub(crate) build_metadata: Vec<WrittenText>,
}

const FIELDS: [&str; 33] = [
    "apiVersion",
    "kind",
    "metadata",
    "openapi",
    "namePrefix",
    "nameSuffix",
    "namespace",
    "commonLabels",
    "labels",
    "commonAnnotations",
    "patchesStrategicMerge",
    "patchesJson6902",
    "patches",
    "images",
    "imageTags",
    "replacements",
    "replicas",
    "vars",
    "sortOptions",
    "resources",
    "components",
    "crds",
    "bases",
    "configMapGenerator",
    "secretGenerator",
    "helmGlobals",
    "helmCharts",
    "helmChartInflationGenerator",
    "generatorOptions",
    "configurations",
    "generators",
    "transformers",
    "validators",
];

impl Kustomization {
    /// Reads a build file.
    pub(crate) fn decode(datum: &Datum) -> Decoded<Self> {
        let mut file = Self::default();
        let (mut kind, mut api_version) = (WrittenText::default(), WrittenText::default());
        let (mut bases, mut image_tags) = (Vec::new(), Vec::new());
        let mut known = FIELDS.to_vec();
        known.push("buildMetadata");
        let mut is_empty = true;
        each(datum, &known, |name, value| {
            match name {
                "kind" => kind = text(value)?,
                "apiVersion" => api_version = text(value)?,
                _ => {
                    is_empty &= value.is_null() || value.as_text() == Some("");
                    match name {
                        "bases" => bases = list(value, text)?,
                        "imageTags" => image_tags = list(value, image)?,
                        _ => file.set(name, value)?,
                    }
                }
            }
            Ok(())
        })?;
        if is_empty {
            let message = "nothing stands in this build file";
            return Err(halt(RefusalKind::EmptyBuildFile, datum.spot, message));
        }
        file.resources.append(&mut bases);
        file.images.append(&mut image_tags);
        file.is_component = kind.value == COMPONENT;
        check_type(&kind, &api_version)?;
        Ok(file)
    }

    fn set(&mut self, name: &str, value: &Datum) -> Decoded<()> {
        match name {
            "resources" => self.resources = list(value, text)?,
            "components" => self.components = list(value, text)?,
            "crds" => self.crds = list(value, text)?,
            "configurations" => self.configurations = list(value, text)?,
            "generators" => self.generators = list(value, text)?,
            "transformers" => self.transformers = list(value, text)?,
            "validators" => self.validators = list(value, text)?,
            "namePrefix" => self.name_prefix = text(value)?,
            "nameSuffix" => self.name_suffix = text(value)?,
            "namespace" => self.namespace = text(value)?,
            "commonLabels" => self.common_labels = pairs(value)?,
            "labels" => self.labels = list(value, label)?,
            "commonAnnotations" => self.common_annotations = pairs(value)?,
            "patchesStrategicMerge" => self.strategic_patches = list(value, text)?,
            "patchesJson6902" => self.json_patches = list(value, PatchEntry::decode)?,
            "patches" => self.patches = list(value, PatchEntry::decode)?,
            "images" => self.images = list(value, image)?,
            "replicas" => self.replicas = list(value, replica)?,
            "replacements" => self.replacements = list(value, Replacement::decode_entry)?,
            "configMapGenerator" => self.config_maps = list(value, GeneratorArgs::decode_config_map)?,
            "secretGenerator" => self.secrets = list(value, GeneratorArgs::decode_secret)?,
            "generatorOptions" => self.generator_options = GeneratorOptions::decode(value)?,
            "sortOptions" => self.order = order(value)?,
            "buildMetadata" => self.build_metadata = list(value, text)?,
            "vars" => self.vars = list(value, |item| Ok(named(item, "name")))?,
            "helmCharts" => self
                .charts
                .append(&mut list(value, |item| Ok(named(item, "name")))?),
            "helmChartInflationGenerator" => self
                .charts
                .append(&mut list(value, |item| Ok(named(item, "chartName")))?),
            "openapi" => {
                let path = pairs(value)?.into_iter().find(|pair| pair.key == "path");
                self.schema = path.map(|pair| pair.value);
            }
            "metadata" => each(value, &["name", "namespace", "labels", "annotations"], |_, _| {
                Ok(())
            })?,
            _ => {}
        }
        Ok(())
    }
}

fn check_type(kind: &WrittenText, api_version: &WrittenText) -> Result<(), Halt> {
    if !matches!(kind.value.as_str(), "" | KUSTOMIZATION | COMPONENT) {
        let message = format!("the kind of a build file is {KUSTOMIZATION} or {COMPONENT}");
        return Err(halt(RefusalKind::BadBuildFile, kind.spot, message));
    }
    let version = if kind.value == COMPONENT {
        "v1alpha1"
    } else {
        "v1beta1"
    };
    let wanted = format!("{GROUP}/{version}");
    if !api_version.is_empty() && api_version.value != wanted {
        let message = format!("the apiVersion of this kind is `{wanted}`");
        return Err(halt(RefusalKind::BadBuildFile, api_version.spot, message));
    }
    Ok(())
}

/// The name of something that is not looked into.
fn named(datum: &Datum, key: &str) -> WrittenText {
    WrittenText {
        value: datum
            .get(key)
            .and_then(Datum::as_text)
            .unwrap_or_default()
            .to_owned(),
        spot: datum.get(key).and_then(|name| name.spot).or(datum.spot),
    }
}

fn label(datum: &Datum) -> Decoded<LabelEntry> {
    let mut entry = LabelEntry {
        spot: datum.spot,
        ..LabelEntry::default()
    };
    each(
        datum,
        &["pairs", "includeSelectors", "includeTemplates", "fields"],
        |name, value| {
            match name {
                "pairs" => entry.pairs = pairs(value)?,
                "includeSelectors" => entry.selectors = flag(value)?,
                "includeTemplates" => entry.templates = flag(value)?,
                _ => entry.fields = list(value, fields_of)?,
            }
            Ok(())
        },
    )?;
    Ok(entry)
}

fn image(datum: &Datum) -> Decoded<ImageEntry> {
    let mut entry = ImageEntry::default();
    each(
        datum,
        &["name", "newName", "tagSuffix", "newTag", "digest"],
        |name, value| {
            let value = text(value)?;
            match name {
                "name" => entry.name = value,
                "newName" => entry.new_name = value,
                "tagSuffix" => entry.tag_suffix = value,
                "newTag" => entry.new_tag = value,
                _ => entry.digest = value,
            }
            Ok(())
        },
    )?;
    Ok(entry)
}

fn replica(datum: &Datum) -> Decoded<ReplicaEntry> {
    let mut entry = ReplicaEntry {
        spot: datum.spot,
        ..ReplicaEntry::default()
    };
    each(datum, &["name", "count"], |name, value| {
        match name {
            "name" => entry.name = text(value)?,
            _ => entry.count = whole(value)?,
        }
        Ok(())
    })?;
    Ok(entry)
}

/// `sortOptions`.
fn order(datum: &Datum) -> Decoded<Option<Order>> {
    if datum.is_null() {
        return Ok(None);
    }
    let (mut word, mut kinds) = (WrittenText::default(), None);
    each(datum, &["order", "legacySortOptions"], |name, value| {
        match name {
            "order" => word = text(value)?,
            _ if value.is_null() => {}
            _ => {
                let (mut first, mut last) = (Vec::new(), Vec::new());
                each(value, &["orderFirst", "orderLast"], |name, value| {
                    let words = list(value, text)?.into_iter().map(|text| text.value).collect();
                    match name {
                        "orderFirst" => first = words,
                        _ => last = words,
                    }
                    Ok(())
                })?;
                kinds = Some(Order::ByKind { first, last });
            }
        }
        Ok(())
    })?;
    match (word.value.as_str(), kinds) {
        ("fifo", None) => Ok(Some(Order::AsRead)),
        ("legacy", kinds) => Ok(Some(kinds.unwrap_or_default())),
        ("fifo", Some(_)) => Err(halt(
            RefusalKind::BadBuildFile,
            datum.spot,
            "`legacySortOptions` are for the order `legacy` alone",
        )),
        _ => Err(halt(
            RefusalKind::BadBuildFile,
            word.spot.or(datum.spot),
            "the order is `legacy` or `fifo`",
        )),
    }
}
