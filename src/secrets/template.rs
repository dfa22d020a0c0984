//! Templates that make files: what they print is not there yet, and what they hold beside that is.

use std::ops::Range;

use crate::jinja::{Options, Pair};

/// How the templates of a repository are written.
#[derive(Debug, Clone)]
pub struct Templates {
    /// Delimiters, and whether what is between them is printed.
    pairs: Vec<(Pair, bool)>,
}

impl Default for Templates {
    fn default() -> Self {
        let mut pairs = Vec::new();
        for options in [Options::of_the_library(), Options::of_jinja()] {
            let Options {
                block,
                variable,
                comment,
                ..
            } = options;
            pairs.extend([(comment, false), (block, false), (variable, true)]);
        }
        Self { pairs }
    }
}

impl Templates {
    /// Adds the delimiters of a `makejinja.toml`.
    pub fn of_makejinja(text: &str) -> Self {
        let table = text.parse::<toml::Table>().unwrap_or_default();
        let delimiter = table.get("makejinja").and_then(|main| main.get("delimiter"));
        let side = |name: String| {
            let text = delimiter?.get(&name)?.as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let own = [("comment", false), ("block", false), ("variable", true)];
        let own = own.into_iter().filter_map(|(name, prints)| {
            let (start, end) = (side(format!("{name}_start"))?, side(format!("{name}_end"))?);
            Some((Pair::new(start, end), prints))
        });
        let mut pairs: Vec<(Pair, bool)> = own.collect();
        pairs.extend(Self::default().pairs);
        Self { pairs }
    }

    /// Returns the name of the file that a template makes: `*.tera`, `*.j2`, `*.jinja`; `None` for other files.
    pub fn made(path: &str) -> Option<&str> {
        [".tera", ".j2", ".jinja", ".jinja2"]
            .into_iter()
            .find_map(|suffix| path.strip_suffix(suffix))
            .filter(|rest| !rest.is_empty() && !rest.ends_with('/'))
    }

    /// Returns a text of the same length in which everything between delimiters is blank, or `x` where it prints, so that
    /// what is left can be read as YAML; and where something is printed, in order.
    pub(super) fn blanked(&self, text: &str) -> (String, Vec<Range<usize>>) {
        let mut out = String::with_capacity(text.len());
        let mut printed = Vec::new();
        // Pairs whose end does not come any more: looked for once, however many starts there are.
        let mut ended = vec![false; self.pairs.len()];
        let mut at = 0;
        while let Some(c) = text[at..].chars().next() {
            let pairs = self.pairs.iter().zip(&mut ended);
            let found = pairs
                .filter(|(_, ended)| !**ended)
                .find_map(|((pair, prints), ended)| {
                    let body = text[at..].strip_prefix(pair.start.as_str())?;
                    let Some(end) = body.find(pair.end.as_str()) else {
                        *ended = true;
                        return None;
                    };
                    Some((pair.start.len() + end + pair.end.len(), *prints))
                });
            let Some((length, prints)) = found else {
                out.push(c);
                at += c.len_utf8();
                continue;
            };
            let fill = if prints { 'x' } else { ' ' };
            for c in text[at..at + length].chars() {
                match c {
                    '\n' | '\r' => out.push(c),
                    c => out.extend(std::iter::repeat_n(fill, c.len_utf8())),
                }
            }
            if prints {
                printed.push(at..at + length);
            }
            at += length;
        }
        (out, printed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_blanked_in_place() {
        let text = "#| note |#\n#% if x %#\na: \"#{ b }#\"\n{# é #}c: {{ d }}e\n";
        let (blank, printed) = Templates::default().blanked(text);
        assert_eq!(
            blank,
            "          \n          \na: \"xxxxxxx\"\n        c: xxxxxxxe\n"
        );
        let shown: Vec<&str> = printed.into_iter().map(|range| &text[range]).collect();
        assert_eq!(shown, ["#{ b }#", "{{ d }}"]);
        let own = "[makejinja.delimiter]\nvariable_start = \"<<\"\nvariable_end = \">>\"\ncomment_start = \"#|\"\ncomment_end = \"#|\"\n";
        let (blank, printed) = Templates::of_makejinja(own).blanked("#| c #|\na: << b >>\n");
        assert_eq!(blank, "       \na: xxxxxxx\n");
        assert!(printed.len() == 1 && printed[0] == (11..18), "{printed:?}");
    }

    #[test]
    fn delimiters_that_are_never_closed_are_looked_for_once() {
        let start = std::time::Instant::now();
        for open in ["{", "{{", "{%", "{#", "#{", "#%", "#|", "{{%#"] {
            let text = open.repeat(400_000 / open.len());
            let (blank, printed) = Templates::default().blanked(&text);
            // A comment of ours ends as the next one starts.
            assert_eq!((blank.len(), printed.len()), (text.len(), 0), "{open}");
        }
        // It took hours.
        assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
    }

    #[test]
    fn a_template_is_told_by_its_name() {
        assert_eq!(Templates::made("a/b.sops.yaml.tera"), Some("a/b.sops.yaml"));
        assert_eq!(Templates::made("b.yaml.j2"), Some("b.yaml"));
        assert_eq!(Templates::made("a/.j2"), None);
        assert_eq!(Templates::made("b.yaml"), None);
    }
}
