//! `cluster.example.yaml`, and what `init` and `demo` write: every key with its documentation, from the schema.

use serde_json::{Value, json};

use super::document::inline;
use super::nodes::example as demo_node;
use super::schema;
use super::{
    Alerts, Apps, Backup, Cilium, Cloudflare, Encryption, ExternalSecrets, Images, Network, Nodes,
    Observability, Oidc, Policies, Proxmox, RepositoryKeys, Tracing, Unifi, Versions,
};

/// The most columns of a comment line.
pub const WIDTH: usize = 100;

/// The first line: where editors find the schema, relative to the file.
pub const MODELINE: &str = "# yaml-language-server: $schema=.clusterwright/cluster.schema.json";

/// What stands after the modeline.
const INTRODUCTION: &str = "The configuration of your cluster. Replace every value in angle brackets, and uncomment \
     what you want to differ from its default; then run `clusterwright configure`. This file holds secrets: keep it \
     out of git.";

/// The values to fill in.
#[derive(Debug, Clone, Copy)]
pub enum Fill<'s> {
    /// Placeholders that `configure` refuses: for `init`.
    Placeholders,
    /// Valid values of the documentation networks, with most features on: for `demo`.
    Demo(&'s DemoSecrets),
}

/// The secrets of a demo; the caller makes them up.
#[derive(Clone)]
pub struct DemoSecrets {
    /// `cloudflare_token`
    pub cloudflare_token: String,
    /// `grafana_admin_password`, at least 8 characters.
    pub grafana_admin_password: String,
}

impl std::fmt::Debug for DemoSecrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DemoSecrets(…)")
    }
}

/// One section of the file.
struct Section {
    title: &'static str,
    schema: fn() -> schemars::Schema,
}

/// The sections in the order of the file; together they hold every key.
const SECTIONS: &[Section] = &[
    section::<Network>("Network"),
    section::<RepositoryKeys>("Repository"),
    section::<Cloudflare>("Cloudflare"),
    section::<Cilium>("Load balancing and BGP"),
    section::<Unifi>("UniFi DNS"),
    section::<Versions>("Versions"),
    section::<Images>("Images"),
    section::<Observability>("Monitoring"),
    section::<Alerts>("Alerts"),
    section::<Tracing>("Tracing"),
    section::<Oidc>("Tokens"),
    section::<Policies>("Network policies"),
    section::<Backup>("Backups of etcd"),
    section::<Proxmox>("Proxmox"),
    section::<ExternalSecrets>("External secrets"),
    section::<Encryption>("Encryption"),
    section::<Apps>("Single apps"),
    section::<Nodes>("Nodes"),
];

const fn section<T: schemars::JsonSchema>(title: &'static str) -> Section {
    Section {
        title,
        schema: || {
            schemars::generate::SchemaSettings::draft07()
                .into_generator()
                .into_root_schema_for::<T>()
        },
    }
}

/// Returns a complete `cluster.yaml`.
pub fn text(fill: Fill<'_>) -> String {
    let mut out = Writer {
        out: format!("{MODELINE}\n#\n"),
        fill,
    };
    out.comment(INTRODUCTION, "");
    for section in SECTIONS {
        let schema = (section.schema)();
        out.heading(
            section.title,
            schema
                .get("description")
                .and_then(Value::as_str)
                .unwrap_or_default(),
        );
        for (key, _) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            out.top_key(key);
        }
    }
    out.out
}

struct Writer<'s> {
    out: String,
    fill: Fill<'s>,
}

impl Writer<'_> {
    fn line(&mut self, text: &str) {
        self.out.push_str(text.trim_end());
        self.out.push('\n');
    }

    fn heading(&mut self, title: &str, introduction: &str) {
        let rule = "-".repeat(WIDTH - title.len() - 7);
        self.line("");
        self.line(&format!("# --- {title} {rule}"));
        self.comment(introduction, "");
    }

    /// Writes text as comment lines; its paragraphs wrap.
    fn comment(&mut self, text: &str, indent: &str) {
        for paragraph in text.split("\n\n") {
            for line in wrapped(paragraph, WIDTH - indent.len() - 2) {
                self.line(&format!("{indent}# {line}"));
            }
        }
    }

    fn top_key(&mut self, key: &str) {
        let property = schema::at(&format!("/{key}")).expect("sections hold keys of the schema");
        let required = is_required(schema::schema(), key);
        self.line("");
        self.documentation(property, required, "");
        if key == "nodes" {
            self.nodes(&property["items"]);
            return;
        }
        let value = match self.fill {
            Fill::Placeholders => (required || is_filled_in(property)).then(|| placeholder(property)),
            Fill::Demo(secrets) => demo_value(key, secrets)
                .or_else(|| (required || is_filled_in(property)).then(|| property["examples"][0].clone())),
        };
        match value {
            Some(value) => self.line(&format!("{key}: {}", inline(&value))),
            None => self.line(&format!("#{key}: {}", inline(&sample(property)))),
        }
    }

    fn documentation(&mut self, property: &Value, required: bool, indent: &str) {
        self.comment(property["description"].as_str().unwrap_or_default(), indent);
        let docs = property["markdownEnumDescriptions"]
            .as_array()
            .into_iter()
            .flatten();
        for (value, doc) in property["enum"].as_array().into_iter().flatten().zip(docs) {
            let text = format!("{}: {}", inline(value), doc.as_str().unwrap_or_default());
            for (index, line) in wrapped(&text, WIDTH - indent.len() - 6).iter().enumerate() {
                let bullet = if index == 0 { "- " } else { "  " };
                self.line(&format!("{indent}#   {bullet}{line}"));
            }
        }
        let mut facts = Vec::new();
        if required {
            facts.push("Required.".to_owned());
        }
        if let (Some(least), Some(most)) = (property["minimum"].as_u64(), property["maximum"].as_u64()) {
            facts.push(format!("From {least} to {most}."));
        }
        if let Some(default) = property.get("default") {
            let empty = is_empty(default);
            facts.push(if empty {
                "Default: none.".to_owned()
            } else {
                format!("Default: {}.", inline(default))
            });
        }
        if !facts.is_empty() {
            self.comment(&facts.join(" "), indent);
        }
    }

    fn nodes(&mut self, item: &Value) {
        self.line("nodes:");
        match self.fill {
            Fill::Placeholders => self.node(item, true, |_, property| placeholder(property)),
            Fill::Demo(_) => {
                for (index, node) in demo_nodes().iter().enumerate() {
                    self.node(item, index == 0, |key, _| node[key].clone());
                }
            }
        }
    }

    fn node(&mut self, item: &Value, documented: bool, value: impl Fn(&str, &Value) -> Value) {
        for (index, (key, property)) in item["properties"].as_object().into_iter().flatten().enumerate() {
            let required = is_required(item, key);
            if documented {
                self.documentation(property, required, if index == 0 { "  " } else { "    " });
            }
            let marker = if index == 0 { "  - " } else { "    " };
            if required {
                self.line(&format!("{marker}{key}: {}", inline(&value(key, property))));
            } else if documented {
                self.line(&format!("{marker}#{key}: {}", inline(&sample(property))));
            }
        }
    }
}

fn is_required(schema: &Value, key: &str) -> bool {
    schema["required"]
        .as_array()
        .is_some_and(|required| required.iter().any(|name| name == key))
}

/// Returns whether `init` asks for the value of an optional key: one that most clusters need.
fn is_filled_in(property: &Value) -> bool {
    property["x-placeholder"].is_string() && property["x-secret"] != true
}

/// Returns what a person is to replace, or an example of what needs no replacing.
fn placeholder(property: &Value) -> Value {
    property
        .get("x-placeholder")
        .unwrap_or(&property["examples"][0])
        .clone()
}

/// Returns what a commented-out key shows: its default, if that says anything.
fn sample(property: &Value) -> Value {
    let default = property.get("default").filter(|default| !is_empty(default));
    default.unwrap_or(&property["examples"][0]).clone()
}

fn is_empty(value: &Value) -> bool {
    *value == json!([]) || *value == json!({})
}

fn demo_value(key: &str, secrets: &DemoSecrets) -> Option<Value> {
    match key {
        "cluster_name" => Some(json!("demo")),
        "cloudflare_token" => Some(json!(secrets.cloudflare_token)),
        "grafana_admin_password" => Some(json!(secrets.grafana_admin_password)),
        "monitoring_enabled"
        | "hubble_enabled"
        | "hubble_ui_enabled"
        | "loki_enabled"
        | "tracing_enabled"
        | "storage_class_external" => Some(json!(true)),
        _ => None,
    }
}

fn demo_nodes() -> Vec<Value> {
    vec![
        demo_node("k8s-1", "10.10.10.11", "bc:24:11:0a:00:01", true),
        demo_node("k8s-2", "10.10.10.12", "bc:24:11:0a:00:02", true),
        demo_node("k8s-3", "10.10.10.13", "bc:24:11:0a:00:03", true),
        demo_node("k8s-4", "10.10.10.14", "bc:24:11:0a:00:04", false),
    ]
}

/// Breaks a paragraph into lines of at most `width` characters, where words allow.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}
