//! Jinja2 templates: what Jinja2 3.1.6 gives with makejinja's settings is what we give.
//!
//! `cases/*.json` hold a template each, with options and the output of Jinja2; `null` stands for an error. They all
//! see `data.json`. `tests/conformance/jinja.py update` writes the outputs, from Jinja2 itself.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use clusterwright::jinja::functions::Ask;
use clusterwright::jinja::{Engine, Host, Options, Pair, Template, Undefined, from_json};
use serde_json::Value as Json;

use crate::support::RECIPIENT;

/// A case, and where it stands.
struct Case {
    name: String,
    json: Json,
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/jinja"))
}

fn read(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).expect("readable");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn cases() -> Vec<Case> {
    let mut files: Vec<_> = std::fs::read_dir(folder().join("cases"))
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        let group = file.file_stem().expect("a name").to_string_lossy().into_owned();
        let Json::Array(found) = read(&file) else {
            panic!("{group}: no list")
        };
        cases.extend(found.into_iter().enumerate().map(|(index, json)| Case {
            name: format!("{group}-{index:03}"),
            json,
        }));
    }
    cases
}

fn options(case: &Json) -> Options {
    let given = &case["options"];
    let flag = |name: &str| given[name].as_bool().unwrap_or(true);
    let mut options = match given["delimiters"].as_str() {
        None | Some("library") => Options {
            comment: Pair::new("#|", "#|"),
            ..Options::of_the_library()
        },
        Some("other-comment") => Options::of_the_library(),
        Some("jinja") => Options::of_jinja(),
        Some("angles") => Options {
            block: Pair::new("<%", "%>"),
            variable: Pair::new("[[", "]]"),
            comment: Pair::new("<#", "#>"),
            ..Options::of_jinja()
        },
        other => panic!("unknown delimiters {other:?}"),
    };
    options.trim_blocks = flag("trim_blocks");
    options.lstrip_blocks = flag("lstrip_blocks");
    options.keep_trailing_newline = flag("keep_trailing_newline");
    options.undefined = match given["undefined"].as_str() {
        None | Some("default") => Undefined::Lenient,
        Some("chainable") => Undefined::Chainable,
        _ => Undefined::Strict,
    };
    options
}

fn host() -> Arc<Host> {
    let mut host = Host::default();
    host.answers.insert(Ask::AgePublic, Ok(RECIPIENT.to_owned()));
    host.answers.insert(
        Ask::TunnelId,
        Ok("6ff42ae2-765d-4adf-8112-31c55c1551ef".to_owned()),
    );
    let patches =
        ["a-first", "b-second"].map(|name| format!("templates/talos/patches/global/{name}.yaml.j2"));
    host.patches.insert("global".to_owned(), patches.to_vec());
    Arc::new(host)
}

fn render(case: &Json, data: &Json) -> Result<String, String> {
    let template = |name: &str, text: &Json| Template {
        name: name.to_owned(),
        shown: name.to_owned(),
        text: text.as_str().expect("a text").to_owned(),
    };
    let files = case["files"].as_object().into_iter().flatten();
    let mut templates: Vec<Template> = files.map(|(name, text)| template(name, text)).collect();
    templates.push(template("case", &case["template"]));
    let engine = Engine::new(&options(case), templates)?;
    let values = data.as_object().expect("a mapping");
    let engine = engine.with(
        values.iter().map(|(key, value)| (key.clone(), from_json(value))),
        &host(),
    );
    engine
        .render("case", &BTreeMap::new())
        .map_err(|fault| fault.message)
}

#[test]
fn every_case_gives_what_jinja2_gives() {
    let data = read(&folder().join("data.json"));
    let cases = cases();
    assert!(cases.len() >= 200, "{} cases", cases.len());
    let mut wrong = Vec::new();
    for case in &cases {
        let given = render(&case.json, &data);
        let fine = match (&given, case.json["expected"].as_str()) {
            (Ok(given), Some(expected)) => given == expected,
            (Err(_), None) => true,
            _ => false,
        };
        // Where we knowingly differ, the case says why; it must go when we no longer do.
        if fine == case.json["differs"].is_string() {
            wrong.push(format!(
                "{}: {}\n  expected {}\n  given    {given:?}",
                case.name, case.json["template"], case.json["expected"]
            ));
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {}:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

/// Pieces that templates are made of, whole and broken.
const PIECES: [&str; 34] = [
    "#% if on %#",
    "#% endif %#",
    "#% for w in words %#",
    "#% endfor %#",
    "#{ name }#",
    "#{ missing.x }#",
    "#% raw %#",
    "#% endraw %#",
    "#| c #|",
    "#|",
    "#{",
    "}#",
    "#%",
    "%#",
    "-%#",
    "#%-",
    "\n",
    "\r\n",
    " ",
    "'%s' % ",
    "[",
    "]",
    "(",
    ")",
    "#% set l = [] %#",
    "#% set _ = l.append(1) %#",
    "#{ l }#",
    "'",
    "\"",
    "ä😀",
    "#{ '%5.2f' % ratio }#",
    "#{ words|join(', ')|indent(2) }#",
    "#{ cidr|nthhost(5) }#",
    "#{ 7 % 0 }#",
];

proptest::proptest! {
    #[test]
    fn no_template_makes_it_panic(pieces in proptest::collection::vec(0..PIECES.len(), 0..24), mode in 0..3_usize) {
        let template: String = pieces.iter().map(|piece| PIECES[*piece]).collect();
        let undefined = ["default", "chainable", "strict"][mode];
        let case = serde_json::json!({"template": template, "options": {"undefined": undefined}});
        let data = serde_json::json!({"on": true, "name": "x", "words": ["a", "b"], "ratio": 1.5, "cidr": "10.0.0.0/8"});
        let _ = render(&case, &data);
    }

    #[test]
    fn no_expression_makes_it_panic(text in "[a-z0-9%'\"|.()\\[\\]{}+*/~ ,=<>-]{0,40}") {
        let case = serde_json::json!({"template": format!("#{{ {text} }}#"), "options": {}});
        let _ = render(&case, &serde_json::json!({"a": [1, 2], "b": {"c": "d"}, "x": 5}));
    }

    #[test]
    fn text_without_tags_is_given_as_it_is(text in "([a-z:$ {}\\n]|\\$\\{[A-Z_]{1,8}\\}|\\{\\{ \\.Values \\}\\}){0,40}") {
        let case = serde_json::json!({"template": text, "options": {}});
        proptest::prop_assert_eq!(render(&case, &serde_json::json!({})), Ok(text));
    }
}
