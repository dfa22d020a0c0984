//! Build files: folders, generators, names, labels, images.

use serde_json::{Map, Value, json};

use super::manifests::{LABELS, NAMES, NAMESPACES};
use super::{Generator, Made};

impl Generator {
    /// A folder of manifests.
    pub fn base(&mut self, folder: &str, is_bare: bool) -> Vec<Made> {
        let mut made: Vec<Made> = Vec::new();
        let mut resources = Vec::new();
        for number in 0..=self.dice.below(4) {
            let mut documents = Vec::new();
            for _ in 0..=self.dice.below(3) {
                let (mut object, mut one) = self.object();
                if folder == "other" {
                    one.name.push_str("-o");
                    object["metadata"]["name"] = json!(one.name);
                }
                let namespace = |made: &Made| made.namespace.unwrap_or("default");
                let is_new = made.iter().all(|other| {
                    (other.kind, &other.name, namespace(other)) != (one.kind, &one.name, namespace(&one))
                });
                if is_new {
                    made.push(one);
                    documents.push(object);
                }
            }
            if !documents.is_empty() {
                let text = self.documents(&documents);
                let name = format!("file-{number}.yaml");
                self.put(&format!("{folder}/{name}"), text);
                resources.push(json!(if self.dice.one_in(4) {
                    format!("./{name}")
                } else {
                    name
                }));
            }
        }
        let mut file = Map::new();
        file.insert("resources".into(), Value::Array(resources));
        if !is_bare {
            self.changes(folder, &made, &mut file);
            made.extend(self.generators(folder, &mut file, &[]));
        }
        self.build_file(folder, file, false);
        made
    }

    pub fn component(&mut self, folder: &str, objects: &[Made]) -> Vec<Made> {
        let mut file = Map::new();
        let made = self.generators(folder, &mut file, objects);
        self.changes(folder, objects, &mut file);
        if file.is_empty() {
            file.insert("commonAnnotations".into(), json!({"component": "yes"}));
        }
        self.build_file(folder, file, true);
        made
    }

    pub fn overlay(&mut self, folder: &str, bases: &[String], components: &[String], objects: &[Made]) {
        let mut file = Map::new();
        let paths = |list: &[String]| {
            list.iter()
                .map(|base| json!(format!("../{base}")))
                .collect::<Vec<_>>()
        };
        if self.dice.one_in(5) {
            self.feature("own manifest");
            let (mut object, one) = self.object();
            object["metadata"]["name"] = json!(format!("own-{folder}-{}", one.name));
            let text = self.documents(&[object]);
            self.put(&format!("{folder}/own.yaml"), text);
        }
        let key = if self.dice.one_in(6) { "bases" } else { "resources" };
        if key == "bases" {
            self.feature("bases");
        }
        file.insert(key.into(), Value::Array(paths(bases)));
        if self.tree.files.contains_key(&format!("{folder}/own.yaml")) {
            file.entry("resources")
                .or_insert_with(|| json!([]))
                .as_array_mut()
                .expect("a list")
                .insert(0, json!("own.yaml"));
        }
        if !components.is_empty() {
            file.insert("components".into(), Value::Array(paths(components)));
        }
        self.changes(folder, objects, &mut file);
        self.generators(folder, &mut file, objects);
        self.build_file(folder, file, false);
    }

    fn build_file(&mut self, folder: &str, mut file: Map<String, Value>, is_component: bool) {
        if is_component {
            file.insert("apiVersion".into(), json!("kustomize.config.k8s.io/v1alpha1"));
            file.insert("kind".into(), json!("Component"));
        } else if !self.dice.one_in(3) {
            file.insert("apiVersion".into(), json!("kustomize.config.k8s.io/v1beta1"));
            file.insert("kind".into(), json!("Kustomization"));
        }
        let name = match self.dice.below(6) {
            0 => {
                self.feature("kustomization.yml");
                "kustomization.yml"
            }
            1 => {
                self.feature("Kustomization");
                "Kustomization"
            }
            _ => "kustomization.yaml",
        };
        let mut text = if self.dice.one_in(4) {
            "---\n".to_owned()
        } else {
            String::new()
        };
        text.push_str(&yaml::to_string(&Value::Object(file)));
        self.put(&format!("{folder}/{name}"), text);
    }

    /// Everything that changes objects.
    fn changes(&mut self, folder: &str, objects: &[Made], file: &mut Map<String, Value>) {
        if self.dice.one_in(3) {
            self.feature("namespace");
            let namespace = *self.dice.pick(&NAMESPACES);
            file.insert("namespace".into(), json!(namespace));
        }
        if self.dice.one_in(4) {
            self.feature("namePrefix");
            let prefix = *self.dice.pick(&["my-", "a.", "1"]);
            file.insert("namePrefix".into(), json!(prefix));
        }
        if self.dice.one_in(5) {
            self.feature("nameSuffix");
            file.insert("nameSuffix".into(), json!("-v2"));
        }
        if self.dice.one_in(4) {
            self.labels(file);
        }
        if self.dice.one_in(5) {
            self.feature("commonAnnotations");
            file.insert("commonAnnotations".into(), json!({"note": "no", "team": "a"}));
        }
        if self.dice.one_in(4) {
            self.images(file);
        }
        if self.dice.one_in(5) {
            self.replicas(objects, file);
        }
        if self.dice.one_in(3) {
            self.patch_entries(folder, objects, file);
        }
        if self.dice.one_in(5) {
            self.replacements(folder, objects, file);
        }
        if self.dice.one_in(10) {
            self.configurations(folder, file);
        }
        if self.dice.one_in(10) {
            self.transformers(folder, file);
        }
        if self.dice.one_in(8) {
            self.feature("sortOptions");
            let options = match self.dice.below(3) {
                0 => json!({"order": "fifo"}),
                1 => json!({"order": "legacy"}),
                _ => json!({"order": "legacy", "legacySortOptions":
                    {"orderFirst": ["Secret", "Widget"], "orderLast": ["Namespace"]}}),
            };
            file.insert("sortOptions".into(), options);
        }
    }

    /// Transformers that are objects.
    fn transformers(&mut self, folder: &str, file: &mut Map<String, Value>) {
        self.feature("transformers");
        let text = *self.dice.pick(&[
            "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: n, namespace: media}\nunsetOnly: true\n",
            "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: n, namespace: x}\nsetRoleBindingSubjects: allServiceAccounts\nfieldSpecs:\n- {path: spec/where, create: true, kind: Widget}\n- {path: metadata/name, kind: Namespace}\n",
            "apiVersion: builtin\nkind: NamespaceTransformer\nmetadata: {name: n, namespace: y}\nsetRoleBindingSubjects: none\n",
            "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: l}\nlabels: {app: by-plugin}\nfieldSpecs:\n- {path: metadata/labels, create: true}\n",
            "apiVersion: builtin\nkind: AnnotationsTransformer\nmetadata: {name: a}\nannotations: {note: by-plugin}\nfieldSpecs:\n- {path: metadata/annotations, create: true}\n",
            "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: pre-\nfieldSpecs:\n- {path: metadata/name}\n",
            "apiVersion: builtin\nkind: SuffixTransformer\nmetadata: {name: s}\nsuffix: -post\nfieldSpecs:\n- {path: metadata/name, kind: Deployment}\n",
            "apiVersion: builtin\nkind: PrefixTransformer\nmetadata: {name: p}\nprefix: pre-\n",
        ]);
        if self.dice.one_in(2) {
            self.put(&format!("{folder}/transformer.yaml"), text);
            file.insert("transformers".into(), json!(["transformer.yaml"]));
        } else {
            file.insert("transformers".into(), json!([text]));
        }
    }

    fn labels(&mut self, file: &mut Map<String, Value>) {
        let label = *self.dice.pick(&LABELS);
        if self.dice.one_in(3) {
            self.feature("commonLabels");
            file.insert("commonLabels".into(), json!({label: "common", "z": "9"}));
        } else {
            self.feature("labels");
            let mut entry = json!({"pairs": {label: "set", "b": "2"}});
            match self.dice.below(4) {
                0 => entry["includeSelectors"] = json!(true),
                1 => entry["includeTemplates"] = json!(true),
                2 => entry["fields"] = json!([{"path": "spec/labels", "kind": "Widget", "create": true}]),
                _ => {}
            }
            let mut entries = vec![entry];
            if self.dice.one_in(3) {
                let other = *self.dice.pick(&LABELS);
                entries.push(json!({"pairs": {other: "second"}, "includeSelectors": self.dice.one_in(2)}));
            }
            file.insert("labels".into(), Value::Array(entries));
            if self.dice.one_in(4) {
                file.insert("commonLabels".into(), json!({"z": "both"}));
            }
        }
    }

    fn images(&mut self, file: &mut Map<String, Value>) {
        self.feature("images");
        let name = *self
            .dice
            .pick(&["nginx", "busybox", "ghcr.io/x/app", "host:5000/a/b", "ngi.*"]);
        let mut entry = json!({"name": name});
        match self.dice.below(6) {
            0 => entry["newTag"] = json!("v9"),
            1 => entry["newName"] = json!("registry.example.com/nginx"),
            2 => entry["digest"] = json!("sha256:89ab"),
            3 => {
                entry["newTag"] = json!("1.0");
                entry["digest"] = json!("sha256:89ab");
            }
            4 => entry["tagSuffix"] = json!("-alpine"),
            _ => {
                entry["newName"] = json!("caddy");
                entry["newTag"] = json!("2");
            }
        }
        let key = if self.dice.one_in(6) {
            "imageTags"
        } else {
            "images"
        };
        let mut entries = vec![entry];
        if self.dice.one_in(3) {
            entries.push(json!({"name": "caddy", "newTag": "3"}));
            entries.push(json!({"name": "busybox", "newName": "alpine"}));
        }
        file.insert(key.into(), Value::Array(entries));
    }

    fn replicas(&mut self, objects: &[Made], file: &mut Map<String, Value>) {
        let scaled = |made: &&Made| matches!(made.kind, "Deployment" | "StatefulSet");
        let names: Vec<&String> = objects.iter().filter(scaled).map(|made| &made.name).collect();
        if !names.is_empty() {
            self.feature("replicas");
            let name = (*self.dice.pick(&names)).clone();
            file.insert("replicas".into(), json!([{"name": name, "count": 5}]));
        }
    }

    /// Generators. Returns the objects that are new.
    fn generators(&mut self, folder: &str, file: &mut Map<String, Value>, objects: &[Made]) -> Vec<Made> {
        let mut made = Vec::new();
        for (key, kind) in [("configMapGenerator", "ConfigMap"), ("secretGenerator", "Secret")] {
            if !self.dice.one_in(4) {
                continue;
            }
            self.feature(if kind == "Secret" {
                "secretGenerator"
            } else {
                "configMapGenerator"
            });
            let generated: Vec<&Made> = objects.iter().filter(|made| made.kind == kind).collect();
            let mut entry = self.sources(folder, kind);
            if !generated.is_empty() && self.dice.one_in(2) {
                let behavior = *self.dice.pick(&[
                    "merge", "merge", "merge", "replace", "replace", "replace", "create",
                ]);
                self.feature("generator behavior");
                let other = self.dice.pick(&generated);
                entry["name"] = json!(other.name);
                if let Some(namespace) = other.namespace {
                    entry["namespace"] = json!(namespace);
                }
                entry["behavior"] = json!(behavior);
            } else {
                let name = format!("{}-gen-{folder}", self.dice.pick(&NAMES));
                entry["name"] = json!(name);
                made.push(Made {
                    api_version: "v1",
                    kind,
                    name,
                    namespace: None,
                    labels: Vec::new(),
                });
            }
            if kind == "Secret" && self.dice.one_in(3) {
                entry["type"] = json!("kubernetes.io/tls");
            }
            file.insert(key.into(), json!([entry]));
        }
        if file.contains_key("configMapGenerator") && self.dice.one_in(4) {
            self.feature("generatorOptions");
            file.insert(
                "generatorOptions".into(),
                json!({"disableNameSuffixHash": self.dice.one_in(2), "labels": {"gen": "yes"}, "immutable": self.dice.one_in(2)}),
            );
        }
        made
    }

    fn sources(&mut self, folder: &str, kind: &str) -> Value {
        let mut entry = json!({});
        if self.dice.one_in(2) {
            entry["literals"] = json!(["lit=value", "quoted='a b'", "eq=a=b", "amp=<a&b>"]);
        }
        if self.dice.one_in(2) {
            let name = format!("data-{}.txt", kind.to_lowercase());
            let content: Vec<u8> = match self.dice.below(4) {
                0 => vec![0, 255, 254, 1],
                1 => "two\nlines\n".into(),
                2 => "long ".repeat(30).into(),
                _ => "{\"a\": 1}".into(),
            };
            self.put(&format!("{folder}/{name}"), content);
            entry["files"] = if self.dice.one_in(2) {
                json!([name])
            } else {
                json!([format!("key.txt={name}")])
            };
        }
        if self.dice.one_in(3) {
            let name = format!("{}.env", kind.to_lowercase());
            self.put(
                &format!("{folder}/{name}"),
                "# comment\n\nENV_A=1\n ENV_B = x y\nENV_C\nENV_D=\"q\"\r\n",
            );
            if self.dice.one_in(2) {
                entry["envs"] = json!([name]);
            } else {
                entry["env"] = json!(name);
            }
        }
        if self.dice.one_in(4) {
            self.feature("generator options");
            entry["options"] = json!({"labels": {"own": "1"}, "annotations": {"x": "true"}, "disableNameSuffixHash": self.dice.one_in(2)});
        }
        entry
    }

    fn configurations(&mut self, folder: &str, file: &mut Map<String, Value>) {
        self.feature("configurations");
        let text = *self.dice.pick(&[
            "nameReference:\n- kind: ConfigMap\n  version: v1\n  fieldSpecs:\n  - {path: spec/ref/name, kind: Widget}\n",
            "images:\n- {path: spec/image, kind: Widget}\n",
            "commonLabels:\n- {path: spec/labels, create: true, kind: Widget}\n",
            "namePrefix:\n- {path: spec/ref/name, kind: Widget}\n",
            "replicas:\n- {path: spec/size, create: true, kind: Widget}\n",
            "namespace:\n- {path: spec/where, create: true, kind: Widget}\n",
        ]);
        self.put(&format!("{folder}/config.yaml"), text);
        file.insert("configurations".into(), json!(["config.yaml"]));
    }
}
