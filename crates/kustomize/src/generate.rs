//! Generators: `ConfigMap` and `Secret` objects from files, lines and literals.

use std::borrow::Cow;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::build_file::decode::{TextPair, WrittenText};
use crate::build_file::generators::{GeneratorArgs, GeneratorOptions};
use crate::finding::{Halt, RefusalKind, halt};
use crate::load::Folder;
use crate::node::{Content, Datum, Scalar, Spot, Tag};
use crate::resource::Resource;

/// How long a line of base64 is before go-yaml breaks it.
const BASE64_LINE: usize = 70;

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    ConfigMap,
    Secret,
}

/// A key with the content that it gets.
struct Entry<'f> {
    key: String,
    content: Cow<'f, [u8]>,
    spot: Option<Spot>,
}

/// Makes the object that a generator asks for.
pub(crate) fn generate(
    kind: Generated,
    args: &GeneratorArgs,
    defaults: Option<&GeneratorOptions>,
    folder: &mut Folder<'_, '_>,
) -> Result<Resource, Halt> {
    let options = match (args.options.clone(), defaults) {
        (own, Some(all)) => Some(own.unwrap_or_default().with_defaults(all)),
        (own, None) => own,
    };
    if args.name.is_empty() {
        let message = "a generator needs a name";
        return Err(halt(RefusalKind::BadGenerator, args.spot, message));
    }
    let mut data = base(kind, args);
    let mut entries = entries(args, folder)?;
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    if let Some(two) = entries.windows(2).find(|two| two[0].key == two[1].key) {
        let message = format!("the key `{}` is given twice", two[0].key);
        return Err(halt(
            RefusalKind::BadGenerator,
            two[1].spot.or(args.spot),
            message,
        ));
    }
    if kind == Generated::Secret {
        data.map_at("data", args.spot);
    }
    for entry in entries {
        let text = std::str::from_utf8(&entry.content).ok();
        let (field, value) = match (kind, text) {
            (Generated::ConfigMap, Some(text)) => ("data", text.to_owned()),
            (Generated::ConfigMap, None) => ("binaryData", encoded(&entry.content)),
            (Generated::Secret, _) => ("data", encoded(&entry.content)),
        };
        if let Some(map) = data.map_at(field, args.spot) {
            map.put(&entry.key, Datum::text(value, entry.spot));
        }
    }
    if let Some(options) = &options {
        finish(&mut data, options, args.spot);
    }
    let mut resource = Resource::new(Arc::new(data));
    resource.history.needs_hash = options.is_none_or(|options| !options.no_hash);
    resource.history.behavior = args.behavior;
    resource.history.is_generated = true;
    Ok(resource)
}

fn base(kind: Generated, args: &GeneratorArgs) -> Datum {
    let mut data = Datum::empty_map(args.spot);
    let name = match kind {
        Generated::ConfigMap => "ConfigMap",
        Generated::Secret => "Secret",
    };
    data.put("apiVersion", Datum::text("v1", args.spot));
    data.put("kind", Datum::text(name, args.spot));
    if let Some(meta) = data.map_at("metadata", args.spot) {
        meta.set("name", Datum::text(args.name.value.clone(), args.name.spot));
        if !args.namespace.is_empty() {
            meta.set(
                "namespace",
                Datum::text(args.namespace.value.clone(), args.namespace.spot),
            );
        }
    }
    if kind == Generated::Secret {
        let own = (!args.secret_type.is_empty()).then_some(&args.secret_type);
        let text = own.map_or("Opaque", |own| own.value.as_str());
        data.put("type", Datum::text(text, own.map_or(args.spot, |own| own.spot)));
    }
    data
}

fn finish(data: &mut Datum, options: &GeneratorOptions, spot: Option<Spot>) {
    for (key, pairs) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        let pairs: &Vec<TextPair> = pairs;
        if pairs.is_empty() {
            continue;
        }
        if let Some(map) = data.get_mut("metadata").and_then(|meta| meta.map_at(key, spot)) {
            for pair in pairs {
                map.set(&pair.key, Datum::text(pair.value.value.clone(), pair.value.spot));
            }
        }
    }
    if options.immutable {
        let scalar = Scalar {
            tag: Tag::Bool,
            ..Scalar::text("true")
        };
        data.put("immutable", Datum::new(Content::Scalar(scalar), spot));
    }
}

/// Base64 as go-yaml writes it, in lines.
fn encoded(content: &[u8]) -> String {
    let text = STANDARD.encode(content);
    if text.len() < BASE64_LINE {
        return text;
    }
    let mut lines = String::with_capacity(text.len() + text.len() / BASE64_LINE + 1);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, next) = rest.split_at(rest.len().min(BASE64_LINE));
        lines.push_str(line);
        lines.push('\n');
        rest = next;
    }
    lines
}

fn entries<'f>(args: &GeneratorArgs, folder: &mut Folder<'_, 'f>) -> Result<Vec<Entry<'f>>, Halt> {
    let mut found = Vec::new();
    for path in &args.envs {
        let file = folder.read(path)?;
        let whole = Some(file.whole());
        lines(&file.content, path, whole, &mut found)?;
    }
    for literal in &args.literals {
        let (key, value) = literal
            .value
            .split_once('=')
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| bad(literal, "a literal is `key=value`"))?;
        found.push(Entry {
            key: key.to_owned(),
            content: Cow::Owned(without_quotes(value).as_bytes().to_vec()),
            spot: literal.spot,
        });
    }
    for source in &args.files {
        let named = WrittenText {
            value: source.value.clone(),
            spot: source.spot,
        };
        let (key, path) = match source.value.split_once('=') {
            None => (base_name(&source.value).to_owned(), named),
            Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => (
                key.to_owned(),
                WrittenText {
                    value: path.to_owned(),
                    ..named
                },
            ),
            Some(_) => return Err(bad(source, "a file of a generator is `path` or `key=path`")),
        };
        let file = folder.read(&path)?;
        found.push(Entry {
            key,
            spot: Some(file.whole()),
            content: file.content,
        });
    }
    Ok(found)
}

fn bad(text: &WrittenText, message: &str) -> Halt {
    halt(RefusalKind::BadGenerator, text.spot, message)
}

/// The last part of a path, as Go has it.
fn base_name(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

fn without_quotes(value: &str) -> &str {
    for quote in ['"', '\''] {
        if value.len() >= 2
            && let Some(inner) = value
                .strip_prefix(quote)
                .and_then(|rest| rest.strip_suffix(quote))
        {
            return inner;
        }
    }
    value
}

/// The lines of a file such as `.env`.
fn lines(
    content: &[u8],
    path: &WrittenText,
    spot: Option<Spot>,
    found: &mut Vec<Entry<'_>>,
) -> Result<(), Halt> {
    for (number, line) in content.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Ok(text) = std::str::from_utf8(line) else {
            let message = format!("`{}` is no text in UTF-8", path.value);
            return Err(halt(RefusalKind::BadGenerator, spot, message));
        };
        let text = if number == 0 {
            text.trim_start_matches('\u{feff}')
        } else {
            text
        };
        let text = text.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let (key, value) = text.split_once('=').unwrap_or((text, ""));
        if key.is_empty() {
            continue;
        }
        found.push(Entry {
            key: key.to_owned(),
            content: Cow::Owned(value.as_bytes().to_vec()),
            spot,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_broken_as_go_breaks_it() {
        assert_eq!(encoded(b"a"), "YQ==");
        assert_eq!(encoded(&[b'a'; 51]).len(), 68);
        // 72 characters: a line of 70, and one of 2.
        assert_eq!(
            encoded(&[b'a'; 54]).lines().map(str::len).collect::<Vec<_>>(),
            [70, 2]
        );
        assert!(encoded(&[b'a'; 54]).ends_with('\n'));
    }

    #[test]
    fn quotes_around_a_literal_are_dropped() {
        for (value, bare) in [
            ("'a'", "a"),
            ("\"a\"", "a"),
            ("'a\"", "'a\""),
            ("'", "'"),
            ("", ""),
        ] {
            assert_eq!(without_quotes(value), bare);
        }
        assert_eq!(base_name("a/b.txt"), "b.txt");
    }
}
