//! What Jinja2 templates can call: the one list, for suggestions, `explain templates` and the documentation.

/// Filters: those of Jinja2, and those that the plugins of cluster templates define.
pub const FILTERS: [&str; 56] = [
    "abs",
    "attr",
    "b64decode",
    "b64encode",
    "basename",
    "batch",
    "bool",
    "capitalize",
    "center",
    "chain",
    "count",
    "d",
    "default",
    "dictsort",
    "e",
    "escape",
    "first",
    "float",
    "forceescape",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "nthhost",
    "pprint",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "truncate",
    "unique",
    "upper",
    "wordcount",
    "zip",
];

/// Tests, behind `is` and `is not`; those that are operators are left out.
pub const TESTS: [&str; 37] = [
    "boolean",
    "callable",
    "defined",
    "divisibleby",
    "endingwith",
    "eq",
    "equalto",
    "escaped",
    "even",
    "false",
    "filter",
    "float",
    "ge",
    "greaterthan",
    "gt",
    "in",
    "int",
    "integer",
    "iterable",
    "le",
    "lessthan",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "safe",
    "sameas",
    "sequence",
    "startingwith",
    "string",
    "test",
    "true",
    "undefined",
    "upper",
];

/// Functions: those of Jinja2, and those that the plugins of cluster templates define.
pub const FUNCTIONS: [&str; 16] = [
    "age_key",
    "b64encode",
    "cloudflare_tunnel_id",
    "cloudflare_tunnel_secret",
    "debug",
    "deploy_key",
    "dict",
    "get_env",
    "github_deploy_key",
    "github_push_token",
    "infrastructure_enabled",
    "namespace",
    "nthhost",
    "range",
    "talos_patches",
    "webhook_token",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jinja::{Engine, Options};

    /// Returns the quoted names of a list in the engine's own words, but for operators and what the rewriting puts in.
    fn told(said: &str, what: &str) -> Vec<String> {
        let (_, rest) = said.split_once(&format!(" {what}: [")).expect("told");
        let (list, _) = rest.split_once(']').expect("told");
        let names = list.split('"').skip(1).step_by(2);
        names
            .filter(|name| !name.starts_with("__") && name.starts_with(|c: char| c.is_ascii_alphabetic()))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn the_lists_are_what_the_engine_has() {
        let engine = Engine::new(&Options::of_the_library(), []).expect("usable");
        let said = format!("{:?}", engine.env);
        assert_eq!(told(&said, "filters"), FILTERS);
        assert_eq!(told(&said, "tests"), TESTS);
        let mut functions: Vec<&str> = engine
            .env
            .globals()
            .map(|(name, _)| name)
            .filter(|name| !name.starts_with("__") && *name != "env")
            .collect();
        functions.sort_unstable();
        assert_eq!(functions, FUNCTIONS);
    }
}
