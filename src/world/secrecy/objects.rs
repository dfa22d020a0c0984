//! Kubernetes Secrets in documents: on their own, in lists, by alias or merge key.

use std::collections::HashMap;

use yaml::{Kind, Node};

/// The parts of a Secret that hold what is secret.
pub(super) const SECTIONS: [&str; 2] = ["data", "stringData"];

/// How far lists, aliases and merge keys are followed: they can lead back to themselves.
const DEPTH: usize = 16;

/// A Secret.
#[derive(Debug)]
pub struct SecretObject<'n> {
    /// Its values, those of `data` first.
    pub values: Vec<Value<'n>>,
}

/// One value of a Secret.
#[derive(Debug)]
pub struct Value<'n> {
    /// `data` or `stringData`.
    pub section: &'static str,
    /// Its key; empty for one that is no text.
    pub key: &'n str,
    /// The value, as it stands there.
    pub node: &'n Node,
}

/// Returns the Secrets of a document: itself, or those of a list.
pub fn secrets(document: &Node) -> Vec<SecretObject<'_>> {
    let mut reader = Reader {
        document,
        anchors: None,
        found: Vec::new(),
    };
    reader.object(document, None, DEPTH);
    reader.found
}

struct Reader<'n> {
    document: &'n Node,
    /// The anchored nodes, once one was asked for.
    anchors: Option<HashMap<usize, &'n Node>>,
    found: Vec<SecretObject<'n>>,
}

impl<'n> Reader<'n> {
    /// An object, or a list of them. The items of a typed list need not say their kind.
    fn object(&mut self, node: &'n Node, typed: Option<&'n str>, depth: usize) {
        let (Some(node), Some(depth)) = (self.resolved(node, depth), depth.checked_sub(1)) else {
            return;
        };
        if let Kind::Seq(items) = &node.kind {
            items.iter().for_each(|item| self.object(item, None, depth));
            return;
        }
        let kind = self.get(node, "kind", depth).and_then(Node::as_str).or(typed);
        match kind {
            Some("Secret") => {
                let mut values = Vec::new();
                for section in SECTIONS {
                    self.values(node, section, depth, &mut values);
                }
                self.found.push(SecretObject { values });
            }
            Some(kind) => {
                let Some(of) = kind.strip_suffix("List") else {
                    return;
                };
                let items = self.get(node, "items", depth).map(Node::items);
                for item in items.unwrap_or_default() {
                    self.object(item, Some(of), depth);
                }
            }
            None => {}
        }
    }

    fn values(&mut self, node: &'n Node, section: &'static str, depth: usize, values: &mut Vec<Value<'n>>) {
        if let Some(part) = self.get(node, section, depth) {
            self.entries(part, section, depth, values);
        }
    }

    /// The entries of a mapping, those of what is merged into it as well.
    fn entries(&mut self, part: &'n Node, section: &'static str, depth: usize, values: &mut Vec<Value<'n>>) {
        for (key, value) in part.entries() {
            if !key.is_merge() {
                let key = key.as_str().unwrap_or_default();
                let node = self.resolved(value, depth).unwrap_or(value);
                values.push(Value { section, key, node });
                continue;
            }
            let Some(depth) = depth.checked_sub(1) else {
                continue;
            };
            for source in self.sources(value, depth) {
                self.entries(source, section, depth, values);
            }
        }
    }

    /// Returns what a mapping has under a key, itself or by a merge key.
    fn get(&mut self, node: &'n Node, key: &str, depth: usize) -> Option<&'n Node> {
        if let Some(own) = node.get(key) {
            return self.resolved(own, depth);
        }
        let depth = depth.checked_sub(1)?;
        let sources = self.sources(node.merged()?, depth);
        sources
            .into_iter()
            .find_map(|source| self.get(source, key, depth))
    }

    /// Returns the mappings that a merge key names.
    fn sources(&mut self, merged: &'n Node, depth: usize) -> Vec<&'n Node> {
        let Some(merged) = self.resolved(merged, depth) else {
            return Vec::new();
        };
        match &merged.kind {
            Kind::Seq(items) => items
                .iter()
                .filter_map(|item| self.resolved(item, depth))
                .collect(),
            _ => vec![merged],
        }
    }

    /// Returns the node that an alias stands for; any other node is its own.
    fn resolved(&mut self, node: &'n Node, depth: usize) -> Option<&'n Node> {
        let Kind::Alias(anchor) = node.kind else {
            return Some(node);
        };
        let document = self.document;
        let anchors = self.anchors.get_or_insert_with(|| {
            let mut anchors = HashMap::new();
            collect(document, &mut anchors);
            anchors
        });
        let target = anchors.get(&anchor).copied()?;
        self.resolved(target, depth.checked_sub(1)?)
    }
}

fn collect<'n>(node: &'n Node, anchors: &mut HashMap<usize, &'n Node>) {
    if node.anchor != 0 {
        anchors.insert(node.anchor, node);
    }
    node.children().for_each(|child| collect(child, anchors));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<String> {
        let documents = yaml::parse(text).expect("YAML");
        let all = documents.iter().flat_map(secrets);
        all.flat_map(|secret| secret.values)
            .map(|value| {
                let text = value.node.as_str().unwrap_or("?");
                format!("{}.{}={text}", value.section, value.key)
            })
            .collect()
    }

    #[test]
    fn values_are_found_in_every_place() {
        for text in [
            "kind: Secret\nstringData: {a: b}\n",
            "kind: List\nitems: [{kind: List, items: [{kind: Secret, stringData: {a: b}}]}]\n",
            "kind: SecretList\nitems: [{stringData: {a: b}}]\n",
            "- kind: Secret\n  stringData: {a: b}\n",
            "x: &x {a: b}\nkind: Secret\nstringData: *x\n",
            "x: &x b\nkind: Secret\nstringData: {a: *x}\n",
            "x: &x {a: b}\nkind: Secret\nstringData: {<<: *x}\n",
            "x: &x {kind: Secret, stringData: {a: b}}\n<<: *x\n",
            "x: &x {kind: Secret}\ny: &y {stringData: {a: b}}\n<<: [*x, *y]\n",
            "x: &x {kind: Secret, stringData: {a: b}}\nkind: List\nitems: [*x]\n",
        ] {
            assert_eq!(found(text), ["stringData.a=b"], "{text}");
        }
        assert_eq!(
            found("kind: Secret\nstringData: {a: b}\ndata: {c: [x]}\n"),
            ["data.c=?", "stringData.a=b"]
        );
    }

    #[test]
    fn what_leads_back_to_itself_ends() {
        for text in [
            "a: &a [*a]\n",
            "&a kind: List\nitems: &b [*b]\n",
            "x: &x {<<: *x}\n<<: *x\n",
        ] {
            let _ = yaml::parse(text)
                .map(|documents| documents.iter().map(|one| secrets(one).len()).sum::<usize>());
        }
        let deep = format!("{}{}", "[".repeat(60), "]".repeat(60));
        assert_eq!(found(&deep), [""; 0]);
    }
}
