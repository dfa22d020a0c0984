//! Which objects a selector means.

use regex::Regex;

use crate::build_file::decode::WrittenText;
use crate::build_file::targets::TargetSelector;
use crate::finding::{Halt, RefusalKind, halt};
use crate::resource::Resource;

/// A selector that is ready for use.
pub(crate) struct Selection {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Requirements,
    annotations: Requirements,
}

fn anchored(text: &WrittenText) -> Result<Option<Regex>, Halt> {
    if text.is_empty() {
        return Ok(None);
    }
    Regex::new(&format!("^(?:{})$", text.value))
        .map(Some)
        .map_err(|_| {
            halt(
                RefusalKind::BadPatch,
                text.spot,
                format!("`{}` is no regular expression", text.value),
            )
        })
}

impl Selection {
    pub(crate) fn new(selector: &TargetSelector) -> Result<Self, Halt> {
        Ok(Self {
            group: anchored(&selector.group)?,
            version: anchored(&selector.version)?,
            kind: anchored(&selector.kind)?,
            name: anchored(&selector.name)?,
            namespace: anchored(&selector.namespace)?,
            labels: Requirements::parse(&selector.labels)?,
            annotations: Requirements::parse(&selector.annotations)?,
        })
    }

    pub(crate) fn matches(&self, resource: &Resource) -> bool {
        let fits =
            |regex: &Option<Regex>, text: &str| regex.as_ref().is_none_or(|regex| regex.is_match(text));
        let (now, first) = (resource.id(), resource.first_id());
        (fits(&self.namespace, &first.namespace) || fits(&self.namespace, &now.namespace))
            && (fits(&self.name, &first.name) || fits(&self.name, &now.name))
            && fits(&self.group, &now.gvk.group)
            && fits(&self.version, &now.gvk.version)
            && fits(&self.kind, &now.gvk.kind)
            && self.matches_texts(resource)
    }

    fn matches_texts(&self, resource: &Resource) -> bool {
        self.labels.match_map(resource, "labels") && self.annotations.match_map(resource, "annotations")
    }
}

/// Requirements of labels, as `kubectl --selector` takes them.
#[derive(Debug, Default)]
pub(crate) struct Requirements(Vec<Requirement>);

#[derive(Debug)]
struct Requirement {
    key: String,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Exists,
    Absent,
    In(Vec<String>),
    NotIn(Vec<String>),
    Above(i64),
    Below(i64),
}

impl Requirements {
    pub(crate) fn parse(text: &WrittenText) -> Result<Self, Halt> {
        let mut found = Vec::new();
        for part in split_top(&text.value) {
            let requirement = requirement(part.trim()).ok_or_else(|| {
                halt(
                    RefusalKind::BadPatch,
                    text.spot,
                    format!("`{}` is no selector", text.value),
                )
            })?;
            found.push(requirement);
        }
        Ok(Self(found))
    }

    /// Whether `metadata.labels` or `metadata.annotations` fit.
    pub(crate) fn match_map(&self, resource: &Resource, map: &str) -> bool {
        self.0.iter().all(|requirement| {
            let value = resource
                .meta_map(map)
                .find(|(key, _)| *key == requirement.key)
                .map(|(_, value)| value);
            match (&requirement.test, value) {
                (Test::Exists, value) => value.is_some(),
                (Test::Absent, value) => value.is_none(),
                (Test::In(values), Some(value)) => values.iter().any(|one| one == value),
                (Test::NotIn(values), Some(value)) => values.iter().all(|one| one != value),
                (Test::NotIn(_), None) => true,
                (Test::Above(limit), Some(value)) => value.parse::<i64>().is_ok_and(|value| value > *limit),
                (Test::Below(limit), Some(value)) => value.parse::<i64>().is_ok_and(|value| value < *limit),
                (_, None) => false,
            }
        })
    }
}

/// The parts between commas that are not in parentheses.
fn split_top(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0_usize);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !text.trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

fn requirement(text: &str) -> Option<Requirement> {
    let is_key = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/');
    let valid = |key: &str| !key.is_empty() && key.chars().all(is_key);
    let make = |key: &str, test: Test| {
        valid(key.trim()).then(|| Requirement {
            key: key.trim().to_owned(),
            test,
        })
    };
    if let Some(key) = text.strip_prefix('!') {
        return make(key, Test::Absent);
    }
    let one = |value: &str| {
        let value = value.trim();
        let fits = value.chars().all(|c| is_key(c) && c != '/');
        fits.then(|| vec![value.to_owned()])
    };
    if let Some((key, value)) = text.split_once("!=") {
        return make(key, Test::NotIn(one(value)?));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return make(key, Test::In(one(value)?));
    }
    if let Some((key, value)) = text.split_once('>') {
        return make(key, Test::Above(value.trim().parse().ok()?));
    }
    if let Some((key, value)) = text.split_once('<') {
        return make(key, Test::Below(value.trim().parse().ok()?));
    }
    let Some((head, values)) = text.split_once('(') else {
        return make(text, Test::Exists);
    };
    let values: Option<Vec<Vec<String>>> = values.strip_suffix(')')?.split(',').map(one).collect();
    let values = values?.into_iter().flatten().collect();
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => make(key, Test::In(values)),
        (Some(key), Some("notin"), None) => make(key, Test::NotIn(values)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read() {
        for good in [
            "a=b",
            "a==b,c!=d",
            "a in (b, c),d notin (e)",
            "a,!b",
            "x.io/y=z",
            "",
        ] {
            let text = WrittenText {
                value: good.to_owned(),
                spot: None,
            };
            assert!(Requirements::parse(&text).is_ok(), "{good}");
        }
        for bad in ["a b", "=b", "a in b", "a=b,", "a=b c"] {
            let text = WrittenText {
                value: bad.to_owned(),
                spot: None,
            };
            assert!(Requirements::parse(&text).is_err(), "{bad}");
        }
    }
}
