//! The keys that a repository's configuration may hold: the built-in ones, those that its own apps bring, and the names
//! of the apps that `apps:` can choose about.

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
    let is_unique = |app: &&KnownApp| apps.iter().filter(|other| other.name == app.name).count() == 1;
    let properties = apps.iter().map(|app| {
        let name = if is_unique(&app) {
            app.name.clone()
        } else {
            app.id()
        };
        let text = format!("{}: {}.", app.id(), app.summary);
        let property = json!({"type": "object", "description": text, "markdownDescription": text});
        (name, property)
    });
    choices["properties"] = Value::Object(properties.collect());
    let unique = apps.iter().filter(is_unique).map(|app| app.name.as_str());
    let names = unique.collect::<Vec<_>>().join("|");
    let pattern = format!("^({names}|[a-z0-9-]+/[a-z0-9-]+)$");
    choices["patternProperties"] = Value::Object([(pattern, choice)].into_iter().collect());
    choices["additionalProperties"] = json!(false);
}
