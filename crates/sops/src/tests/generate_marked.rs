//! Random YAML with comments that decide what is encrypted, at usual and at odd places. Shared with
//! `tests/tools/sops_driver.rs`, as the generator of YAML is.

use super::generate::Generator;

const COMMENTS: [&str; 4] = ["# secret", "# other", "#  is a secret", "# note"];

impl Generator {
    /// A document whose keys stand below comments, of which every other one holds the word `secret`.
    pub(crate) fn marked(&mut self) -> String {
        let mut out = "first: value\n".to_owned();
        self.marked_map(0, 3, &mut out);
        out.push_str("# secret\nlast: end\n");
        if self.one_in(8) {
            return out.replace('\n', "\r\n");
        }
        out
    }

    fn marked_map(&mut self, indent: usize, depth: usize, out: &mut String) {
        for i in 0..=self.below(4) {
            self.comments(indent, out);
            let key = ["a", "b", "c", "d"][i];
            out.push_str(&format!("{:indent$}{key}{depth}:", ""));
            self.marked_value(indent, depth, out);
        }
        if self.one_in(6) {
            out.push_str(&format!("{:indent$}{}\n", "", self.pick(&COMMENTS)));
        }
    }

    fn marked_value(&mut self, indent: usize, depth: usize, out: &mut String) {
        match self.below(if depth == 0 { 4 } else { 8 }) {
            0..=3 => {
                let value = self.pick(&["1", "text", "\"quoted # text\"", "true", "|\n"]);
                match value {
                    "|\n" => out.push_str(&format!(" |\n{:width$}block\n", "", width = indent + 2)),
                    value => out.push_str(&format!(" {value}{}\n", self.beside())),
                }
            }
            4 | 5 => {
                out.push_str(&format!("{}\n", self.beside()));
                self.marked_map(indent + 2, depth - 1, out);
            }
            6 if self.one_in(4) => {
                out.push_str(&format!("{}\n", self.beside()));
                for _ in 0..=self.below(2) {
                    // A dash on a line of its own.
                    self.comments(indent + 2, out);
                    out.push_str(&format!("{:width$}-{}\n", "", self.beside(), width = indent + 2));
                    self.comments(indent + 4, out);
                    if self.one_in(2) {
                        self.marked_map(indent + 4, depth - 1, out);
                    } else {
                        out.push_str(&format!("{:width$}- x\n", "", width = indent + 4));
                    }
                }
            }
            6 => {
                out.push_str(&format!("{}\n", self.beside()));
                for _ in 0..=self.below(3) {
                    self.comments(indent + 2, out);
                    let value = self.pick(&["1", "x", "k: 1", "k: 1"]);
                    out.push_str(&format!(
                        "{:width$}- {value}{}\n",
                        "",
                        self.beside(),
                        width = indent + 2
                    ));
                    if value == "k: 1" && self.one_in(2) {
                        self.comments(indent + 4, out);
                        out.push_str(&format!(
                            "{:width$}j: 2{}\n",
                            "",
                            self.beside(),
                            width = indent + 4
                        ));
                    }
                }
            }
            _ => out.push_str(&format!(
                " {{x: 1, y: [2]}}{}\n",
                if self.one_in(8) { " # secret" } else { "" }
            )),
        }
    }

    fn beside(&mut self) -> String {
        if self.one_in(6) {
            format!(" {}", self.pick(&COMMENTS))
        } else {
            String::new()
        }
    }

    fn comments(&mut self, indent: usize, out: &mut String) {
        for _ in 0..[0, 0, 1, 1, 2][self.below(5)] {
            if self.one_in(6) {
                out.push('\n');
            }
            // Now and then in a column of its own.
            let column = if self.one_in(20) { indent + 2 } else { indent };
            out.push_str(&format!("{:column$}{}\n", "", self.pick(&COMMENTS)));
        }
        if self.one_in(6) {
            out.push('\n');
        }
    }
}
