//! Bending a text: by bytes, by lines, and by pieces of YAML.

use super::Dice;

/// Pieces that mean something to a reader of YAML, of SOPS files or of `.sops.yaml`.
const PIECES: [&str; 48] = [
    "- ",
    ": ",
    ":",
    "? ",
    "|",
    "|-",
    "|+2",
    ">",
    ">-",
    "&a ",
    "*a",
    "<<: *a",
    "!!str ",
    "!!binary ",
    "! ",
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ", ",
    "#",
    " # c",
    "---\n",
    "...\n",
    "\n",
    "\r\n",
    "\t",
    "  ",
    "~",
    "null",
    "\\",
    "\u{feff}",
    "é😀",
    "\u{85}",
    "%YAML 1.2\n",
    "sops:\n",
    "sops: {}\n",
    "ENC[AES256_GCM,data:AA==,iv:AA==,tag:AA==,type:str]",
    "ENC[AES256_GCM,data:",
    ",type:comment]",
    "stringData:\n",
    "mac: ",
    "lastmodified: \"\"\n",
    "age: []\n",
    "encrypted_regex: \"(\"\n",
    "path_regex: [\n",
];

/// Returns a bent text.
pub(super) fn mutate(text: &str, dice: &mut Dice) -> String {
    let mut text = text.to_owned();
    for _ in 0..=dice.below(3) {
        text = once(&text, dice);
    }
    text
}

fn once(text: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    let place = boundary(text, dice);
    match dice.below(10) {
        0 => format!("{}{}{}", &text[..place], dice.pick(&PIECES), &text[place..]),
        1 => {
            let end = boundary(text, dice);
            let (from, to) = (place.min(end), place.max(end).min(place.min(end) + 12));
            let to = (from..=to)
                .rev()
                .find(|at| text.is_char_boundary(*at))
                .unwrap_or(from);
            format!("{}{}", &text[..from], &text[to..])
        }
        2 if !lines.is_empty() => {
            let at = dice.below(lines.len());
            lines.remove(at);
            lines.concat()
        }
        3 if !lines.is_empty() => {
            let (at, to) = (dice.below(lines.len()), dice.below(lines.len()));
            lines.insert(to, lines[at]);
            lines.concat()
        }
        4 if !lines.is_empty() => {
            let (one, two) = (dice.below(lines.len()), dice.below(lines.len()));
            lines.swap(one, two);
            lines.concat()
        }
        5 if !lines.is_empty() => {
            let at = dice.below(lines.len());
            let bent = match dice.below(3) {
                0 => format!("  {}", lines[at]),
                1 => lines[at].strip_prefix("  ").unwrap_or(lines[at]).to_owned(),
                _ => format!("{} {}", lines[at].trim_end_matches('\n'), dice.pick(&PIECES)),
            };
            let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            all[at] = bent;
            all.concat()
        }
        6 => text[..place].to_owned(),
        7 => text.replace('\n', "\r\n"),
        8 => {
            let flipped: String = text[place..]
                .chars()
                .take(1)
                .map(|c| char::from(c as u8 ^ (1 << dice.below(7)) & 0x7f))
                .collect();
            let rest = text[place..].chars().next().map_or(0, char::len_utf8);
            format!("{}{flipped}{}", &text[..place], &text[place + rest..])
        }
        _ => {
            let at = boundary(text, dice);
            let piece = &text[place.min(at)..place.max(at)];
            let end = (0..=piece.len().min(40))
                .rev()
                .find(|end| piece.is_char_boundary(*end))
                .unwrap_or(0);
            format!("{}{}{}", &text[..at], &piece[..end], &text[at..])
        }
    }
}

fn boundary(text: &str, dice: &mut Dice) -> usize {
    let at = dice.below(text.len() + 1);
    (0..=at).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0)
}
