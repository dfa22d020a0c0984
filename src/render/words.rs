//! What Tera templates can call: the one list, for suggestions, `explain templates` and the documentation.

/// Filters: Tera's own, and `json`.
pub const FILTERS: [&str; 38] = [
    "abs",
    "capitalize",
    "default",
    "escape",
    "escape_html",
    "escape_xml",
    "first",
    "float",
    "get",
    "group_by",
    "indent",
    "int",
    "join",
    "json",
    "keys",
    "last",
    "length",
    "lower",
    "newlines_to_br",
    "nth",
    "pairs",
    "pluralize",
    "replace",
    "reverse",
    "round",
    "safe",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "unique",
    "upper",
    "values",
    "wordcount",
];

/// Tests, behind `is` and `is not`.
pub const TESTS: [&str; 17] = [
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];

/// Functions.
pub const FUNCTIONS: [&str; 2] = ["range", "throw"];

/// Tags that open a block, each with the one that closes it.
pub(super) const BLOCKS: [(&str, &str); 7] = [
    ("block", "endblock"),
    ("component", "endcomponent"),
    ("filter", "endfilter"),
    ("for", "endfor"),
    ("if", "endif"),
    ("set", "endset"),
    ("set_global", "endset"),
];

/// Tags that stand alone, or inside of a block.
pub(super) const TAGS: [&str; 8] = [
    "break", "continue", "elif", "else", "endraw", "extends", "include", "raw",
];

/// What people know from Jinja2, and its name here.
pub(super) const ELSEWHERE: [(&str, &str); 8] = [
    ("count", "length"),
    ("divisibleby", "divisible_by"),
    ("endingwith", "ending_with"),
    ("groupby", "group_by"),
    ("items", "pairs"),
    ("mapping", "map"),
    ("string", "str"),
    ("tojson", "json"),
];
