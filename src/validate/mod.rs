//! From what the user wrote to a [`Cluster`] that everything else can rely on.
//!
//! All findings come in one pass: first the schema's ([`schema`]), then placeholders, then the cross-field [`rules`]
//! over every field that is valid so far. Secrets leave the configuration here: a [`Cluster`] holds their tokens only.

mod facts;
mod placeholders;
pub mod rules;
mod schema;
mod wrong_value;

use serde_json::Value;

use crate::config::{Cluster, ConfigDocument, Vault};
use crate::diag::{Aborted, Diagnostic, Diagnostics};
use crate::sys::SecretText;
use crate::world::side::Reported;
use facts::Facts;
pub use schema::unknown_keys;

/// Checks a configuration and takes its secrets out into the vault. `side` says what lies beside it.
///
/// # Errors
/// When a finding is an error.
pub fn validate(
    document: &ConfigDocument,
    side: &Reported,
    vault: &mut Vault,
    diags: &mut Diagnostics,
) -> Result<Cluster, Aborted> {
    let placeholders = placeholders::find(document);
    let mut findings = schema::findings(document, &placeholders);
    findings
        .diagnostics
        .extend(placeholders::finding(document, &placeholders));
    let mut invalid = findings.invalid;
    invalid.extend(placeholders);
    let facts = Facts::new(document, invalid, side);
    for rule in rules::RULES {
        (rule.check)(&facts, &mut findings.diagnostics);
    }
    for finding in findings.diagnostics {
        diags.push(finding);
    }
    diags.checkpoint()?;
    let json = with_tokens(document, vault);
    serde_json::from_value(json).map_err(|error| {
        let finding = Diagnostic::error(
            "internal/schema-and-types-differ",
            "the configuration passed its schema but not its types",
        );
        diags.abort(
            finding
                .note(format!("in detail: {error}"))
                .help("please report this: it is a defect of clusterwright, not of your configuration"),
        )
    })
}

/// Returns the configuration with every secret replaced by its token, and the defaults of keys that are no type's.
fn with_tokens(document: &ConfigDocument, vault: &mut Vault) -> Value {
    let mut json = document.json().clone();
    let vocabulary = document.vocabulary();
    for key in vocabulary.keys().secrets() {
        let Some(value) = json.get_mut(key) else { continue };
        let text = value.as_str().map(str::to_owned).unwrap_or_default();
        let secret = (!document.is_unknown(key)).then(|| SecretText::new(text));
        *value = Value::String(vault.insert(key, secret));
    }
    if let Value::Object(map) = &mut json {
        vocabulary.fill_in(map);
    }
    json
}
