//! Random YAML streams in many layouts, for tests here and for the comparison with the real `sops`.
//! Shared with `tests/tools/sops_driver.rs`, so it uses nothing of the crate.
#![allow(clippy::format_push_string, reason = "text for tests, readable before fast")]

/// Makes streams from a seed.
pub(crate) struct Generator {
    state: u64,
    anchors: Vec<String>,
    next_anchor: usize,
}

const WORDS: [&str; 12] = [
    "alpha",
    "beta gamma",
    "x",
    "v1.2.3",
    "10.42.0.0/16",
    "a:b",
    "é😀ü",
    "no",
    "yes",
    "key=value",
    "日本",
    "z_9",
];
const PLAIN: [&str; 24] = [
    "true",
    "False",
    "12",
    "-7",
    "0x1F",
    "0o17",
    "017",
    "08",
    "1_000",
    "1.50",
    "1e10",
    ".5",
    ".inf",
    "-.inf",
    "2024-01-01",
    "2024-01-01T00:00:00Z",
    "2024-01-02 03:04:05",
    "12:30:45",
    "9223372036854775807",
    "~",
    "null",
    "",
    "on",
    "1.2.3",
];
const KEYS: [&str; 10] = [
    "a",
    "b-c",
    "d_e",
    "\"f g\"",
    "'h:i'",
    "\"on\"",
    "j.k",
    "é",
    "\"12\"",
    "m_unencrypted",
];
const QUOTED: [&str; 12] = [
    "\"\"",
    "''",
    "\"a\\tb\\nc\"",
    "'it''s'",
    "\"12\"",
    "'true'",
    "\"# no comment\"",
    "\"ENC[AES256_GCM,data:x]\"",
    "\"\\u00e9\\U0001F600\\\\\"",
    "' lead and trail '",
    "\"two\\n\\nparagraphs\\n\"",
    "\"\\n\"",
];

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            state: seed,
            anchors: Vec::new(),
            next_anchor: 0,
        }
    }

    /// The `SplitMix64` generator.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap_or(0)
    }

    pub(crate) fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub(crate) fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.below(from.len())]
    }

    /// A stream of one to three documents; each has `stringData` with at least one value.
    pub(crate) fn stream(&mut self, size: usize) -> String {
        let mut out = String::new();
        let documents = if self.one_in(3) { 1 + self.below(3) } else { 1 };
        for number in 0..documents {
            if number > 0 || self.one_in(3) {
                out.push_str(if self.one_in(4) {
                    "--- # document\n"
                } else {
                    "---\n"
                });
            }
            if self.one_in(3) {
                out.push_str("# head\n");
            }
            self.anchors.clear();
            out.push_str("apiVersion: v1\nkind: Secret\nmetadata:\n  name: x # inline\n");
            out.push_str(&self.map(2, 2, size));
            self.anchors.clear();
            out.push_str("stringData:\n");
            out.push_str("    first: \"value\"\n");
            out.push_str(&self.map(4, 3, size));
            if self.one_in(3) {
                out.push_str("# foot\n");
            }
            if self.one_in(5) {
                out.push('\n');
            }
        }
        if self.one_in(6) {
            out.truncate(out.trim_end_matches('\n').len());
        }
        out
    }

    fn map(&mut self, indent: usize, depth: usize, size: usize) -> String {
        let count = 1 + self.below(size.max(1));
        let from = self.below(KEYS.len());
        let mut out = String::new();
        for i in 0..count.min(KEYS.len()) {
            if i > 0 && self.one_in(6) {
                out.push('\n');
            }
            if i > 0 && self.one_in(5) {
                out.push_str(&format!("{:indent$}# comment {i}\n", ""));
            }
            out.push_str(&format!("{:indent$}{}:", "", KEYS[(from + i) % KEYS.len()]));
            out.push_str(&self.value(indent, depth, size));
        }
        out
    }

    /// What follows `key:`, with its line break.
    fn value(&mut self, indent: usize, depth: usize, size: usize) -> String {
        let deeper = indent + 2 + 2 * self.below(2);
        match self.below(if depth == 0 { 6 } else { 10 }) {
            0 => format!(" {}{}", self.pick(&WORDS), self.line_end()),
            1 => match self.pick(&PLAIN) {
                "" => self.line_end(),
                text => format!(" {text}{}", self.line_end()),
            },
            2 => format!(" {}{}", self.pick(&QUOTED), self.line_end()),
            3 => self.block(indent + 2),
            4 => format!(" {}{}", self.flow(2), self.line_end()),
            5 => self.odd(indent),
            6 | 7 => format!("{}{}", self.line_end(), self.map(deeper, depth - 1, size)),
            _ => {
                let at = if self.one_in(2) { indent } else { deeper };
                format!("{}{}", self.line_end(), self.list(at, depth - 1, size))
            }
        }
    }

    fn line_end(&mut self) -> String {
        match self.below(8) {
            0 => " # note\n".to_owned(),
            1 => "  \n".to_owned(),
            _ => "\n".to_owned(),
        }
    }

    /// Anchors, aliases, tags, scalars over several lines, a value below its key.
    fn odd(&mut self, indent: usize) -> String {
        match self.below(6) {
            0 => {
                self.next_anchor += 1;
                let name = format!("n{}", self.next_anchor);
                self.anchors.push(name.clone());
                format!(" &{name} {}\n", self.pick(&WORDS))
            }
            1 => match self.anchors.last() {
                Some(name) => format!(" *{name}\n"),
                None => " lonely\n".to_owned(),
            },
            2 => format!(" !!str {}\n", self.pick(&["12", "true", "\"x\"", "word"])),
            3 => format!(" one\n{:i$}two\n{:i$}three\n", "", "", i = indent + 2),
            4 => format!(" \"one\n{:i$}two\\n\n\n{:i$}three\"\n", "", "", i = indent + 2),
            _ => format!("\n{:i$}'below'\n", "", i = indent + 2),
        }
    }

    fn block(&mut self, indent: usize) -> String {
        let mut header = self.pick(&["|", "|-", "|+", ">", ">-", ">+"]).to_owned();
        let explicit = self.one_in(4);
        if explicit {
            header.push('2');
        }
        let mut out = format!(" {header}{}", if self.one_in(4) { " # why\n" } else { "\n" });
        let lines = 1 + self.below(4);
        for i in 0..lines {
            let text = match self.below(6) {
                0 if i > 0 && i + 1 < lines => "",
                1 if i > 0 || explicit => "  deeper",
                2 => "# no comment",
                3 => "key: [value",
                4 => "trailing  ",
                _ => self.pick(&WORDS),
            };
            if text.is_empty() {
                out.push('\n');
            } else {
                out.push_str(&format!("{:indent$}{text}\n", ""));
            }
        }
        for _ in 0..self.below(3) {
            out.push('\n');
        }
        out
    }

    fn flow(&mut self, depth: usize) -> String {
        match self.below(if depth == 0 { 2 } else { 4 }) {
            0 => match self.pick(&PLAIN) {
                "" => "~".to_owned(),
                text => text.to_owned(),
            },
            1 => self.pick(&QUOTED).to_owned(),
            2 => format!("[{}, {}]", self.flow(depth - 1), self.flow(depth - 1)),
            _ => format!(
                "{{p: {}, \"q r\": {}}}",
                self.flow(depth - 1),
                self.flow(depth - 1)
            ),
        }
    }

    fn list(&mut self, indent: usize, depth: usize, size: usize) -> String {
        let mut out = String::new();
        for i in 0..=self.below(3) {
            if i > 0 && self.one_in(6) {
                out.push_str(&format!("{:indent$}# item {i}\n", ""));
            }
            out.push_str(&format!("{:indent$}-", ""));
            if depth > 0 && self.one_in(3) {
                let map = self.map(indent + 2, depth - 1, size.min(2));
                out.push_str(&format!(" {}", map.trim_start()));
            } else {
                out.push_str(&match self.below(5) {
                    0 => format!(" {}\n", self.pick(&PLAIN)).replace(" \n", "\n"),
                    1 => format!(" {}{}", self.pick(&QUOTED), self.line_end()),
                    2 => self.block(indent + 2),
                    3 => format!(" {}\n", self.flow(1)),
                    _ => format!(" {}{}", self.pick(&WORDS), self.line_end()),
                });
            }
        }
        out
    }
}
