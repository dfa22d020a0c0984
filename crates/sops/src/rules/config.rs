//! `.sops.yaml`: which rule a new file gets.

use std::collections::BTreeSet;
use std::ops::Range;

use regex::Regex;
use yaml::{Kind, Node, yaml11};

use crate::error::SopsError;
use crate::format::Format;
use crate::keys::groups::KeyGroups;
use crate::keys::key::Recipient;
use crate::rules::rule::EncryptionRule;
use crate::rules::selector::{self, Scope, Selector};

/// Most creation rules of a file: each may keep a compiled expression of 512 KiB.
const MAX_RULES: usize = 256;

/// Key types that a rule can name and we cannot write.
const OTHER_KEYS: [&str; 7] = [
    "pgp",
    "kms",
    "gcp_kms",
    "hckms",
    "azure_keyvault",
    "hc_vault_transit_uri",
    "hc_vault_uris",
];

/// Key types that a key group can name and we cannot write.
const OTHER_GROUP_KEYS: [&str; 6] = ["pgp", "kms", "gcp_kms", "hckms", "azure_keyvault", "hc_vault"];

/// A `.sops.yaml`.
#[derive(Debug, Clone, Default)]
pub struct Config {
    rules: Vec<CreationRule>,
    indents: Indents,
}

/// What a look at a file needs to know of its creation rule.
#[derive(Debug, Clone)]
pub struct Glance {
    /// Whether the rule has a `path_regex`.
    pub by_path: bool,
    /// Which values it encrypts.
    pub selector: Selector,
    /// Its age recipients as written.
    pub age: BTreeSet<String>,
    /// Whether it has keys of other kinds, beside age or alone: files of it can be looked at and opened, but not made.
    pub has_other_keys: bool,
    /// The rule by which a file is made.
    pub rule: Result<EncryptionRule, SopsError>,
}

/// Indentation by format, in spaces; 0 is a tab.
#[derive(Debug, Clone, Copy)]
struct Indents {
    yaml: usize,
    json: usize,
    json_binary: usize,
}

impl Default for Indents {
    fn default() -> Self {
        Self {
            yaml: 2,
            json: 0,
            json_binary: 0,
        }
    }
}

impl Indents {
    fn read(root: &Node) -> Self {
        let number = |store: &str| -> Option<i64> { root.str_at(&["stores", store, "indent"])?.parse().ok() };
        // -1 is a tab, as it is without a setting.
        let json = |store: &str| {
            let width = number(store).and_then(|number| usize::try_from(number).ok());
            width.filter(|width| *width <= 16).unwrap_or(0)
        };
        Self {
            // go-yaml honours 2 to 9; SOPS itself would take 4 without a setting.
            yaml: number("yaml")
                .and_then(|number| usize::try_from(number).ok())
                .filter(|indent| (2..=9).contains(indent))
                .unwrap_or(2),
            json: json("json"),
            json_binary: json("json_binary"),
        }
    }

    fn of(self, format: Format) -> usize {
        match format {
            Format::Json => self.json,
            Format::Binary => self.json_binary,
            Format::Yaml | Format::Dotenv | Format::Ini => self.yaml,
        }
    }
}

#[derive(Debug, Clone)]
struct CreationRule {
    path: Option<Regex>,
    recipients: Vec<String>,
    /// Where each of them is written.
    places: Vec<Range<usize>>,
    /// The keys of each group, where there are several.
    groups: Option<(Vec<Vec<String>>, usize)>,
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
        if let Some(at) = yaml11::line_break(text) {
            return Err(wrong(
                "a raw line break of YAML 1.1: sops begins a new line here",
                at,
            ));
        }
        let documents = yaml::parse(text)?;
        let Some(root) = documents.first() else {
            return Err(wrong("it is empty", 0..0));
        };
        let rules = root.get("creation_rules").map(Node::items).unwrap_or_default();
        if let Some(one_more) = rules.get(MAX_RULES) {
            let what = format!("there are more than {MAX_RULES} creation rules");
            return Err(wrong(&what, one_more.span.clone()));
        }
        Ok(Self {
            rules: rules.iter().map(creation_rule).collect::<Result<_, _>>()?,
            indents: Indents::read(root),
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

    /// Returns what a look at a file needs to know of the creation rule that matches it; `None` when none does. `path` is
    /// that of [`Config::rule_for`].
    pub fn glance(&self, path: &str) -> Option<Glance> {
        let bare = path.strip_prefix("./").unwrap_or(path);
        let matches = |rule: &&CreationRule| rule.path.as_ref().is_none_or(|regex| regex.is_match(bare));
        let rule = self.rules.iter().find(matches)?;
        Some(Glance {
            by_path: rule.path.is_some(),
            selector: rule.selector.clone(),
            age: rule.recipients.iter().cloned().collect(),
            has_other_keys: rule.unsupported.is_some(),
            rule: self.rule_for(path),
        })
    }

    /// Returns the rule for a file: that of the first creation rule whose `path_regex` matches, anywhere in the path.
    /// `path` is relative to the directory of the configuration; absolute for a file outside of it.
    ///
    /// # Errors
    /// [`SopsError::NoRule`] when none matches; the errors of [`Recipient::list`], a text that is no recipient as
    /// [`SopsError::Config`] with its place; [`SopsError::Unsupported`] for a rule with keys other than age.
    pub fn rule_for(&self, path: &str) -> Result<EncryptionRule, SopsError> {
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
        let recipients = Recipient::list(rule.recipients.iter().map(String::as_str));
        let recipients = recipients.map_err(|error| rule.placed(error))?;
        if recipients.is_empty() {
            return Err(SopsError::NoRecipients);
        }
        let groups = match &rule.groups {
            None => None,
            Some((groups, threshold)) => {
                let list = |group: &Vec<String>| Recipient::list(group.iter().map(String::as_str));
                let groups = groups.iter().map(list).collect::<Result<_, _>>()?;
                Some(KeyGroups::new(groups, *threshold)?)
            }
        };
        Ok(EncryptionRule {
            recipients,
            selector: rule.selector.clone(),
            mac_only_encrypted: rule.mac_only_encrypted,
            indent: self.indents.of(Format::of(path)),
            groups,
        })
    }
}

impl CreationRule {
    /// Gives the error of a recipient its place.
    fn placed(&self, error: SopsError) -> SopsError {
        let SopsError::BadRecipient { index } = error else {
            return error;
        };
        match self.places.get(index.saturating_sub(1)) {
            Some(place) => wrong(
                &format!("recipient number {index} of the rule is no age key (the public half, `age1…`)"),
                place.clone(),
            ),
            None => error,
        }
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
            selector::regex(regex.as_str().unwrap_or_default())
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
    let mut groups = None;
    if let Some((_, listed)) = node
        .entry("key_groups")
        .filter(|(_, listed)| !listed.items().is_empty())
    {
        // Groups win over the flat keys.
        let foreign = listed.items().iter().find_map(|group| foreign_key(group, 0));
        unsupported = foreign.map(|(key, span)| (format!("a key group with `{key}`"), span));
        let mut all: Vec<Vec<Written>> = listed.items().iter().map(|group| group_keys(group, 0)).collect();
        recipients = all.concat();
        let threshold = match node.get("shamir_threshold").and_then(Node::as_str) {
            None => 0,
            Some(text) => text.parse().map_err(|_| {
                let span = node
                    .get("shamir_threshold")
                    .map_or(0..0, |node| node.span.clone());
                wrong("`shamir_threshold` must be a number", span)
            })?,
        };
        if all.len() > 1 {
            let text = |group: Vec<Written>| group.into_iter().map(|(text, _)| text).collect();
            groups = Some((all.into_iter().map(text).collect(), threshold));
        } else {
            recipients = all.pop().unwrap_or_default();
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
    let (recipients, places) = recipients.into_iter().unzip();
    Ok(CreationRule {
        path,
        recipients,
        places,
        groups,
        selector,
        mac_only_encrypted: node.get("mac_only_encrypted").and_then(Node::as_str) == Some("true"),
        unsupported,
    })
}

/// A recipient as it is written, and where.
type Written = (String, Range<usize>);

/// Deepest `merge` in a key group.
const MAX_MERGE: usize = 20;

/// The keys of a group without repetitions: its own, and those of the groups that it merges.
fn group_keys(group: &Node, depth: usize) -> Vec<Written> {
    let mut keys = age_keys(group);
    if depth < MAX_MERGE {
        let merged = group.get("merge").map(Node::items).unwrap_or_default();
        keys.extend(merged.iter().flat_map(|group| group_keys(group, depth + 1)));
    }
    let mut seen = BTreeSet::new();
    keys.retain(|(key, _)| seen.insert(key.clone()));
    keys
}

/// Returns a key of a group that we cannot write.
fn foreign_key(group: &Node, depth: usize) -> Option<(&'static str, Range<usize>)> {
    let own = OTHER_GROUP_KEYS.into_iter().find_map(|key| {
        let (found, value) = group.entry(key)?;
        (!value.items().is_empty()).then(|| (key, found.span.clone()))
    });
    own.or_else(|| {
        let merged = group.get("merge").map(Node::items).filter(|_| depth < MAX_MERGE);
        merged
            .unwrap_or_default()
            .iter()
            .find_map(|group| foreign_key(group, depth + 1))
    })
}

/// `age` as a comma list or a YAML list.
fn age_keys(node: &Node) -> Vec<Written> {
    let Some(age) = node.get("age") else {
        return Vec::new();
    };
    std::iter::once(age)
        .chain(age.items())
        .filter_map(|item| Some((item.as_str()?, &item.span)))
        .flat_map(|(text, span)| {
            text.split(',')
                .map(move |text| (text.trim().to_owned(), span.clone()))
        })
        .filter(|(text, _)| !text.is_empty())
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
    fn key_groups_are_read_with_what_they_merge() {
        let (_, b) = crate::generate_identity();
        let (_, c) = crate::generate_post_quantum_identity();
        let text = format!(
            "creation_rules:\n  - age: nobody\n    shamir_threshold: 2\n    key_groups:\n      - age: [{A}, {A}]\n        merge: [{{age: [{b}]}}]\n      - age: [{c}]\n        hc_vault: []\n"
        );
        let rule = Config::parse(&text).unwrap().rule_for("x.yaml").unwrap();
        let groups = rule.groups.unwrap();
        assert_eq!(
            (groups.all[0].len(), groups.all[1].len(), groups.threshold),
            (2, 1, 2)
        );
        assert_eq!(rule.recipients.len(), 3);
        let one = Config::parse(&format!("creation_rules: [{{key_groups: [{{age: [{A}]}}]}}]\n")).unwrap();
        let one = one.rule_for("x.yaml").unwrap();
        assert_eq!((one.groups, one.recipients.len()), (None, 1));
        let error = |text: &str| Config::parse(text).and_then(|config| config.rule_for("x"));
        assert!(matches!(
            error(&text.replace("threshold: 2", "threshold: 5")),
            Err(SopsError::Threshold {
                threshold: 5,
                groups: 2
            })
        ));
        assert!(matches!(
            error(&text.replace("hc_vault: []", "pgp: [ABC]")),
            Err(SopsError::Unsupported { span: Some(_), .. })
        ));
        assert!(matches!(
            error(&text.replace("threshold: 2", "threshold: x")),
            Err(SopsError::Config { .. })
        ));
    }

    #[test]
    fn a_glance_sees_the_age_keys_beside_others() {
        for (keys, age, other) in [
            (format!("age: {A}"), 1, false),
            (format!("age: {A}\n    pgp: ABC"), 1, true),
            (format!("kms: arn:aws:kms:x\n    age: {A}"), 1, true),
            ("pgp: ABC".to_owned(), 0, true),
            (format!("key_groups: [{{age: [{A}], pgp: [ABC]}}]"), 1, true),
        ] {
            let text = format!("creation_rules:\n  - path_regex: ^x\n    encrypted_suffix: _e\n    {keys}\n");
            let config = Config::parse(&text).unwrap();
            let found = config.glance("./x.yaml").unwrap();
            assert_eq!(
                (found.age.len(), found.has_other_keys, found.by_path),
                (age, other, true),
                "{keys}"
            );
            assert_eq!(found.rule.is_err(), other, "{keys}");
            assert_eq!(found.selector, Selector::EncryptedSuffix("_e".to_owned()));
            assert!(config.glance("y.yaml").is_none());
        }
    }

    #[test]
    fn each_store_has_its_indentation() {
        let indents = |stores: &str| {
            let text = format!("stores: {stores}\ncreation_rules: [{{age: {A}}}]\n");
            let config = Config::parse(&text).unwrap();
            ["a.yaml", "a.json", "a.bin"].map(|name| config.rule_for(name).unwrap().indent)
        };
        assert_eq!(indents("{}"), [2, 0, 0]);
        let all = "{yaml: {indent: 4}, json: {indent: 2}, json_binary: {indent: -1}}";
        assert_eq!(indents(all), [4, 2, 0]);
        assert_eq!(indents("{yaml: {indent: 12}}"), [2, 0, 0]);
    }

    #[test]
    fn mistakes_are_reported_with_their_place() {
        // A rule that sops reads in what is a comment for us.
        let text = "# note\u{2028}creation_rules: [{age: age1stranger}]\n";
        assert_eq!(
            &text[Config::parse(text).unwrap_err().span().unwrap()],
            "\u{2028}"
        );
        let text = "creation_rules:\n  - path_regex: \"(\"\n";
        let error = Config::parse(text).unwrap_err();
        assert_eq!(&text[error.span().unwrap()], "\"(\"");
        let text = "creation_rules:\n  - encrypted_regex: \"[\"\n";
        assert_eq!(&text[Config::parse(text).unwrap_err().span().unwrap()], "\"[\"");
        let text = "creation_rules:\n  - encrypted_regex: a\n    encrypted_suffix: b\n";
        assert_eq!(&text[Config::parse(text).unwrap_err().span().unwrap()], "a");
        for text in [
            format!("creation_rules:\n  - age: [{A}, nobody]\n"),
            format!("creation_rules:\n  - key_groups: [{{age: [{A}], merge: [{{age: [nobody]}}]}}]\n"),
        ] {
            let error = Config::parse(&text).unwrap().rule_for("x").unwrap_err();
            assert_eq!(&text[error.span().unwrap()], "nobody", "{error}");
            assert!(error.to_string().contains("recipient number 2"), "{error}");
        }
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

    #[test]
    fn rules_and_their_expressions_have_a_size() {
        for regex in ["(a{1000}){1000}", "((a{30}){30}){30}{30}", "\\\\pL{500}"] {
            let text = format!(
                "creation_rules:\n  - path_regex: '{}'\n",
                regex.replace("\\\\", "\\")
            );
            let error = Config::parse(&text).expect_err(regex);
            assert!(error.to_string().contains("does not compile"), "{error}");
            let text = text.replace("path_regex", "encrypted_regex");
            assert!(Config::parse(&text).is_err(), "{regex}");
        }
        let nested = "(".repeat(10_000) + &")".repeat(10_000);
        assert!(Config::parse(&format!("creation_rules: [{{path_regex: '{nested}'}}]\n")).is_err());
        let usual = "creation_rules: [{path_regex: '(\\w+/)*[\\w-]+\\.sops\\.ya?ml$'}]\n";
        assert!(Config::parse(usual).is_ok());
        let many = format!("creation_rules:\n{}", "  - age: x\n".repeat(300));
        assert!(
            Config::parse(&many)
                .unwrap_err()
                .to_string()
                .contains("more than 256")
        );
    }
}
