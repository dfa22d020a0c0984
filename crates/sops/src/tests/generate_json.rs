//! Random JSON objects in three layouts. Shared with `tests/tools/sops_driver.rs`, as the generator of YAML is.

use super::generate::Generator;

const JSON_VALUES: [&str; 22] = [
    "true",
    "false",
    "null",
    "12",
    "-7",
    "-0",
    "0.5",
    "1.0",
    "-1.50",
    "1e5",
    "2.5E-3",
    "9223372036854775807",
    "12345678901234567890",
    "\"\"",
    "\"plain\"",
    "\"tab\\tline\\nbreak\"",
    "\"\\u00e9\\ud83d\\ude00\\\\ \\/\"",
    "\"12\"",
    "\"2024-01-01\"",
    "\"日本\"",
    "{}",
    "[]",
];
const JSON_KEYS: [&str; 8] = ["a", "b-c", "f g", "h:i", "12", "é", "m_unencrypted", "data"];

impl Generator {
    /// A JSON object in one of three layouts, with `stringData.first` and unencrypted values around it.
    pub(crate) fn json(&mut self, size: usize) -> String {
        let unit = ["", "\t", "  "][self.below(3)];
        let mut out = "{".to_owned();
        let head = self.json_map(size, 1, unit);
        for (key, value) in [
            ("head", head),
            ("stringData", String::new()),
            ("tail", "\"end\"".to_owned()),
        ] {
            self.json_line(&mut out, 1, unit);
            let value = if value.is_empty() {
                let mut inner = "{".to_owned();
                self.json_line(&mut inner, 2, unit);
                inner.push_str("\"first\": \"value\",");
                self.json_line(&mut inner, 2, unit);
                inner.push_str(&format!("\"more\": {}", self.json_map(size, 2, unit)));
                self.json_line(&mut inner, 1, unit);
                inner.push('}');
                inner
            } else {
                value
            };
            out.push_str(&format!("\"{key}\": {value}"));
            out.push_str(if key == "tail" { "" } else { "," });
        }
        self.json_line(&mut out, 0, unit);
        out.push_str("}\n");
        out
    }

    fn json_line(&mut self, out: &mut String, depth: usize, unit: &str) {
        if unit.is_empty() {
            out.push_str(if self.one_in(2) && !out.ends_with('{') {
                " "
            } else {
                ""
            });
        } else {
            out.push('\n');
            out.push_str(&unit.repeat(depth));
        }
    }

    fn json_map(&mut self, size: usize, depth: usize, unit: &str) -> String {
        let mut out = "{".to_owned();
        let start = self.below(JSON_KEYS.len());
        let count = 1 + self.below(size.max(1));
        for i in 0..count.min(JSON_KEYS.len()) {
            out.push_str(if i == 0 { "" } else { "," });
            self.json_line(&mut out, depth + 1, unit);
            let value = match self.below(6) {
                0 if size > 1 => self.json_map(size - 1, depth + 1, unit),
                1 => {
                    let items: Vec<&str> = (0..self.below(4)).map(|_| self.pick(&JSON_VALUES)).collect();
                    format!("[{}]", items.join(", "))
                }
                _ => self.pick(&JSON_VALUES).to_owned(),
            };
            let key = JSON_KEYS[(start + i) % JSON_KEYS.len()];
            out.push_str(&format!("\"{key}\": {value}"));
        }
        self.json_line(&mut out, depth, unit);
        out.push('}');
        out
    }
}
