//! `namespace`: the namespace of every object, of Namespace objects their name, and of subjects called `default`.

use super::{cannot, replace_scalar};
use crate::build_file::decode::WrittenText;
use crate::config::{TransformerConfig, Use};
use crate::field_spec::{FieldSpec, Make, OffPath};
use crate::finding::Halt;
use crate::node::{Content, Datum, Scalar};
use crate::resource::Resource;
use crate::set::ResourceSet;

/// The path of an object's own namespace.
const OWN: [&str; 2] = ["metadata", "namespace"];

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Subjects {
    /// Those that are called `default`.
    #[default]
    Default,
    /// All service accounts.
    Accounts,
    /// None.
    None,
}

/// A namespace, and where it goes.
pub(crate) struct NamespaceChange<'n> {
    pub(crate) namespace: &'n WrittenText,
    pub(crate) fields: &'n [FieldSpec],
    /// Only where nothing stands.
    pub(crate) unset_only: bool,
    pub(crate) subjects: Subjects,
}

/// Gives every object the namespace of a build file.
pub(crate) fn apply(
    set: &mut ResourceSet,
    namespace: &WrittenText,
    config: &TransformerConfig,
) -> Result<(), Halt> {
    let change = NamespaceChange {
        namespace,
        fields: config.fields(Use::Namespace),
        unset_only: false,
        subjects: Subjects::Default,
    };
    change.apply(set)
}

impl NamespaceChange<'_> {
    /// Gives every object the namespace.
    pub(crate) fn apply(&self, set: &mut ResourceSet) -> Result<(), Halt> {
        for resource in set.list_mut().iter_mut().filter(|resource| !resource.is_empty()) {
            resource.remember_name();
            self.change(resource)
                .map_err(|error| cannot(&error, resource, self.namespace.spot))?;
        }
        set.check_ids()
    }

    fn set(&self, node: &mut Datum) -> Result<(), OffPath> {
        let stands = !node.is_null() && node.as_text().is_some_and(|text| !text.is_empty());
        if self.unset_only && stands {
            return Ok(());
        }
        replace_scalar(
            node,
            Scalar::text(self.namespace.value.clone()),
            self.namespace.spot,
        )
    }

    fn change(&self, resource: &mut Resource) -> Result<(), OffPath> {
        let gvk = resource.gvk();
        let is_binding = matches!(gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        let is_core = resource.api_version() == "v1";
        let data = resource.data_mut();
        let mut set = |node: &mut Datum| self.set(node);
        if !gvk.is_cluster_scoped() {
            let own = FieldSpec {
                path: OWN.join("/"),
                create: true,
                ..FieldSpec::default()
            };
            own.visit(data, Make::Scalar, &mut set)?;
        }
        if is_binding {
            self.change_subjects(data)?;
        }
        for field in self.fields {
            let is_own = field.path == OWN.join("/");
            let is_name = field.path == ["metadata", "name"].join("/") && !is_core;
            let is_subject = field.path == ["subjects", "namespace"].join("/")
                && matches!(field.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding")
                && is_binding;
            if !(is_own || is_name || is_subject) {
                field.apply(data, &gvk, Make::Scalar, &mut set)?;
            }
        }
        Ok(())
    }

    fn change_subjects(&self, data: &mut Datum) -> Result<(), OffPath> {
        let Some(subjects) = data.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
            return Ok(());
        };
        let wrong = |node: &Datum| OffPath {
            message: "`subjects` is a list of mappings".to_owned(),
            spot: node.spot,
        };
        if !matches!(subjects.content, Content::List(_)) && self.subjects != Subjects::None {
            return Err(wrong(subjects));
        }
        for subject in subjects.items_mut().into_iter().flatten() {
            let is = |key: &str, text: &str| subject.get(key).and_then(Datum::as_text) == Some(text);
            let is_meant = match self.subjects {
                Subjects::Default => is("name", "default"),
                Subjects::Accounts => is("kind", "ServiceAccount"),
                Subjects::None => continue,
            };
            if !subject.is_null() && !matches!(subject.content, Content::Map(_)) {
                return Err(wrong(subject));
            }
            if !is_meant {
                continue;
            }
            if subject.get("namespace").is_none() {
                subject.put("namespace", Datum::plain("", None));
            }
            if let Some(namespace) = subject.get_mut("namespace") {
                self.set(namespace)?;
            }
        }
        Ok(())
    }
}
