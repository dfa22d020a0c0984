//! What is fuzzed.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};
use sops::{
    self, Config, EncryptionRule, Format, Identities, KeyPath, MacCheck, NewValue, Recipient, SopsError, Step,
};
use sops::{FixedEntropy, SecretText};

use super::Dice;
use super::generate::Generator;
use super::mutate::mutate;

/// Something to be fuzzed.
pub(crate) struct Target {
    /// Its name on the command line.
    pub(crate) name: &'static str,
    /// How many seeds are run when nobody says, and in `cargo test`.
    pub(crate) seeds: u64,
    /// The runs of a seed, or what is wrong.
    pub(crate) run: fn(&mut Dice) -> Result<Reach, String>,
}

/// How far the runs of a seed came.
pub(crate) struct Reach {
    /// Runs.
    pub(crate) runs: u64,
    /// Those whose text was accepted.
    pub(crate) accepted: u64,
}

impl From<bool> for Reach {
    fn from(accepted: bool) -> Self {
        Self {
            runs: 1,
            accepted: u64::from(accepted),
        }
    }
}

/// All targets.
pub(crate) const TARGETS: [Target; 5] = [
    Target {
        name: "read",
        seeds: 300,
        run: read,
    },
    Target {
        name: "stores",
        seeds: 300,
        run: stores,
    },
    Target {
        name: "config",
        seeds: 300,
        run: config,
    },
    Target {
        name: "edit",
        seeds: 60,
        run: edit,
    },
    Target {
        name: "edit-stores",
        seeds: 60,
        run: edit_stores,
    },
];

struct Keys {
    identities: Identities,
    rule: EncryptionRule,
}

fn keys() -> &'static Keys {
    static KEYS: OnceLock<Keys> = OnceLock::new();
    KEYS.get_or_init(|| {
        let (private, public) = sops::generate_identity();
        Keys {
            identities: Identities::parse(private.expose()).expect("a key"),
            rule: EncryptionRule::secrets(vec![Recipient::new(&public).expect("a recipient")]),
        }
    })
}

/// Files that SOPS could have written, made once: wrapping keys takes longer than all the rest.
fn sealed() -> &'static [String] {
    static SEALED: OnceLock<Vec<String>> = OnceLock::new();
    SEALED.get_or_init(|| {
        (0..40)
            .map(|seed| {
                let mut rule = keys().rule.clone();
                if seed % 3 == 1 {
                    rule.selector = sops::Selector::whole_document();
                }
                rule.mac_only_encrypted = seed % 3 == 0;
                let text = Generator::new(seed).stream(2);
                sops::encrypt(&text, &rule, &mut FixedEntropy::new(seed)).expect("generated to be encrypted")
            })
            .collect()
    })
}

fn span_is_inside(error: &SopsError, text: &str) -> Result<(), String> {
    match error.span() {
        Some(span) if text.get(span.clone()).is_none() => {
            Err(format!("{error:?}: {span:?} is not inside of the text"))
        }
        _ => Ok(()),
    }
}

/// The reader of SOPS files: nothing panics, places are inside, and what opens holds together.
fn read(dice: &mut Dice) -> Result<Reach, String> {
    let base = dice.pick(sealed());
    let text = mutate(base, dice);
    match sops::status(&text) {
        Ok(status) => {
            let spans = status
                .unsealed
                .iter()
                .map(|(_, span)| span)
                .chain(&status.without_block);
            if let Some(span) = spans.into_iter().find(|span| text.get((*span).clone()).is_none()) {
                return Err(format!("status: {span:?} is not inside of {text:?}"));
            }
        }
        Err(error) => span_is_inside(&error, &text)?,
    }
    match sops::decrypt(&text, &keys().identities, MacCheck::Verify) {
        Ok(plain) => match yaml::parse(plain.expose()) {
            Ok(_) => Ok(true.into()),
            Err(error) => Err(format!(
                "not YAML in clear: {error:?}\n{}\n-- sealed\n{text}",
                plain.expose()
            )),
        },
        Err(error) => span_is_inside(&error, &text).map(|()| false.into()),
    }
}

/// The formats other than YAML, with a plaintext each.
const STORES: [(Format, &str); 4] = [
    (
        Format::Json,
        "{\n  \"data\": {\"a\": \"x\", \"n\": [1, -2.5, true, null, \"\\u00e9\\ud83d\\ude00\"]},\n  \"b_unencrypted\": \"y\",\n  \"e\": {}\n}\n",
    ),
    (
        Format::Dotenv,
        "# head\nA=1\nB = two words\nC=\n\nLINES=a\\nb\nD_unencrypted=é=😀\n",
    ),
    (
        Format::Ini,
        "top = 1\n\n; note\n[one]\na = x\nb: \"y z\"\n# more\n[two]\nc_unencrypted =\nd = é\n",
    ),
    (Format::Binary, "any\ntext: \\ \u{1}é😀\n"),
];

/// The readers and writers of the other formats: nothing panics, and what is sealed comes back as it was.
fn stores(dice: &mut Dice) -> Result<Reach, String> {
    static SEALED: OnceLock<Vec<String>> = OnceLock::new();
    let sealed = SEALED.get_or_init(|| {
        let seal = |(format, plain): &(Format, &str)| {
            let mut rule = keys().rule.clone();
            rule.selector = sops::Selector::UnencryptedSuffix("_unencrypted".to_owned());
            format
                .encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(1))
                .expect("a plaintext of its format")
        };
        STORES.iter().map(seal).collect()
    });
    let at = dice.below(STORES.len());
    let (format, plain) = STORES[at];
    if dice.below(2) == 0 {
        let text = mutate(&sealed[at], dice);
        if let Err(error) = format.status(&text) {
            span_is_inside(&error, &text)?;
        }
        return match format.decrypt(&text, &keys().identities, MacCheck::Verify) {
            Ok(_) => Ok(true.into()),
            Err(error) => span_is_inside(&error, &text).map(|()| false.into()),
        };
    }
    let plain = mutate(plain, dice);
    let mut rule = keys().rule.clone();
    rule.selector = sops::Selector::UnencryptedSuffix("_unencrypted".to_owned());
    rule.mac_only_encrypted = dice.below(2) == 0;
    let file = match format.encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(dice.next())) {
        Ok(file) => file,
        Err(error) => return span_is_inside(&error, &plain).map(|()| false.into()),
    };
    let back = match format.decrypt(&file, &keys().identities, MacCheck::Verify) {
        Ok(back) => back,
        Err(error) => return Err(format!("{format}: {plain:?} does not open: {error}\n{file}")),
    };
    let is_same = match format {
        // Written as it was, but for the line break at the end of a text.
        Format::Dotenv | Format::Binary => {
            *back == plain.as_bytes() || *back == format!("{plain}\n").as_bytes()
        }
        // The same value may be written in another way, which then stays.
        _ => {
            let again = format.encrypt(&back, &rule, &mut FixedEntropy::new(0));
            let again = again.and_then(|file| format.decrypt(&file, &keys().identities, MacCheck::Verify));
            again.is_ok_and(|again| again == back)
                && parsed(plain.as_bytes()).is_none_or(|plain| parsed(&back) == Some(plain))
        }
    };
    if !is_same {
        let back = String::from_utf8_lossy(&back);
        return Err(format!("{format}: {plain:?} came back as {back:?}\n{file}"));
    }
    Ok(true.into())
}

fn parsed(text: &[u8]) -> Option<Value> {
    serde_json::from_slice(text).ok()
}

const CONFIGS: [&str; 3] = [
    "stores:\n  yaml:\n    indent: 2\ncreation_rules:\n  - path_regex: talos/.*\\.sops\\.ya?ml\n    mac_only_encrypted: true\n    age: age1x,age1y\n  - path_regex: (bootstrap|kubernetes)/.*\\.sops\\.ya?ml\n    encrypted_regex: ^(data|stringData)$\n    mac_only_encrypted: true\n    age: [age1x]\n",
    "creation_rules:\n  - unencrypted_suffix: _u\n    key_groups:\n      - age:\n          - age1x\n        pgp: [ABC]\n    shamir_threshold: 2\n",
    "{creation_rules: [{age: \"age1x\", encrypted_suffix: e}], destination_rules: []}\n",
];

/// The reader of `.sops.yaml`.
fn config(dice: &mut Dice) -> Result<Reach, String> {
    let base: &&str = dice.pick(&CONFIGS);
    let text = mutate(base, dice);
    match Config::parse(&text) {
        Ok(config) => {
            for path in [
                "talos/x.sops.yaml",
                "",
                "/abs/x",
                "./kubernetes/a.sops.yml",
                "é\n",
            ] {
                let first = config.consider(path).iter().position(|(_, matches)| *matches);
                match config.rule_for(path) {
                    Err(SopsError::NoRule) if first.is_some() => {
                        return Err(format!("{path}: a rule matches\n{text}"));
                    }
                    Ok(_) if first.is_none() => return Err(format!("{path}: no rule matches\n{text}")),
                    Err(error) => span_is_inside(&error, &text)?,
                    Ok(_) => {}
                }
            }
            Ok(true.into())
        }
        Err(error) => span_is_inside(&error, &text).map(|()| false.into()),
    }
}

/// The editor of YAML files.
fn edit(dice: &mut Dice) -> Result<Reach, String> {
    let mut plain = Generator::new(dice.next()).stream(1);
    if dice.below(2) == 0 {
        plain = mutate(&plain, dice);
    }
    let rule = keys().rule.clone();
    edit_chain(Format::Yaml, &plain, rule, dice)
}

/// The editor of files of the other formats.
fn edit_stores(dice: &mut Dice) -> Result<Reach, String> {
    let (format, mut plain) = match dice.below(STORES.len()) {
        0 => (Format::Json, Generator::new(dice.next()).json(1)),
        at => (STORES[at - 1].0, STORES[at - 1].1.to_owned()),
    };
    if dice.below(2) == 0 {
        plain = mutate(&plain, dice);
    }
    let mut rule = keys().rule.clone();
    rule.selector = sops::Selector::UnencryptedSuffix("_unencrypted".to_owned());
    edit_chain(format, &plain, rule, dice)
}

/// Values are set or taken out, one after the other, and every other value, and its ciphertext, is what it was.
fn edit_chain(
    format: Format,
    plain: &str,
    mut rule: EncryptionRule,
    dice: &mut Dice,
) -> Result<Reach, String> {
    rule.mac_only_encrypted = dice.below(2) == 0;
    let Ok(mut file) = format.encrypt(plain.as_bytes(), &rule, &mut FixedEntropy::new(dice.next())) else {
        return Ok(false.into());
    };
    let documents = format.documents(plain).unwrap_or_default();
    if documents.iter().any(repeats) {
        // A path leads to the first, as with `sops set`.
        return Ok(false.into());
    }
    let mut held = values(format, &file)?;
    let mut reach = Reach { runs: 0, accepted: 0 };
    for _ in 0..EDITS {
        reach.runs += 1;
        let Some((new, after)) = edit_once(format, &file, &held, dice)? else {
            continue;
        };
        reach.accepted += 1;
        if after.len() < held.len() {
            // A document without values has no number any more.
            break;
        }
        (file, held) = (new, after);
    }
    Ok(reach)
}

/// Returns whether a mapping has a key twice, which JSON and INI allow.
fn repeats(node: &yaml::Node) -> bool {
    let mut keys = BTreeSet::new();
    let is_new = |(key, _): &(yaml::Node, yaml::Node)| keys.insert(key.as_str().map(str::to_owned));
    !node.entries().iter().all(is_new) || node.children().any(repeats)
}

/// Edits of one file, each of what the one before made of it.
const EDITS: u64 = 25;

/// Returns the file and its values after an edit; `None` when there was nothing to edit, or its layout is refused.
fn edit_once(
    format: Format,
    file: &str,
    before: &[Value],
    dice: &mut Dice,
) -> Result<Option<(String, Vec<Value>)>, String> {
    let mut paths = Vec::new();
    for (document, value) in before.iter().enumerate() {
        leaves(value, &mut Vec::new(), document, &mut paths);
    }
    if paths.is_empty() {
        return Ok(None);
    }
    let (document, steps) = dice.pick(&paths).clone();
    let path = KeyPath::new(steps.clone());
    let entropy = &mut FixedEntropy::new(dice.next());
    let takes = dice.below(3) == 0;
    let secret = *dice.pick(&[
        "new",
        "",
        "two\nlines\n",
        "12",
        "true",
        "# x",
        "é: \"'",
        " pad ",
        "- a",
    ]);
    let keys = keys();
    let changed = if takes {
        format.unset(file, path.within(document), &keys.identities, entropy)
    } else {
        let value = NewValue::Text(SecretText::new(secret.to_owned()));
        format.set(file, path.within(document), &value, &keys.identities, entropy)
    };
    let said = || {
        let verb = if takes { "unset" } else { "set" };
        format!("{verb} {path} in document {document} of\n{file}")
    };
    let new = match changed {
        Ok(Some(new)) => new,
        Ok(None) => return Ok(Some((file.to_owned(), before.to_vec()))),
        // A layout that cannot be edited, or a value that the format cannot hold, is refused, and nothing is written.
        Err(
            SopsError::Layout { .. }
            | SopsError::NoSuchValue { .. }
            | SopsError::Repeated { .. }
            | SopsError::Unholdable { .. },
        ) => return Ok(None),
        Err(error) => return Err(format!("{error}: {}", said())),
    };
    let after = values(format, &new)?;
    let mut expected = before.to_vec();
    if takes {
        remove(&mut expected[document], &steps);
    } else if let Some(place) = at(&mut expected[document], &steps) {
        *place = Value::String(secret.to_owned());
    }
    expected.retain(|document| document.as_object().is_none_or(|map| !map.is_empty()));
    if after != expected {
        return Err(format!("other values changed: {}\n-- now\n{new}", said()));
    }
    let fresh = tokens(&new).difference(&tokens(file)).count();
    // The value itself and the MAC; an edited alias may be written out.
    if fresh > 2 {
        return Err(format!("{fresh} new ciphertexts: {}\n-- now\n{new}", said()));
    }
    Ok(Some((new, after)))
}

/// The values of a file, opened, without its `sops` blocks.
fn values(format: Format, file: &str) -> Result<Vec<Value>, String> {
    let plain = format
        .decrypt(file, &keys().identities, MacCheck::Verify)
        .map_err(|error| format!("{error}\n{file}"))?;
    if format == Format::Binary {
        return Ok(vec![json!({ "data": String::from_utf8_lossy(&plain) })]);
    }
    let text = String::from_utf8_lossy(&plain);
    let documents = match format {
        Format::Yaml => yaml::parse(&text).map_err(|error| format!("{error:?}\n{file}"))?,
        _ => format
            .documents(&text)
            .map_err(|error| format!("{error:?}\n{file}"))?,
    };
    Ok(documents
        .iter()
        .filter(|document| !document.entries().is_empty())
        .map(yaml::Node::to_json)
        .collect())
}

fn tokens(file: &str) -> BTreeSet<&str> {
    let starts = file.match_indices("ENC[").map(|(at, _)| at);
    let token = |at: usize| file[at..].split_once(']').map(|(token, _)| token);
    // Plain text that only begins like a ciphertext runs on to somewhere else.
    starts
        .filter_map(token)
        .filter(|token| !token.contains(char::is_whitespace))
        .collect()
}

fn leaves(value: &Value, way: &mut Vec<Step>, document: usize, out: &mut Vec<(usize, Vec<Step>)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                way.push(Step::Key(key.clone()));
                leaves(value, way, document, out);
                way.pop();
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (i, value) in items.iter().enumerate() {
                way.push(Step::Index(i));
                leaves(value, way, document, out);
                way.pop();
            }
        }
        _ => out.push((document, way.clone())),
    }
}

fn at<'v>(mut value: &'v mut Value, steps: &[Step]) -> Option<&'v mut Value> {
    for step in steps {
        value = match step {
            Step::Key(key) => value.get_mut(key)?,
            Step::Index(index) => value.get_mut(index)?,
        };
    }
    Some(value)
}

fn remove(value: &mut Value, steps: &[Step]) {
    let Some((last, above)) = steps.split_last() else {
        return;
    };
    match (at(value, above), last) {
        (Some(Value::Object(map)), Step::Key(key)) => drop(map.shift_remove(key)),
        (Some(Value::Array(items)), Step::Index(index)) if *index < items.len() => drop(items.remove(*index)),
        _ => {}
    }
}
