//! Names of files as somebody types them.

use std::borrow::Cow;

/// Returns the name of a file as it can be typed at a shell: in quotes where need be, and never taken for an option.
///
/// ```
/// use clusterwright::diag::argument;
/// assert_eq!([argument("a.yaml"), argument("-a"), argument("a b")], ["a.yaml", "./-a", "'a b'"]);
/// ```
pub fn argument(name: &str) -> String {
    let name = if name.starts_with('-') {
        format!("./{name}")
    } else {
        name.to_owned()
    };
    shlex::try_quote(&name).map_or_else(|_| name.clone(), Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_hint_can_be_typed() {
        for (name, typed) in [
            ("a/b.sops.yaml", "a/b.sops.yaml"),
            ("-h.sops.yaml", "./-h.sops.yaml"),
            ("--help.sops.yaml", "./--help.sops.yaml"),
            ("a b.sops.yaml", "'a b.sops.yaml'"),
            ("$(x).sops.yaml", "'$(x).sops.yaml'"),
        ] {
            assert_eq!(argument(name), typed);
        }
    }
}
