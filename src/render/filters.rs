//! Filters that the library has beside Tera's own.

use tera::{Kwargs, State, TeraResult, Value};

/// `value | json`: the value as JSON on one line, which is also a YAML flow value.
#[expect(
    clippy::needless_pass_by_value,
    reason = "the engine hands arguments over by value"
)]
pub(super) fn json(value: Value, _: Kwargs, _: &State<'_>) -> TeraResult<String> {
    serde_json::to_string(&value).map_err(|error| tera::Error::message(error.to_string()))
}
