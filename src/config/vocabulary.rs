//! The keys that a repository's configuration may hold: the built-in ones, those that its own apps bring, and the names
//! of the apps that `apps:` can choose about.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use indexmap::IndexMap;
use serde_json::{Map, Value, json};

use super::schema::{self, Keys};

/// An app that `apps:` can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownApp {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub summary: String,
}

impl KnownApp {
    /// Returns `namespace/name`.
    pub fn id(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }
}

/// What an app name of `apps:` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Named<'v> {
    /// One app.
    One(&'v KnownApp),
    /// Several apps of this name.
    Several(Vec<&'v KnownApp>),
    /// No app; the name that was probably meant.
    None(Option<String>),
}

/// How many names of apps one `pattern` of the schema holds at most: with 63 characters each, they stay far below what
/// [`schema::validators`] allows a pattern.
const NAMES_OF_PATTERN: usize = 100;

/// The schema of one repository's configuration.
#[derive(Debug)]
pub struct Vocabulary {
    schema: Value,
    keys: Keys,
    apps: Vec<KnownApp>,
    own: Vec<String>,
}

impl Vocabulary {
    /// Returns the built-in keys alone, without apps.
    pub fn built_in() -> Arc<Self> {
        static BUILT_IN: OnceLock<Arc<Vocabulary>> = OnceLock::new();
        Arc::clone(BUILT_IN.get_or_init(|| Arc::new(Self::new(Vec::new(), IndexMap::new()))))
    }

    /// Adds apps, and top-level keys with their schemas.
    pub fn new(apps: Vec<KnownApp>, own: IndexMap<String, Value>) -> Self {
        let mut schema = schema::schema().clone();
        let names: Vec<String> = own.keys().cloned().collect();
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.extend(own);
            if let Some(choices) = properties.get_mut("apps").filter(|_| !apps.is_empty()) {
                name_apps(choices, &apps);
            }
        }
        Self {
            keys: Keys::of(&schema),
            schema,
            apps,
            own: names,
        }
    }

    /// Returns the JSON Schema.
    pub fn schema(&self) -> &Value {
        &self.schema
    }

    /// Returns the schema of the value that a JSON pointer leads to in a document, where the schema knows it.
    pub fn at(&self, pointer: &str) -> Option<&Value> {
        schema::at_in(&self.schema, pointer)
    }

    /// Returns the keys by name.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Returns the apps that `apps:` can name.
    pub fn apps(&self) -> &[KnownApp] {
        &self.apps
    }

    /// Returns the names of the keys that own apps bring.
    pub fn own(&self) -> impl Iterator<Item = &str> {
        self.own.iter().map(String::as_str)
    }

    /// Returns the schema as the text of the file that editors read.
    pub fn text(&self) -> String {
        schema::pretty(&self.schema)
    }

    /// Returns an anchored regular expression that matches exactly the secret keys: the `encrypted_regex` for
    /// `cluster.yaml` itself.
    pub fn encrypted_regex(&self) -> String {
        schema::regex_of(&self.keys)
    }

    /// Finds the app that a name of `apps:` means: its own name when that is unique, or `namespace/name`.
    pub fn app(&self, name: &str) -> Named<'_> {
        let is_meant = |app: &&KnownApp| {
            if name.contains('/') {
                app.id() == name
            } else {
                app.name == name
            }
        };
        let found: Vec<&KnownApp> = self.apps.iter().filter(is_meant).collect();
        match found.as_slice() {
            [] => {
                let names = self.apps.iter().flat_map(|app| [app.name.clone(), app.id()]);
                let names: Vec<String> = names.collect();
                let near = super::mask::similar(name, names.iter().map(String::as_str));
                Named::None(near.map(str::to_owned))
            }
            [one] => Named::One(one),
            _ => Named::Several(found),
        }
    }

    /// Adds the defaults of the keys that own apps bring.
    pub fn fill_in(&self, json: &mut Map<String, Value>) {
        for key in &self.own {
            let schema = &self.schema["properties"][key];
            match (json.get_mut(key), schema.get("default")) {
                (Some(value), _) => fill_nested(value, schema),
                (None, Some(default)) => {
                    json.insert(key.clone(), default.clone());
                }
                (None, None) => {}
            }
        }
    }
}

/// Adds defaults inside mappings and lists of mappings.
fn fill_nested(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            for (key, schema) in schema["properties"].as_object().into_iter().flatten() {
                match (map.get_mut(key), schema.get("default")) {
                    (Some(value), _) => fill_nested(value, schema),
                    (None, Some(default)) => {
                        map.insert(key.clone(), default.clone());
                    }
                    (None, None) => {}
                }
            }
        }
        Value::Array(items) => items
            .iter_mut()
            .for_each(|item| fill_nested(item, &schema["items"])),
        _ => {}
    }
}

/// Gives the schema of `apps` a property for each app, which editors complete. What all of them have in common stands
/// once, below the pattern of their names.
fn name_apps(choices: &mut Value, apps: &[KnownApp]) {
    let choice = choices["additionalProperties"].take();
    let mut times: HashMap<&str, usize> = HashMap::new();
    for app in apps {
        *times.entry(&app.name).or_default() += 1;
    }
    let is_unique = |app: &KnownApp| times[app.name.as_str()] == 1;
    let properties = apps.iter().map(|app| {
        let name = if is_unique(app) {
            app.name.clone()
        } else {
            app.id()
        };
        let text = format!("{}: {}.", app.id(), app.summary);
        let property = json!({"type": "object", "description": text, "markdownDescription": text});
        (name, property)
    });
    choices["properties"] = Value::Object(properties.collect());
    let unique = apps
        .iter()
        .filter(|app| is_unique(app))
        .map(|app| app.name.clone());
    let is_plain = |id: &String| {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'/');
        id.bytes().all(plain)
    };
    let odd = apps.iter().map(KnownApp::id).filter(|id| !is_plain(id));
    let names: Vec<String> = unique.chain(odd).map(|name| name.replace('.', r"\.")).collect();
    let (first, more) = names.split_at(names.len().min(NAMES_OF_PATTERN));
    let first = format!("{}|[a-z0-9-]+/[a-z0-9-]+", first.join("|"));
    let more = more.chunks(NAMES_OF_PATTERN).map(|names| names.join("|"));
    choices["patternProperties"] = std::iter::once(first)
        .chain(more)
        .map(|names| (format!("^({names})$"), choice.clone()))
        .collect();
    choices["additionalProperties"] = json!(false);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_apps_with_any_name_that_a_folder_may_have_makes_a_schema() {
        let named = |namespace: &str, name: String| KnownApp {
            namespace: namespace.to_owned(),
            name,
            summary: "an app".to_owned(),
        };
        let mut apps: Vec<KnownApp> = (0..3_000).map(|i| named("media", format!("{i:0>63}"))).collect();
        apps.push(named("media", "Own.app_1".to_owned()));
        apps.extend(["a", "b"].map(|namespace| named(namespace, "two.of".to_owned())));
        let vocabulary = Vocabulary::new(apps, IndexMap::new());
        let validator = schema::validators().build(vocabulary.schema());
        let validator = validator.expect("it is a schema");
        let wrong = |name: &str, value: Value| {
            let choices = json!({"apps": {name: {"enabled": value}}});
            let errors = validator.iter_errors(&choices);
            errors
                .filter(|error| error.instance_path().as_str().starts_with("/apps"))
                .count()
        };
        for name in [
            "Own.app_1",
            "media/Own.app_1",
            "a/two.of",
            "media/x",
            &format!("{:0>63}", 7),
        ] {
            assert_eq!(wrong(name, json!(true)), 0, "{name}");
            assert_eq!(wrong(name, json!("maybe")), 1, "{name}");
        }
        assert_eq!(wrong("Ownxapp_1", json!(true)), 1, "a dot is a dot");
        assert_eq!(wrong("two.of", json!(true)), 1, "there are two");
    }
}
