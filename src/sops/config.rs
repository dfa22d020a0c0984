//! `.sops.yaml`: which rule a new file gets.

use std::ops::Range;

use regex::Regex;

use super::error::SopsError;
use super::key::Recipient;
use super::rule::Rule;
use super::selector::{Scope, Selector};
use crate::yaml::{self, Kind, Node};

/// Key types that a rule can name and we cannot write.
const OTHER_KEYS: [&str; 8] = [
    "pgp",
    "kms",
    "gcp_kms",
    "hckms",
    "azure_keyvault",
    "hc_vault_transit_uri",
    "hc_vault_uris",
    "shamir_threshold",
];

/// A `.sops.yaml`.
#[derive(Debug, Clone)]
pub struct Config {
    rules: Vec<CreationRule>,
    indent: usize,
}

#[derive(Debug, Clone)]
struct CreationRule {
    path: Option<Regex>,
    recipients: Vec<String>,
    selector: Selector,
    mac_only_encrypted: bool,
    unsupported: Option<(String, Range<usize>)>,
}

impl Config {
    /// Reads a `.sops.yaml`. Unknown keys are ignored, as SOPS does.
    ///
    /// # Errors
    /// [`SopsError::Yaml`] and [`SopsError::Config`], both with a byte range.
    pub fn parse(text: &str) -> Result<Self, SopsError> {
        let documents = yaml::parse(text)?;
        let Some(root) = documents.first() else {
            return Err(wrong("it is empty", 0..0));
        };
        let rules = root.get("creation_rules").map(Node::items).unwrap_or_default();
        Ok(Self {
            rules: rules.iter().map(creation_rule).collect::<Result<_, _>>()?,
            // go-yaml honours 2 to 9; SOPS itself would take 4 without a setting.
            indent: root
                .str_at(&["stores", "yaml", "indent"])
                .and_then(|text| text.parse().ok())
                .filter(|indent| (2..=9).contains(indent))
                .unwrap_or(2),
        })
    }

    /// Returns for each creation rule its `path_regex` and whether it matches a file; the first that does counts.
    /// `path` is that of [`Config::rule_for`].
    pub fn consider(&self, path: &str) -> Vec<(Option<&str>, bool)> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let matches = |regex: Option<&Regex>| regex.is_none_or(|regex| regex.is_match(path));
        self.rules
            .iter()
            .map(|rule| (rule.path.as_ref().map(Regex::as_str), matches(rule.path.as_ref())))
            .collect()
    }

    /// Returns the rule for a file: that of the first creation rule whose `path_regex` matches, anywhere in the path.
    /// `path` is relative to the directory of the configuration; absolute for a file outside of it.
    ///
    /// # Errors
    /// [`SopsError::NoRule`] when none matches; the errors of [`Recipient::list`]; [`SopsError::Unsupported`] for a
    /// rule with keys other than age.
    pub fn rule_for(&self, path: &str) -> Result<Rule, SopsError> {
        let path = path.strip_prefix("./").unwrap_or(path);
        let rule = self
            .rules
            .iter()
            .find(|rule| rule.path.as_ref().is_none_or(|regex| regex.is_match(path)))
            .ok_or(SopsError::NoRule)?;
        if let Some((what, span)) = &rule.unsupported {
            return Err(SopsError::Unsupported {
                what: what.clone(),
                span: Some(span.clone()),
            });
        }
        let recipients = Recipient::list(rule.recipients.iter().map(String::as_str))?;
        if recipients.is_empty() {
            return Err(SopsError::NoRecipients);
        }
        Ok(Rule {
            recipients,
            selector: rule.selector.clone(),
            mac_only_encrypted: rule.mac_only_encrypted,
            indent: self.indent,
        })
    }
}

fn wrong(what: &str, span: Range<usize>) -> SopsError {
    SopsError::Config {
        what: what.to_owned(),
        span,
    }
}

fn creation_rule(node: &Node) -> Result<CreationRule, SopsError> {
    if !matches!(node.kind, Kind::Map(_)) {
        return Err(wrong("a creation rule must be a mapping", node.span.clone()));
    }
    let path = match node.get("path_regex") {
        Some(regex) => Some(
            Regex::new(regex.as_str().unwrap_or_default())
                .map_err(|_| wrong("`path_regex` does not compile", regex.span.clone()))?,
        ),
        None => None,
    };
    let mut unsupported = OTHER_KEYS.into_iter().find_map(|key| {
        node.entry(key)
            .filter(|(_, value)| value.as_str() != Some("") && value.as_str() != Some("0"))
            .map(|(found, _)| (format!("a creation rule with `{key}`"), found.span.clone()))
    });
    let mut recipients = age_keys(node);
    if let Some((key, groups)) = node.entry("key_groups") {
        match groups.items() {
            [group]
                if OTHER_KEYS.iter().all(|key| group.get(key).is_none()) && group.get("merge").is_none() =>
            {
                recipients = age_keys(group);
            }
            _ => {
                let what = "a creation rule with several key groups".to_owned();
                unsupported = Some((what, key.span.clone()));
            }
        }
    }
    let mut selectors = Selector::KEYS.into_iter().filter_map(|key| {
        let value = node.get(key)?;
        let text = value.as_str().filter(|text| !text.is_empty())?;
        Some((Selector::from_key(key, text)?, value.span.clone()))
    });
    let (selector, span) = selectors.next().unwrap_or((Selector::whole_document(), 0..0));
    if let Some((_, second)) = selectors.next() {
        return Err(wrong("a creation rule can have one selector only", second));
    }
    Scope::new(&selector).map_err(|_| wrong(&format!("`{}` does not compile", selector.key()), span))?;
    Ok(CreationRule {
        path,
        recipients,
        selector,
        mac_only_encrypted: node.get("mac_only_encrypted").and_then(Node::as_str) == Some("true"),
        unsupported,
    })
}

/// `age` as a comma list or a YAML list.
fn age_keys(node: &Node) -> Vec<String> {
    let Some(age) = node.get("age") else {
        return Vec::new();
    };
    age.as_str()
        .into_iter()
        .chain(age.items().iter().filter_map(Node::as_str))
        .flat_map(|text| text.split(','))
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

    #[test]
    fn the_first_rule_that_matches_wins() {
        let config = Config::parse(&format!(
            "stores:\n  yaml:\n    indent: 3\nfuture: 1\ncreation_rules:\n  - path_regex: talos/.*\\.sops\\.ya?ml\n    mac_only_encrypted: true\n    age: \"{A}, {A},\"\n  - path_regex: (bootstrap|kubernetes)/.*\\.sops\\.ya?ml\n    encrypted_regex: ^(data|stringData)$\n    age: [{A}]\n"
        ))
        .unwrap();
        let talos = config.rule_for("talos/talsecret.sops.yaml").unwrap();
        assert_eq!(
            (talos.selector, talos.mac_only_encrypted),
            (Selector::whole_document(), true)
        );
        assert_eq!((talos.recipients.len(), talos.indent), (2, 3));
        let rule = config.rule_for("./kubernetes/apps/x/secret.sops.yaml").unwrap();
        assert_eq!(rule.selector.text(), "^(data|stringData)$");
        assert_eq!(config.rule_for("other.yaml").unwrap_err(), SopsError::NoRule);
    }

    #[test]
    fn mistakes_are_reported_with_their_place() {
        let text = "creation_rules:\n  - path_regex: \"(\"\n";
        let error = Config::parse(text).unwrap_err();
        assert_eq!(&text[error.span().unwrap()], "\"(\"");
        let text = "creation_rules:\n  - encrypted_regex: \"[\"\n";
        assert_eq!(&text[Config::parse(text).unwrap_err().span().unwrap()], "\"[\"");
        let text = "creation_rules:\n  - encrypted_regex: a\n    encrypted_suffix: b\n";
        assert_eq!(&text[Config::parse(text).unwrap_err().span().unwrap()], "a");
        let pgp = Config::parse("creation_rules:\n  - pgp: ABC\n")
            .unwrap()
            .rule_for("x")
            .unwrap_err();
        assert!(matches!(pgp, SopsError::Unsupported { span: Some(_), .. }));
        assert_eq!(
            Config::parse("creation_rules: [{}]\n")
                .unwrap()
                .rule_for("x")
                .unwrap_err(),
            SopsError::NoRecipients
        );
    }
}
