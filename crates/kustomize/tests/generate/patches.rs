//! Patches and replacements.

use serde_json::{Map, Value, json};

use super::manifests::NAMES;
use super::{Generator, Made};

impl Generator {
    pub fn patch_entries(&mut self, folder: &str, objects: &[Made], file: &mut Map<String, Value>) {
        if objects.is_empty() {
            return;
        }
        let mut entries = Vec::new();
        for number in 0..=self.dice.below(3) {
            let made = self.dice.pick(objects).clone();
            let mut entry = json!({});
            let text = if self.dice.one_in(3) {
                self.feature("JSON patch");
                entry["target"] = if self.dice.one_in(5) {
                    self.target(&made)
                } else {
                    json!({"kind": made.kind, "name": made.name})
                };
                self.operations(&made)
            } else {
                self.feature("strategic patch");
                if self.dice.one_in(2) {
                    entry["target"] = self.target(&made);
                }
                self.strategic(&made)
            };
            if self.dice.one_in(6) {
                let option = *self.dice.pick(&["allowNameChange", "allowKindChange"]);
                self.feature("patch options");
                // The hash of a generated object of another kind is that of kustomize's own nodes, with their lines.
                if option == "allowKindChange" && entry.get("target").is_some() {
                    entry["target"] = json!({"kind": made.kind, "name": format!("{}.*", made.name)});
                }
                entry["options"] = json!({option: true});
            }
            let text = if entry.get("target").is_none() && self.dice.one_in(5) {
                self.feature("several patches in one");
                let other = self.dice.pick(objects).clone();
                format!("{text}---\n{}", self.strategic(&other))
            } else {
                text
            };
            if self.dice.one_in(3) {
                let name = format!("patch-{number}.yaml");
                self.put(&format!("{folder}/{name}"), text);
                entry["path"] = json!(name);
            } else {
                entry["patch"] = json!(text);
            }
            entries.push(entry);
        }
        match self.dice.below(8) {
            0 => self.older(folder, objects, file),
            _ => {
                file.insert("patches".into(), Value::Array(entries));
            }
        }
    }

    /// The older spellings.
    fn older(&mut self, folder: &str, objects: &[Made], file: &mut Map<String, Value>) {
        let made = self.dice.pick(objects).clone();
        if self.dice.one_in(2) {
            self.feature("patchesStrategicMerge");
            let text = self.strategic(&made);
            if self.dice.one_in(2) {
                self.put(&format!("{folder}/older.yaml"), text);
                file.insert("patchesStrategicMerge".into(), json!(["older.yaml"]));
            } else {
                file.insert("patchesStrategicMerge".into(), json!([text]));
            }
        } else {
            self.feature("patchesJson6902");
            let text = self.operations(&made);
            let target = json!({"version": "v1", "kind": made.kind, "name": made.name});
            self.put(&format!("{folder}/older.yaml"), text);
            file.insert(
                "patchesJson6902".into(),
                json!([{"target": target, "path": "older.yaml"}]),
            );
        }
    }

    fn target(&mut self, made: &Made) -> Value {
        let mut target = Map::new();
        match self.dice.below(6) {
            0 => {
                target.insert("kind".into(), json!(made.kind));
            }
            1 => {
                let start: String = made.name.chars().take(2).collect();
                target.insert("name".into(), json!(format!("{start}.*")));
            }
            2 => {
                self.feature("labelSelector");
                let label = made.labels.first().copied().unwrap_or("app");
                let text = match self.dice.below(3) {
                    0 => label.to_owned(),
                    1 => format!("{label} in (app, web)"),
                    _ => format!("!{label}"),
                };
                target.insert("labelSelector".into(), json!(text));
            }
            3 => {
                self.feature("annotationSelector");
                target.insert("annotationSelector".into(), json!("note=yes"));
            }
            4 => {
                target.insert("group".into(), json!(made.group()));
                target.insert("kind".into(), json!(made.kind));
                target.insert("namespace".into(), json!(made.namespace.unwrap_or("default")));
            }
            _ => {
                target.insert("kind".into(), json!(format!("{}|Nothing", made.kind)));
                target.insert("name".into(), json!(made.name));
            }
        }
        Value::Object(target)
    }

    /// A strategic merge patch for an object.
    fn strategic(&mut self, made: &Made) -> String {
        let mut patch = json!({
            "apiVersion": made.api_version,
            "kind": made.kind,
            "metadata": {"name": made.name}
        });
        if let Some(namespace) = made.namespace {
            patch["metadata"]["namespace"] = json!(namespace);
        }
        match self.dice.below(5) {
            0 => patch["metadata"]["labels"] = json!({"patched": "yes", "app": null}),
            1 => patch["metadata"]["annotations"] = json!({"patched": "1", "note": null}),
            _ => {}
        }
        if self.dice.one_in(10) {
            self.feature("$patch: delete");
            patch["$patch"] = json!("delete");
            return yaml::to_string(&patch);
        }
        match made.kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => {
                patch["spec"] = json!({"template": {"spec": self.pod_patch()}});
            }
            "CronJob" => {
                patch["spec"] = json!({"jobTemplate": {"spec": {"template": {"spec": self.pod_patch()}}}});
            }
            "Pod" => patch["spec"] = self.pod_patch(),
            "Service" => {
                patch["spec"] =
                    json!({"ports": [{"port": 443, "targetPort": 8443}, {"port": 9000}], "type": "NodePort"});
            }
            "ConfigMap" => patch["data"] = json!({"a": "2", "c": null, "d": "new"}),
            "Secret" => patch["stringData"] = json!({"user": "you"}),
            "ReplicaSet" => patch["spec"] = json!({"template": {"spec": self.pod_patch()}}),
            "ServiceAccount" => patch["imagePullSecrets"] = json!([{"name": "web"}]),
            "ValidatingWebhookConfiguration" => {
                patch["webhooks"] =
                    json!([{"name": "b.example.com", "failurePolicy": "Ignore"}, {"name": "c.example.com"}]);
            }
            "HelmRelease" => {
                patch["spec"] = json!({"values": {"image": {"tag": "v2", "n": null}, "list": [9], "new": {"a": null, "b": 1}}});
            }
            "Widget" => {
                patch["spec"] = match self.dice.below(3) {
                    0 => json!({"$patch": "replace", "size": 4}),
                    1 => json!({"size": "5", "containers": [{"name": "one", "image": "x"}]}),
                    _ => json!({"template": {"$patch": "delete"}, "size": 1.5}),
                };
            }
            _ => {}
        }
        if self.dice.one_in(8) {
            patch["metadata"]["finalizers"] = json!(["x.io/b", "x.io/c"]);
        }
        yaml::to_string(&patch)
    }

    fn pod_patch(&mut self) -> Value {
        match self.dice.below(8) {
            0 => {
                json!({"containers": [{"name": "main", "image": "other:2", "env": [{"name": "A", "value": "9"}, {"name": "Z", "value": "z"}]}]})
            }
            1 => {
                json!({"containers": [{"name": "new", "image": "new:1"}, {"name": "main", "args": ["--c"]}]})
            }
            2 => {
                self.feature("$patch: delete");
                json!({"containers": [{"name": "main", "$patch": "delete"}, {"name": "only", "image": "x"}]})
            }
            3 => {
                self.feature("$patch: replace");
                json!({"containers": [{"name": "fresh", "image": "y"}, {"$patch": "replace"}]})
            }
            4 => {
                json!({"containers": [{"name": "main", "ports": [{"containerPort": 53, "protocol": "UDP", "name": "dns"}, {"containerPort": 80}]}]})
            }
            5 => {
                json!({"volumes": [{"name": "cfg", "emptyDir": {}, "configMap": null}, {"name": "tmp", "emptyDir": {}}], "tolerations": [{"key": "b"}]})
            }
            6 => {
                json!({"containers": [{"name": "main", "resources": {"limits": {"cpu": "2"}}, "volumeMounts": [{"name": "x", "mountPath": "/cfg"}]}], "initContainers": null})
            }
            _ => {
                json!({"containers": [{"name": "main", "env": [{"name": "B", "value": "set", "valueFrom": null}, {"name": "C", "$patch": "delete"}]}], "serviceAccountName": "db"})
            }
        }
    }

    /// JSON operations that fit an object, and now and then one that may not.
    fn operations(&mut self, made: &Made) -> String {
        let is_workload = matches!(made.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job");
        let mut list = Vec::new();
        for _ in 0..=self.dice.below(3) {
            let image = "/spec/template/spec/containers/0/image";
            list.push(match self.dice.below(14) {
                0 => json!({"op": "replace", "path": "/metadata/labels", "value": {"new": "1"}}),
                1 if !made.labels.is_empty() => json!({"op": "add", "path": "/metadata/labels/x.io~1a", "value": "b"}),
                2 if made.kind == "HelmRelease" => json!({"op": "add", "path": "/spec/values/list/-", "value": 7}),
                3 => json!({"op": "remove", "path": "/metadata/annotations"}),
                4 => json!({"op": "test", "path": "/kind", "value": made.kind}),
                5 => json!({"op": "copy", "from": "/metadata/name", "path": "/metadata/copied"}),
                6 if is_workload => json!({"op": "move", "from": "/spec/template/spec/containers/0", "path": "/spec/template/spec/containers/-"}),
                7 => json!({"op": "replace", "path": "/metadata/name", "value": *self.dice.pick(&NAMES)}),
                8 if is_workload => json!({"op": "replace", "path": image, "value": "p:1"}),
                9 => json!({"op": "add", "path": "/spec", "value": {"n": 1_000_000, "t": "12", "f": 0.5, "nothing": null}}),
                10 => json!({"op": "add", "path": "/metadata/annotations", "value": {"a": "1"}}),
                11 if is_workload => json!({"op": "add", "path": "/spec/template/spec/containers/0/args/1", "value": "--x"}),
                12 if self.dice.one_in(4) => json!({"op": "remove", "path": image}),
                _ => json!({"op": "add", "path": "/extra", "value": [1, "2", true, 1.5, "2024-01-02"]}),
            });
        }
        if self.dice.one_in(3) {
            Value::Array(list).to_string()
        } else {
            yaml::to_string(&Value::Array(list))
        }
    }

    pub fn replacements(&mut self, folder: &str, objects: &[Made], file: &mut Map<String, Value>) {
        if objects.is_empty() {
            return;
        }
        self.feature("replacements");
        let source = self.dice.pick(objects).clone();
        let target = self.dice.pick(objects).clone();
        let is_workload = matches!(target.kind, "Deployment" | "StatefulSet" | "DaemonSet" | "Job");
        let fields: &[&str] = if source.labels.contains(&"app") {
            &["metadata.name", "kind", "metadata.labels.app"]
        } else if self.dice.one_in(6) {
            &["spec", "metadata.labels.app"]
        } else {
            &["metadata.name", "metadata.name", "apiVersion", "kind"]
        };
        let field = *self.dice.pick(fields);
        // An object that is copied into itself is copied while it changes.
        let field = if field == "spec" && source.kind == target.kind {
            "kind"
        } else {
            field
        };
        let mut from = json!({"kind": source.kind, "name": source.name, "fieldPath": field});
        if let Some(namespace) = source.namespace {
            from["namespace"] = json!(namespace);
        }
        if self.dice.one_in(4) {
            from["options"] = json!({"delimiter": "p", "index": usize::from(self.dice.one_in(4))});
        }
        let paths: &[&str] = match target.kind {
            _ if is_workload => &[
                "metadata.annotations.copied",
                "spec.template.spec.containers.[name=main].image",
                "spec.template.spec.containers.*.name",
                "spec.template.spec.containers.0.args.0",
                "spec.template.spec.containers.[name=made].image",
                "spec.replicas",
            ],
            "Widget" => &[
                "spec.ref.name",
                "spec.size",
                "spec.containers.[name=one].image",
                "spec.new.deep",
            ],
            "HelmRelease" => &[
                "spec.values.image.tag",
                "spec.values.list.0",
                "spec.values.list.3",
                "spec.values.image.n",
            ],
            _ => &[
                "metadata.annotations.copied",
                "metadata.labels.[x.io/copied]",
                "metadata.name",
            ],
        };
        let path = *self.dice.pick(paths);
        let mut to = json!({"select": {"kind": target.kind, "name": target.name}, "fieldPaths": [path]});
        match self.dice.below(5) {
            0..=2 => to["options"] = json!({"create": true}),
            3 => {
                let index = *self.dice.pick(&[0, 1, 5, -1]);
                to["options"] = json!({"delimiter": "-", "index": index, "create": !self.dice.one_in(4)});
            }
            _ => to["reject"] = json!([{"name": "web"}]),
        }
        let mut entry = json!({"source": from, "targets": [to]});
        if self.dice.one_in(6) {
            entry["source"] = Value::Null;
            entry["sourceValue"] = json!("given");
        }
        if self.dice.one_in(4) {
            self.put(
                &format!("{folder}/replacement.yaml"),
                yaml::to_string(&json!([entry])),
            );
            file.insert("replacements".into(), json!([{"path": "replacement.yaml"}]));
        } else {
            file.insert("replacements".into(), json!([entry]));
        }
    }
}
