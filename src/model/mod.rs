//! What a person writes in `cluster.yaml` as text and means as something narrower: addresses, networks, names,
//! sizes. Each type parses its text, says precisely what is wrong with it, and brings its JSON Schema.
//!
//! [`FORMATS`] is the list that the schema validator learns its `format`s from.

mod address;
mod age;
mod amount;
mod cidr;
mod disk;
mod mac;
mod name;
mod number;
mod proxmox;
mod secret;
mod stand_in;
mod text;
mod uuid;

use std::borrow::Cow;

pub use address::Ipv4;
pub use age::AgeRecipient;
pub use amount::{Quantity, Retention, TraceRetention};
pub use cidr::Cidr;
pub use disk::InstallDisk;
pub use mac::MacAddress;
pub use name::{Fqdn, HostLabel, KernelModule, LabelValue, NodeName, ObjectName};
pub use number::{Asn, VlanTag};
pub use proxmox::{ProxmoxEndpoint, ProxmoxTokenId};
pub use secret::{SecretFormat, SecretHttpUrl, SecretHttpsUrl, SecretToken, SecretWord};
pub use stand_in::{is_no_secret, is_no_secret_in_base64};
pub use text::{Branch, ChartVersion, HeaderName, HttpUrl, Line, RepositoryName, SchematicId, Version};
pub use uuid::Uuid;

/// Why a text is not what its key needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invalid {
    /// Follows the value in a sentence: `has host bits set`. When borrowed, it is the same for every such value; when
    /// owned, it may repeat parts of the value and must not be shown where the value must not.
    pub reason: Cow<'static, str>,
    /// The value that was probably meant.
    pub suggestion: Option<String>,
    /// The edit that mends it, where no suggestion can say it. The same for every such value.
    pub help: Option<&'static str>,
}

impl Invalid {
    fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            reason: reason.into(),
            suggestion: None,
            help: None,
        }
    }

    /// Returns the reason when it holds nothing of the value.
    pub fn fixed_reason(&self) -> Option<&'static str> {
        match self.reason {
            Cow::Borrowed(reason) => Some(reason),
            Cow::Owned(_) => None,
        }
    }

    fn suggest(mut self, suggestion: impl Into<String>) -> Self {
        self.suggestion = Some(suggestion.into());
        self
    }

    fn help(mut self, help: &'static str) -> Self {
        self.help = Some(help);
        self
    }
}

/// A value that is written as text.
pub trait TextValue: Sized {
    /// The schema's `format`.
    const FORMAT: &'static str;
    /// The code of the finding for a wrong value.
    const CODE: &'static str;
    /// Completes "expected …", with an example.
    const EXPECTED: &'static str;
    /// A regular expression for editors, which do not know our formats; never stricter than [`TextValue::parse`].
    const PATTERN: Option<&'static str>;

    /// Reads the value.
    ///
    /// # Errors
    /// Says what is wrong with the text.
    fn parse(text: &str) -> Result<Self, Invalid>;
}

/// A [`TextValue`] without its type.
#[derive(Debug, Clone, Copy)]
pub struct ValueFormat {
    /// [`TextValue::FORMAT`]
    pub name: &'static str,
    /// [`TextValue::CODE`]
    pub code: &'static str,
    /// [`TextValue::EXPECTED`]
    pub expected: &'static str,
    /// [`TextValue::parse`], for its error; what that suggests is a value that is accepted.
    pub check: fn(&str) -> Result<(), Invalid>,
}

/// How many suggestions are followed: a value has one fault seldom, three hardly ever.
const MAX_SUGGESTIONS: usize = 4;

/// Says what is wrong with a text. A suggestion with a fault of its own is mended in turn, and left out where that fails.
fn check<T: TextValue>(text: &str) -> Result<(), Invalid> {
    let Err(mut invalid) = T::parse(text) else {
        return Ok(());
    };
    let mut next = invalid.suggestion.take();
    for _ in 0..MAX_SUGGESTIONS {
        let Some(suggestion) = next else { break };
        match T::parse(&suggestion) {
            Ok(_) => {
                invalid.suggestion = Some(suggestion);
                break;
            }
            Err(again) => next = again.suggestion,
        }
    }
    Err(invalid)
}

impl ValueFormat {
    const fn of<T: TextValue>() -> Self {
        Self {
            name: T::FORMAT,
            code: T::CODE,
            expected: T::EXPECTED,
            check: check::<T>,
        }
    }

    /// Returns the format of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        FORMATS.iter().find(|format| format.name == name)
    }
}

/// Every format of the configuration.
pub static FORMATS: &[ValueFormat] = &[
    ValueFormat::of::<AgeRecipient>(),
    ValueFormat::of::<Asn>(),
    ValueFormat::of::<Branch>(),
    ValueFormat::of::<ChartVersion>(),
    ValueFormat::of::<Cidr>(),
    ValueFormat::of::<InstallDisk>(),
    ValueFormat::of::<Fqdn>(),
    ValueFormat::of::<HeaderName>(),
    ValueFormat::of::<HostLabel>(),
    ValueFormat::of::<HttpUrl>(),
    ValueFormat::of::<Ipv4>(),
    ValueFormat::of::<KernelModule>(),
    ValueFormat::of::<LabelValue>(),
    ValueFormat::of::<Line>(),
    ValueFormat::of::<MacAddress>(),
    ValueFormat::of::<NodeName>(),
    ValueFormat::of::<ObjectName>(),
    ValueFormat::of::<ProxmoxEndpoint>(),
    ValueFormat::of::<ProxmoxTokenId>(),
    ValueFormat::of::<Quantity>(),
    ValueFormat::of::<RepositoryName>(),
    ValueFormat::of::<Retention>(),
    ValueFormat::of::<SchematicId>(),
    ValueFormat::of::<SecretFormat>(),
    ValueFormat::of::<SecretHttpUrl>(),
    ValueFormat::of::<SecretHttpsUrl>(),
    ValueFormat::of::<SecretToken>(),
    ValueFormat::of::<SecretWord>(),
    ValueFormat::of::<TraceRetention>(),
    ValueFormat::of::<Uuid>(),
    ValueFormat::of::<Version>(),
    ValueFormat::of::<VlanTag>(),
];

/// Gives a [`TextValue`] with `Display` its serde and schema implementations.
macro_rules! text_value {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                <Self as $crate::model::TextValue>::parse(&text)
                    .map_err(|invalid| serde::de::Error::custom(invalid.reason))
            }
        }

        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::model::text_schema::<Self>()
            }
        }
    };
}

/// Gives a tuple struct over `String` everything but [`TextValue`].
macro_rules! string_value {
    ($name:ident) => {
        impl $name {
            /// Returns the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        $crate::model::text_value!($name);
    };
}

pub(crate) use {string_value, text_value};

/// Returns the schema of a text value.
fn text_schema<T: TextValue>() -> schemars::Schema {
    let mut schema = schemars::json_schema!({ "type": "string", "format": T::FORMAT });
    if let Some(pattern) = T::PATTERN {
        schema.insert("pattern".to_owned(), pattern.into());
        schema.insert(
            "patternErrorMessage".to_owned(),
            format!("expected {}", T::EXPECTED).into(),
        );
    }
    schema
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Pieces of what people write for such values, right and wrong.
    const PIECES: &[&str] = &[
        "0",
        "00",
        "1",
        "7",
        "42",
        "300",
        "4294967296",
        "h",
        "d",
        "w",
        "m",
        "Ki",
        "GB",
        "gi",
        "T",
        ".",
        "..",
        ",",
        ":",
        "/",
        "//",
        "-",
        "_",
        " ",
        "@",
        "!",
        "=",
        "*.",
        "~",
        "^",
        ">=",
        "v",
        "V",
        "V1.2",
        "AS",
        "as",
        "10.0.0.1",
        "10.42.0.0/16",
        "010",
        "/24",
        "fd00::1",
        "bc:24:11:0a:00:01",
        "BC2411",
        "a",
        "Z",
        "example",
        "Example",
        ".com",
        "https://",
        "http://",
        "git@",
        "github.com",
        ".git",
        "octocat",
        "refs/heads/",
        "refs/tags/",
        "main",
        "/api2/json",
        "?x",
        "#y",
        "/dev/",
        "dev/",
        "sda",
        "nvme0n1",
        "by-id/",
        "\"",
        "\\",
        "\n",
        "${A}",
        "worker",
        "k8s-1",
        "ä",
        "1.2.3",
        "-rc.1",
        "376567988ad370138ad8b2698212367b",
        "F47AC10B-58CC-4372-A567-0E02B2C3D479",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_suggested_is_accepted(
            pieces in prop::collection::vec(prop::sample::select(PIECES), 1..5),
        ) {
            let text = pieces.concat();
            for format in FORMATS {
                let suggestion = (format.check)(&text).err().and_then(|invalid| invalid.suggestion);
                if let Some(suggestion) = suggestion {
                    let accepted = (format.check)(&suggestion);
                    prop_assert_eq!(accepted, Ok(()), "{}: {:?} for {:?}", format.name, suggestion, text);
                }
            }
        }
    }

    #[test]
    fn a_suggestion_is_followed_to_a_value_that_is_accepted() {
        let suggested = |name: &str, text: &str| {
            let format = ValueFormat::named(name).expect("a format");
            (format.check)(text).expect_err("refused").suggestion
        };
        assert_eq!(suggested("fqdn", "*.Example.com").as_deref(), Some("example.com"));
        assert_eq!(suggested("fqdn", "*.example").as_deref(), None);
        assert_eq!(suggested("duration-hd", "0w").as_deref(), None);
        assert_eq!(suggested("duration-hd", "2w").as_deref(), Some("14d"));
        assert_eq!(suggested("asn", "AS0").as_deref(), None);
    }

    #[test]
    fn formats_are_sorted_by_type_and_unique() {
        let mut names: Vec<_> = FORMATS.iter().map(|format| format.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), FORMATS.len());
    }

    #[test]
    fn no_format_accepts_an_empty_text() {
        for format in FORMATS {
            assert!((format.check)("").is_err(), "{}", format.name);
        }
    }
}
