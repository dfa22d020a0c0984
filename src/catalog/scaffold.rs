//! The files of a new app, for `clusterwright new-app`: complete, so that they pass every check as they are, with
//! comments that say what to change.

use crate::tree::RepoPath;

/// Where a repository keeps apps of its own.
pub const OWN_APPS: &str = "templates/apps";

/// What a new app is to be.
#[derive(Debug, Clone)]
pub struct NewApp {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Name of its Kustomization.
    pub kustomization: String,
    /// Address and version of its chart; without one, it has plain manifests.
    pub chart: Option<(String, String)>,
    /// Whether the namespace is new as well.
    pub new_namespace: bool,
    /// The folder of all apps, relative to the repository.
    pub dir: RepoPath,
}

impl NewApp {
    /// Returns the app's folder.
    pub fn folder(&self) -> String {
        format!("{}/{}/{}", self.dir, self.namespace, self.name)
    }

    /// Returns the files: path relative to the repository, and text.
    pub fn files(&self) -> Vec<(String, String)> {
        let folder = self.folder();
        let fill = |text: &str| self.fill(text);
        let mut files = Vec::new();
        if self.new_namespace {
            let path = format!("{}/{}/namespace.yaml", self.dir, self.namespace);
            files.push((path, fill(NAMESPACE)));
        }
        if self.chart.is_some() {
            files.push((format!("{folder}/app.yaml"), fill(&[HEAD, CHART, TAIL].concat())));
            files.push((format!("{folder}/app/helmrelease.yaml.tera"), fill(HELM_RELEASE)));
        } else {
            files.push((format!("{folder}/app.yaml"), fill(&[HEAD, TAIL].concat())));
            files.push((format!("{folder}/app/deployment.yaml.tera"), fill(DEPLOYMENT)));
            files.push((format!("{folder}/app/service.yaml.tera"), fill(SERVICE)));
        }
        files
    }

    fn fill(&self, text: &str) -> String {
        let up = "../".repeat(self.dir.as_str().split('/').count() + 2);
        let (chart, version) = self.chart.clone().unwrap_or_default();
        let image = chart.trim_start_matches("oci://").to_owned();
        [
            ("{UP}", up.as_str()),
            ("{NAMESPACE}", &self.namespace),
            ("{NAME}", &self.name),
            ("{KEY}", &self.name.replace('-', "_")),
            ("{KUSTOMIZATION}", &self.kustomization),
            ("{CHART}", &chart),
            ("{IMAGE}", &image),
            ("{VERSION}", &version),
        ]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }
}

const HEAD: &str = "\
# yaml-language-server: $schema={UP}.clusterwright/app.schema.json
# What the app is. ks.yaml, every kustomization.yaml and the chart's source are made from this file, and each folder's
# kustomization.yaml lists what lies in it.
summary: What {NAME} does, in one line

# Without `when` the app is always on. With it, keys of cluster.yaml decide: `and`, `or`, `not`, `==` and parentheses.
#when: {KEY}_enabled
";

const CHART: &str = "
chart:
  oci: {CHART}
  # renovate: datasource=docker depName={IMAGE}
  version: \"{VERSION}\"
";

const TAIL: &str = "
kustomizations:
  - name: {KUSTOMIZATION}
    path: app
    # What must be ready first, by the names that `clusterwright graph` shows. An optional one may be off.
    #depends_on:
    #  - cert-manager
    #  - {name: victoria-metrics, optional: true}

# Keys that the app adds to cluster.yaml. Your editor completes them once `clusterwright configure` has run, and templates
# read them by name. A key with `x-secret: true` can only be placed below `stringData` of a file named *.sops.yaml.tera.
#schema:
#  {KEY}_enabled:
#    type: boolean
#    description: Whether {NAME} is installed.
#    default: false
#  {KEY}_token:
#    type: string
#    description: Token that {NAME} logs in with.
#    x-secret: true
";

const HELM_RELEASE: &str = "\
---
#| This is a template: a value of cluster.yaml is written as a name in `#{` and `}#`, a condition between `#% if key %#`
   and `#% endif %#`. Comments like this one are left out of the result. |#
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: #{ app.release }#
spec:
  chartRef:
    kind: OCIRepository
    name: #{ app.release }#
  interval: 1h
  #| What differs from the chart's own values. ${SECRET_DOMAIN} becomes your domain, in the cluster. |#
  values: {}
";

const DEPLOYMENT: &str = "\
---
#| This is a template: a value of cluster.yaml is written as a name in `#{` and `}#`, a condition between `#% if key %#`
   and `#% endif %#`. Comments like this one are left out of the result. Objects name no namespace: it is that of the
   folder. |#
apiVersion: apps/v1
kind: Deployment
metadata:
  name: #{ app.name }#
spec:
  replicas: 1
  selector:
    matchLabels:
      app.kubernetes.io/name: #{ app.name }#
  template:
    metadata:
      labels:
        app.kubernetes.io/name: #{ app.name }#
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        runAsUser: 65534
        runAsGroup: 65534
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: app
          #| An image that answers every request, until yours stands here. |#
          image: ghcr.io/mendhak/http-https-echo:38
          ports:
            - name: http
              containerPort: 8080
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
          resources:
            requests:
              cpu: 10m
              memory: 32Mi
            limits:
              memory: 64Mi
";

const SERVICE: &str = "\
---
apiVersion: v1
kind: Service
metadata:
  name: #{ app.name }#
spec:
  selector:
    app.kubernetes.io/name: #{ app.name }#
  ports:
    - name: http
      port: 80
      targetPort: http
";

const NAMESPACE: &str = "\
---
apiVersion: v1
kind: Namespace
metadata:
  name: {NAMESPACE}
  annotations:
    # Everything in the namespace would go with it: Flux must never prune it.
    kustomize.toolkit.fluxcd.io/prune: disabled
  labels:
    pod-security.kubernetes.io/enforce: baseline
    pod-security.kubernetes.io/audit: restricted
    pod-security.kubernetes.io/warn: restricted
";
