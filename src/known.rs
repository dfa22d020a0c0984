//! Values that must stand nowhere in clear text, and where they stand.
//!
//! A value is looked for as it is, as JSON writes it, and inside of base64, whatever stands before and after it there:
//! `user:password` is found as well as the password alone, in the standard and in the URL alphabet, and once more inside
//! of base64, as image pull secrets have it. What `raw`, the catalogue, `seal` and `secrets scan` find is found here.

use std::collections::HashMap;
use std::ops::Range;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

/// Values shorter than this are not looked for: they would stand in too many places by chance. In bytes.
pub const MIN_VALUE: usize = 8;

/// Shortest line of a value of several lines that is looked for, in bytes.
const MIN_LINE: usize = 20;

/// Number of bits by which a place is first judged; a power of two.
const FILTER_BITS: u32 = 16;

/// Values with their names, and the forms in which they are looked for.
#[derive(Default)]
pub struct Known {
    names: Vec<String>,
    needles: Vec<Needle>,
    /// Needles by their first eight bytes.
    by_prefix: HashMap<u64, Vec<usize>>,
    /// A bit for each prefix there is, by its hash: most places are none.
    filter: Vec<u64>,
}

/// One form of a value.
struct Needle {
    /// Whose, as an index of `names`.
    name: usize,
    /// At least [`MIN_VALUE`] bytes.
    text: Zeroizing<Vec<u8>>,
    /// Whether it is the value as it is.
    plain: bool,
}

impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Known({})", self.names.len())
    }
}

impl Known {
    /// Takes values with the names to be told.
    pub fn new<'v>(values: impl IntoIterator<Item = (String, &'v str)>) -> Self {
        let mut known = Self::default();
        for (name, value) in values {
            known.add(&name, value);
        }
        known
    }

    /// Adds a value. One that is too short is left out. Of a value of several lines, such as a private key, each long
    /// line is looked for.
    pub fn add(&mut self, name: &str, value: &str) {
        let value = value.trim();
        let lines: Vec<&str> = if value.contains('\n') {
            let long = |line: &&str| line.len() >= MIN_LINE && !line.starts_with("-----");
            value.lines().map(str::trim).filter(long).collect()
        } else {
            vec![value]
        };
        for line in lines.into_iter().filter(|line| line.len() >= MIN_VALUE) {
            let number = if let Some(number) = self.names.iter().position(|known| known == name) {
                number
            } else {
                self.names.push(name.to_owned());
                self.names.len() - 1
            };
            self.add_line(number, line);
        }
    }

    fn add_line(&mut self, name: usize, line: &str) {
        self.push(name, Zeroizing::new(line.as_bytes().to_vec()), true);
        let escaped = Zeroizing::new(serde_json::Value::from(line).to_string());
        let escaped = &escaped[1..escaped.len() - 1];
        if escaped != line && escaped.len() >= MIN_VALUE {
            self.push(name, Zeroizing::new(escaped.as_bytes().to_vec()), true);
        }
        for shift in 0..3 {
            let once = in_base64(line.as_bytes(), shift, &STANDARD_NO_PAD);
            for shift in 0..3 {
                self.push(name, in_base64(&once, shift, &STANDARD_NO_PAD), false);
            }
            let of_urls = in_base64(line.as_bytes(), shift, &URL_SAFE_NO_PAD);
            if of_urls != once {
                self.push(name, of_urls, false);
            }
            self.push(name, once, false);
        }
    }

    fn push(&mut self, name: usize, text: Zeroizing<Vec<u8>>, plain: bool) {
        let prefix = prefix(&text);
        if self.filter.is_empty() {
            self.filter = vec![0; 1 << (FILTER_BITS - 6)];
        }
        let bit = hash(prefix);
        self.filter[bit / 64] |= 1 << (bit % 64);
        self.by_prefix.entry(prefix).or_default().push(self.needles.len());
        self.needles.push(Needle { name, text, plain });
    }

    /// Stops looking for values, as they are, that stand in public texts: words like `kubernetes` would be found
    /// everywhere. Returns their names.
    pub fn forget_common<'t>(&mut self, texts: impl IntoIterator<Item = &'t str>) -> Vec<String> {
        let mut common: Vec<usize> = Vec::new();
        for text in texts {
            let found = self.places(text.as_bytes()).map(|(needle, _)| needle);
            common.extend(found.filter(|needle| self.needles[*needle].plain));
        }
        common.sort_unstable();
        common.dedup();
        #[expect(clippy::iter_over_hash_type, reason = "each list is changed by itself")]
        for numbers in self.by_prefix.values_mut() {
            numbers.retain(|number| common.binary_search(number).is_err());
        }
        let mut names: Vec<String> = common
            .into_iter()
            .map(|needle| self.names[self.needles[needle].name].clone())
            .collect();
        names.dedup();
        names
    }

    /// Returns whether there is nothing to look for.
    pub fn is_empty(&self) -> bool {
        self.needles.is_empty()
    }

    /// Finds the values in a text: which one, and where.
    pub fn find(&self, text: &[u8]) -> Vec<(&str, Range<usize>)> {
        self.places(text)
            .map(|(needle, at)| (self.names[self.needles[needle].name].as_str(), at))
            .collect()
    }

    /// Returns where values stand in a text, without overlaps.
    pub fn places_in(&self, text: &str) -> Vec<Range<usize>> {
        self.places(text.as_bytes()).map(|(_, at)| at).collect()
    }

    /// Returns where needles stand, without overlaps.
    fn places<'t>(&'t self, text: &'t [u8]) -> impl Iterator<Item = (usize, Range<usize>)> + 't {
        let mut at = 0;
        let mut window: u64 = 0;
        let mut filled = 0;
        std::iter::from_fn(move || {
            while at < text.len() && !self.filter.is_empty() {
                window = window << 8 | u64::from(text[at]);
                at += 1;
                filled += 1;
                let bit = hash(window);
                if filled < MIN_VALUE || self.filter[bit / 64] >> (bit % 64) & 1 == 0 {
                    continue;
                }
                let start = at - MIN_VALUE;
                let fits = |number: &&usize| text[start..].starts_with(&self.needles[**number].text);
                let numbers = self.by_prefix.get(&window).into_iter().flatten();
                let longest = numbers
                    .filter(fits)
                    .max_by_key(|number| self.needles[**number].text.len());
                if let Some(number) = longest {
                    let end = start + self.needles[*number].text.len();
                    (at, filled) = (end, 0);
                    return Some((*number, start..end));
                }
            }
            None
        })
    }

    /// Returns a text fit for messages: each value as `<secret NAME>`.
    pub fn mask(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = 0;
        for (name, at) in self.find(text.as_bytes()) {
            out.push_str(&text[rest..at.start]);
            out.push_str(&format!("<secret {name}>"));
            rest = at.end;
        }
        out.push_str(&text[rest..]);
        out
    }
}

/// The first eight bytes of a text.
fn prefix(text: &[u8]) -> u64 {
    text.iter()
        .take(MIN_VALUE)
        .fold(0, |prefix, byte| prefix << 8 | u64::from(*byte))
}

/// Spreads prefixes over the filter: the high bits of a product with an odd number (Knuth, The Art of Computer
/// Programming 3, 6.4).
fn hash(prefix: u64) -> usize {
    usize::try_from(prefix.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - FILTER_BITS)).unwrap_or(0)
}

/// Returns the part of a value's base64 that does not depend on its neighbours, when `shift` bytes stand before it.
fn in_base64(value: &[u8], shift: usize, alphabet: &impl base64::Engine) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(vec![0; shift]);
    bytes.extend(value);
    let encoded = Zeroizing::new(alphabet.encode(&*bytes));
    // Six bits a character: the first and the last may share theirs with what stands beside the value.
    let from = (shift * 8).div_ceil(6);
    let to = bytes.len() * 8 / 6;
    Zeroizing::new(encoded.as_bytes()[from..to].to_vec())
}

/// Returns a text of the same lengths in which only line breaks, and keys and indentation of the lines with these
/// places, are left: what a finding may show of a text with secrets.
pub fn hidden(text: &str, spans: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut starts: Vec<usize> = spans.into_iter().map(|span| span.start).collect();
    starts.sort_unstable();
    let mut starts = starts.into_iter().peekable();
    let mut out = String::with_capacity(text.len());
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let (start, end) = (offset, offset + line.len());
        offset = end;
        let hit = starts.next_if(|at| *at < end);
        while starts.next_if(|at| *at < end).is_some() {}
        let shown = match hit {
            // Never a panic, whatever the places are: its message would hold the text.
            Some(at) => line.get(..at.saturating_sub(start)).map_or(0, key_length),
            None => 0,
        };
        for (i, c) in line.char_indices() {
            match c {
                '\n' | '\r' => out.push(c),
                _ if i < shown => out.push(c),
                _ => out.extend(std::iter::repeat_n(
                    if hit.is_some() { '*' } else { ' ' },
                    c.len_utf8(),
                )),
            }
        }
    }
    out
}

/// Returns how much of the text before a value can be shown: indentation, dash and a plain key.
fn key_length(before: &str) -> usize {
    let key = before.trim_start_matches([' ', '-']);
    let plain = key.trim_end().strip_suffix(':').is_some_and(|key| {
        key.len() <= 40
            && key
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "._-\"".contains(c))
    });
    if plain || key.is_empty() { before.len() } else { 0 }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    use super::*;

    fn one(value: &str) -> Known {
        Known::new([("k".to_owned(), value)])
    }

    #[test]
    fn a_value_is_found_in_every_form() {
        let known = one("pass\"word>1");
        let texts = [
            "x: pass\"word>1".to_owned(),
            "{\"x\": \"pass\\\"word>1\"}".to_owned(),
            format!("x: {}", STANDARD.encode("admin:pass\"word>1")),
            format!("x: {}", URL_SAFE.encode("an:pass\"word>1?>")),
            STANDARD.encode(format!(
                "{{\"auth\": \"{}\"}}",
                STANDARD.encode("me:pass\"word>1")
            )),
        ];
        for text in texts {
            let found = known.find(text.as_bytes());
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].0, "k");
        }
        assert_eq!(known.find(b"x: pass\"word>2 and passw"), []);
        assert_eq!(known.mask("a pass\"word>1 b"), "a <secret k> b");
    }

    #[test]
    fn every_place_is_found_and_of_two_values_the_longer() {
        let known = Known::new([
            ("short".to_owned(), "canary-1"),
            ("long".to_owned(), "canary-1-and-more"),
        ]);
        let text = "canary-1canary-1-and-more canary-1";
        let found: Vec<(&str, usize)> = known
            .find(text.as_bytes())
            .into_iter()
            .map(|(name, at)| (name, at.start))
            .collect();
        assert_eq!(found, [("short", 0), ("long", 8), ("short", 26)]);
    }

    #[test]
    fn lines_of_a_private_key_are_found_alone_and_its_frame_is_not() {
        let key =
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA0123456789\n-----END PRIVATE KEY-----\n";
        let known = one(key);
        assert_eq!(known.find(b"MC4CAQAwBQYDK2VwBCIEIA0123456789").len(), 1);
        assert_eq!(known.find(STANDARD.encode(key).as_bytes()).len(), 1);
        assert_eq!(known.find(b"-----BEGIN PRIVATE KEY-----"), []);
    }

    #[test]
    fn short_and_common_values_are_not_looked_for() {
        assert!(one("admin").is_empty() && one("  1234567 ").is_empty());
        let mut known = Known::new([
            ("word".to_owned(), "kubernetes"),
            ("token".to_owned(), "canary-1"),
        ]);
        assert_eq!(known.forget_common(["app: kubernetes\n"]), ["word"]);
        assert_eq!(known.find(b"kubernetes canary-1").len(), 1);
        assert_eq!(known.find(STANDARD.encode("me:kubernetes").as_bytes()).len(), 1);
    }

    #[test]
    fn what_is_shown_holds_no_value() {
        let text = "# canary-one\nstringData:\n  pass: canary-two canary-value-1\nx canary-value-1\n";
        let shown = hidden(
            text,
            one("canary-value-1")
                .find(text.as_bytes())
                .into_iter()
                .map(|one| one.1),
        );
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(shown.len(), text.len());
        assert!(!format!("{:?}", one("canary-value-1")).contains("canary"));
        // Places that are none, in the middle of a letter or behind the end, hide their lines all the same.
        let text = "é: canary\nb: canary";
        let shown = hidden(text, [1..3, 99..120]);
        assert!(
            shown.starts_with("*********") && !shown.contains("canary"),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn a_value_is_found_inside_of_any_base64(before in "[ -~]{0,9}", value in "[!-~]{8,30}", after in "[ -~]{0,9}") {
            let known = one(&value);
            let text = format!("{before}{value}{after}");
            prop_assert!(!known.find(text.as_bytes()).is_empty());
            prop_assert!(!known.find(STANDARD.encode(&text).as_bytes()).is_empty());
            prop_assert!(!known.find(URL_SAFE.encode(&text).as_bytes()).is_empty());
            let twice = STANDARD.encode(format!("{after}{}{before}", STANDARD.encode(&text)));
            prop_assert!(!known.find(twice.as_bytes()).is_empty());
        }

        #[test]
        fn places_are_those_of_the_value(text in "[ab]{0,40}", value in "[ab]{8}") {
            let places: Vec<usize> = one(&value).find(text.as_bytes()).into_iter().map(|(_, at)| at.start).collect();
            let expected: Vec<usize> = text.match_indices(&value).map(|(at, _)| at).collect();
            prop_assert_eq!(places, expected);
        }
    }
}
