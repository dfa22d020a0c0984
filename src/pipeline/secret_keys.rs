//! Which keys of the configuration are secret: the one answer, with those of the repository's own apps.

use std::sync::Arc;

use super::load;
use crate::config::{self, Vocabulary};
use crate::context;
use crate::diag::{Aborted, Diagnostics};
use crate::raw;
use crate::sys::root::Root;
use crate::world::side;

/// Returns which keys the configuration in `root` may hold and which of them are secret, those of its own apps included:
/// the one answer to what is secret.
///
/// # Errors
/// When a template cannot be read or a manifest is wrong: then nobody knows.
pub fn vocabulary(root: &Root, diags: &mut Diagnostics) -> Result<Arc<Vocabulary>, Aborted> {
    let catalog = load::catalog(root, diags)?;
    context::check_keys(&catalog, diags);
    diags.checkpoint()?;
    Ok(catalog.vocabulary())
}

/// Returns the text of the schema of `cluster.yaml` in `root`, with the keys and names of the repository's own apps.
///
/// # Errors
/// When a template cannot be read or a manifest is wrong.
pub fn schema_text(root: &Root, diags: &mut Diagnostics) -> Result<String, Aborted> {
    Ok(load::catalog(root, diags)?.vocabulary().text())
}

/// Does the same as [`vocabulary`] where the apps are not what it is about: what cannot be read of them adds no key.
pub fn vocabulary_of_any(root: &Root) -> Arc<Vocabulary> {
    vocabulary(root, &mut Diagnostics::default()).unwrap_or_else(|_| Vocabulary::built_in())
}

/// Returns which files of the configuration hold secrets in clear, so that they must not be committed.
pub fn clear_configs(root: &Root, vocabulary: &Vocabulary) -> Vec<&'static str> {
    let raw = raw::is_raw(root);
    let holds = |name: &&str| {
        let text = side::read(root, name).ok().flatten();
        text.is_some_and(|text| config::holds_clear_secrets(name, text.expose(), vocabulary.keys(), raw))
    };
    config::CONFIG_FILES.into_iter().filter(holds).collect()
}
