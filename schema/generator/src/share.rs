//! Says the same thing once: parts of a schema that occur several times become definitions.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Shorter parts stay where they are.
const LONG: usize = 60;

/// Moves repeated parts of a schema into its `definitions`, and names all definitions by short numbers.
pub fn share(schema: &mut Value) {
    // References to the definitions that are there become their text, so that equal parts look equal.
    let old = schema
        .as_object_mut()
        .and_then(|map| map.remove("definitions"))
        .unwrap_or_default();
    inline(schema, &old);
    let mut counts = BTreeMap::new();
    count(schema, &mut counts);
    let mut names = BTreeMap::new();
    let mut definitions = Map::new();
    children(schema, &mut |child| {
        replace(child, &counts, &mut names, &mut definitions)
    });
    if !definitions.is_empty() {
        schema["definitions"] = Value::Object(definitions);
    }
}

fn inline(schema: &mut Value, definitions: &Value) {
    if let Some(target) = schema.get("$ref").and_then(Value::as_str) {
        *schema = definitions[target.trim_start_matches("#/definitions/")].clone();
    }
    children(schema, &mut |child| inline(child, definitions));
}

fn count(schema: &mut Value, counts: &mut BTreeMap<String, usize>) {
    let text = schema.to_string();
    if text.len() < LONG {
        return;
    }
    let seen = counts.entry(text).or_default();
    *seen += 1;
    // What is inside of a repeated part is repeated with it.
    if *seen == 1 {
        children(schema, &mut |child| count(child, counts));
    }
}

fn replace(
    value: &mut Value,
    counts: &BTreeMap<String, usize>,
    names: &mut BTreeMap<String, String>,
    definitions: &mut Map<String, Value>,
) {
    let text = value.to_string();
    if counts.get(&text).is_none_or(|seen| *seen < 2) {
        children(value, &mut |child| replace(child, counts, names, definitions));
        return;
    }
    let name = match names.get(&text) {
        Some(name) => name.clone(),
        None => {
            let name = names.len().to_string();
            names.insert(text, name.clone());
            let mut whole = value.take();
            children(&mut whole, &mut |child| {
                replace(child, counts, names, definitions)
            });
            definitions.insert(name.clone(), whole);
            name
        }
    };
    *value = json!({"$ref": format!("#/definitions/{name}")});
}

/// Visits the schemas directly below a schema.
fn children(schema: &mut Value, visit: &mut dyn FnMut(&mut Value)) {
    let Value::Object(map) = schema else { return };
    for (key, value) in map {
        match (key.as_str(), value) {
            ("properties", Value::Object(properties)) => properties.values_mut().for_each(&mut *visit),
            ("items" | "additionalProperties", value @ Value::Object(_)) => visit(value),
            _ => {}
        }
    }
}
