//! Objects of many kinds.

use serde_json::{Map, Value, json};

use super::{Generator, Made};

pub const NAMES: [&str; 5] = ["app", "web", "db", "cfg", "job-1"];
pub const NAMESPACES: [&str; 3] = ["default", "media", "flux-system"];
pub const LABELS: [&str; 3] = ["app", "tier", "x.io/part"];

/// apiVersion and kind, and whether it is in a namespace.
pub const KINDS: [(&str, &str, bool); 34] = [
    ("apps/v1", "Deployment", true),
    ("apps/v1", "Deployment", true),
    ("apps/v1", "StatefulSet", true),
    ("apps/v1", "DaemonSet", true),
    ("batch/v1", "CronJob", true),
    ("batch/v1", "Job", true),
    ("v1", "Pod", true),
    ("v1", "Service", true),
    ("v1", "Service", true),
    ("v1", "ConfigMap", true),
    ("v1", "ConfigMap", true),
    ("v1", "Secret", true),
    ("v1", "ServiceAccount", true),
    ("v1", "PersistentVolumeClaim", true),
    ("v1", "PersistentVolume", false),
    ("v1", "Namespace", false),
    ("rbac.authorization.k8s.io/v1", "Role", true),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", true),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", false),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", false),
    ("networking.k8s.io/v1", "Ingress", true),
    ("networking.k8s.io/v1", "NetworkPolicy", true),
    ("autoscaling/v1", "HorizontalPodAutoscaler", true),
    ("policy/v1", "PodDisruptionBudget", true),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", false),
    (
        "admissionregistration.k8s.io/v1",
        "ValidatingWebhookConfiguration",
        false,
    ),
    ("helm.toolkit.fluxcd.io/v2", "HelmRelease", true),
    ("example.com/v1", "Widget", true),
    ("storage.k8s.io/v1", "StorageClass", false),
    ("scheduling.k8s.io/v1", "PriorityClass", false),
    ("networking.k8s.io/v1", "IngressClass", false),
    ("apiregistration.k8s.io/v1", "APIService", false),
    ("v1", "PodTemplate", true),
    ("apps/v1", "ReplicaSet", true),
];

impl Generator {
    /// An object of any kind, with what is known of it.
    pub fn object(&mut self) -> (Value, Made) {
        let (api_version, kind, is_namespaced) = *self.dice.pick(&KINDS);
        self.object_of(api_version, kind, is_namespaced)
    }

    pub fn object_of(
        &mut self,
        api_version: &'static str,
        kind: &'static str,
        is_namespaced: bool,
    ) -> (Value, Made) {
        let name = (*self.dice.pick(&NAMES)).to_owned();
        let namespace = (is_namespaced && self.dice.one_in(3)).then(|| *self.dice.pick(&NAMESPACES));
        let mut meta = Map::new();
        meta.insert("name".into(), json!(name));
        if let Some(namespace) = namespace {
            meta.insert("namespace".into(), json!(namespace));
        }
        let mut labels = Vec::new();
        if self.dice.one_in(2) {
            let label = *self.dice.pick(&LABELS);
            labels.push(label);
            meta.insert("labels".into(), json!({ label: *self.dice.pick(&NAMES) }));
        }
        if self.dice.one_in(4) {
            let value = if self.dice.one_in(4) {
                json!(true)
            } else {
                json!("yes")
            };
            meta.insert("annotations".into(), json!({ "note": value, "b": "1" }));
        }
        if self.dice.one_in(30) {
            self.feature("local-config");
            let value = *self.dice.pick(&["true", "false"]);
            meta.insert(
                "annotations".into(),
                json!({"config.kubernetes.io/local-config": value}),
            );
        }
        if self.dice.one_in(12) {
            meta.insert("finalizers".into(), json!(["x.io/a", "x.io/b"]));
        }
        let mut object = Map::new();
        object.insert("apiVersion".into(), json!(api_version));
        object.insert("kind".into(), json!(kind));
        object.insert("metadata".into(), Value::Object(meta));
        self.body(kind, &mut object);
        let made = Made {
            api_version,
            kind,
            name,
            namespace,
            labels,
        };
        (Value::Object(object), made)
    }

    fn body(&mut self, kind: &str, object: &mut Map<String, Value>) {
        let mut spec = |value: Value| object.insert("spec".into(), value);
        match kind {
            "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "ReplicaSet" => {
                let value = self.workload(kind);
                spec(value);
            }
            "CronJob" => {
                let pod = self.pod();
                spec(json!({"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}}));
            }
            "Pod" => {
                let pod = self.pod();
                spec(pod);
            }
            "Service" => {
                let name = *self.dice.pick(&NAMES);
                let mut value =
                    json!({"ports": [{"port": 80, "targetPort": "http"}, {"port": 443, "name": "tls"}]});
                if self.dice.one_in(2) {
                    value["selector"] = json!({"app": name});
                }
                spec(value);
            }
            "ConfigMap" => {
                object.insert(
                    "data".into(),
                    json!({"a": "1", "b.yaml": "x: 1\ny: [2]\n", "c": "plain text"}),
                );
            }
            "Secret" => {
                object.insert("stringData".into(), json!({"user": "me", "empty": ""}));
            }
            "PersistentVolumeClaim" => {
                let name = *self.dice.pick(&NAMES);
                spec(json!({"accessModes": ["ReadWriteOnce"], "storageClassName": name, "volumeName": name}));
            }
            "Role" | "ClusterRole" => {
                let name = *self.dice.pick(&NAMES);
                object.insert(
                    "rules".into(),
                    json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [name, "web"], "verbs": ["get"]}]),
                );
            }
            "RoleBinding" | "ClusterRoleBinding" => self.binding(object),
            "HorizontalPodAutoscaler" => {
                let name = *self.dice.pick(&NAMES);
                let kind = *self.dice.pick(&["Deployment", "StatefulSet"]);
                spec(
                    json!({"maxReplicas": 3, "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name}}),
                );
            }
            _ => self.other_body(kind, object),
        }
    }

    fn other_body(&mut self, kind: &str, object: &mut Map<String, Value>) {
        let name = *self.dice.pick(&NAMES);
        let mut spec = |value: Value| object.insert("spec".into(), value);
        match kind {
            "Ingress" => {
                spec(json!({
                    "ingressClassName": name,
                    "tls": [{"hosts": ["a.example.com"], "secretName": name}],
                    "rules": [{"host": "a.example.com", "http": {"paths": [
                        {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": name, "port": {"number": 80}}}}
                    ]}}]
                }));
            }
            "NetworkPolicy" => {
                spec(json!({
                    "podSelector": {"matchLabels": {"app": name}},
                    "ingress": [{"from": [{"podSelector": {"matchLabels": {"tier": name}}}]}]
                }));
            }
            "PodDisruptionBudget" => {
                spec(json!({"minAvailable": 1, "selector": {"matchLabels": {"app": name}}}));
            }
            "CustomResourceDefinition" => {
                spec(json!({
                    "group": "example.com",
                    "conversion": {"webhook": {"clientConfig": {"service": {"name": name, "namespace": "default"}}}},
                    "names": {"kind": "Widget"}
                }));
            }
            "ValidatingWebhookConfiguration" => {
                object.insert(
                    "webhooks".into(),
                    json!([
                        {"name": "a.example.com", "clientConfig": {"service": {"name": name, "namespace": "default"}}},
                        {"name": "b.example.com", "failurePolicy": "Fail"}
                    ]),
                );
            }
            "HelmRelease" => {
                spec(json!({
                    "interval": "1h",
                    "chartRef": {"kind": "OCIRepository", "name": name},
                    "values": {"image": {"tag": "v1", "n": 3, "f": 1.5, "off": null},
                        "containers": [{"name": name, "image": "nginx:1"}], "list": [1, 2, {"name": "x"}]}
                }));
            }
            "APIService" => {
                spec(
                    json!({"service": {"name": name, "namespace": "kube-system"}, "group": "x.example.com"}),
                );
            }
            "StorageClass" => {
                object.insert("parameters".into(), json!({"secretName": name, "type": "ssd"}));
            }
            "PodTemplate" => {
                object.insert(
                    "template".into(),
                    json!({"spec": {"containers": [{"name": "main", "image": "nginx", "envFrom": [{"configMapRef": {"name": name}}]}]}}),
                );
            }
            "Widget" => {
                spec(json!({
                    "size": 3, "ref": {"name": name}, "big": 2_000_000,
                    "containers": [{"name": "one", "image": "nginx"}, {"name": "two"}],
                    "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": []}}
                }));
            }
            _ => {}
        }
    }

    fn binding(&mut self, object: &mut Map<String, Value>) {
        let name = *self.dice.pick(&NAMES);
        let role = *self.dice.pick(&["Role", "ClusterRole"]);
        let account = if self.dice.one_in(3) {
            "default"
        } else {
            *self.dice.pick(&NAMES)
        };
        object.insert(
            "roleRef".into(),
            json!({"apiGroup": "rbac.authorization.k8s.io", "kind": role, "name": name}),
        );
        let mut subject = json!({"kind": "ServiceAccount", "name": account});
        if !self.dice.one_in(3) {
            subject["namespace"] = json!(*self.dice.pick(&NAMESPACES));
        }
        object.insert(
            "subjects".into(),
            json!([subject, {"kind": "User", "name": "me"}]),
        );
    }

    fn workload(&mut self, kind: &str) -> Value {
        let pod = self.pod();
        let name = *self.dice.pick(&NAMES);
        let mut spec = json!({"template": {"metadata": {"labels": {"app": name}}, "spec": pod}});
        if kind != "Job" {
            spec["selector"] = json!({"matchLabels": {"app": name}});
        }
        if matches!(kind, "Deployment" | "StatefulSet") && self.dice.one_in(2) {
            spec["replicas"] = json!(2);
        }
        if kind == "StatefulSet" {
            spec["serviceName"] = json!(name);
            spec["volumeClaimTemplates"] =
                json!([{"metadata": {"name": "data"}, "spec": {"storageClassName": name}}]);
        }
        if self.dice.one_in(6) {
            spec["template"]["metadata"] = Value::Null;
        }
        spec
    }

    pub fn pod(&mut self) -> Value {
        let name = *self.dice.pick(&NAMES);
        let image = *self.dice.pick(&[
            "nginx",
            "nginx:1.2",
            "ghcr.io/x/app:v1",
            "host:5000/a/b:1@sha256:0123",
            "nginx@sha256:4567",
        ]);
        let mut container = json!({
            "name": "main", "image": image,
            "env": [{"name": "A", "value": "1"},
                {"name": "B", "valueFrom": {"configMapKeyRef": {"name": name, "key": "a"}}},
                {"name": "C", "valueFrom": {"secretKeyRef": {"name": name, "key": "b"}}}],
            "ports": [{"containerPort": 80, "name": "http"}, {"containerPort": 53, "protocol": "UDP"},
                {"containerPort": 53, "protocol": "TCP"}],
            "args": ["--a", "--b=1"]
        });
        if self.dice.one_in(2) {
            container["envFrom"] = json!([{"configMapRef": {"name": name}}, {"secretRef": {"name": "web"}}]);
        }
        if self.dice.one_in(3) {
            container["volumeMounts"] =
                json!([{"name": "cfg", "mountPath": "/cfg"}, {"name": "sec", "mountPath": "/sec"}]);
            container["resources"] = json!({"limits": {"cpu": 1, "memory": "1Gi"}, "requests": null});
        }
        let mut pod = json!({"containers": [container]});
        if self.dice.one_in(2) {
            pod["containers"]
                .as_array_mut()
                .expect("a list")
                .push(json!({"name": "side", "image": "busybox:1"}));
        }
        if self.dice.one_in(3) {
            pod["volumes"] = json!([
                {"name": "cfg", "configMap": {"name": name}},
                {"name": "sec", "secret": {"secretName": name}},
                {"name": "pvc", "persistentVolumeClaim": {"claimName": name}},
                {"name": "all", "projected": {"sources": [{"configMap": {"name": "cfg"}}, {"secret": {"name": "db"}}]}}
            ]);
        }
        if self.dice.one_in(3) {
            pod["serviceAccountName"] = json!(name);
            pod["priorityClassName"] = json!(name);
            pod["affinity"] = json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                [{"labelSelector": {"matchLabels": {"app": name}}, "topologyKey": "zone"}]}});
            pod["initContainers"] = json!([{"name": "init", "image": "busybox"}]);
            pod["tolerations"] = json!([{"key": "a", "operator": "Exists"}]);
        }
        pod
    }
}
