//! The file format: gzip members, one an API version, with a line `apiVersion/kind {schema}` for each kind.
//!
//! A member's header holds the API version as FNAME, and in FEXTRA a subfield `CW` with the length of the compressed
//! data (four bytes, little endian). So a reader finds a kind without decompressing the rest, and `zcat` still reads
//! the whole file. No modification time: same input, same bytes.

use std::collections::BTreeMap;
use std::io::Write as _;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

use crate::Kinds;

/// Returns the file.
pub fn pack(kinds: &Kinds) -> Vec<u8> {
    let mut out = Vec::new();
    let mut members: BTreeMap<&str, String> = BTreeMap::new();
    for (name, schema) in kinds {
        let (api_version, _) = name.rsplit_once('/').expect("a kind");
        members
            .entry(api_version)
            .or_default()
            .push_str(&format!("{name} {schema}\n"));
    }
    for (name, text) in members {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text.as_bytes()).expect("writing to memory");
        let data = encoder.finish().expect("writing to memory");
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        // ID1 ID2, deflate, FEXTRA | FNAME, MTIME (none), XFL (best), OS (unknown).
        out.extend([0x1f, 0x8b, 8, 0x04 | 0x08, 0, 0, 0, 0, 2, 255]);
        out.extend(8_u16.to_le_bytes());
        out.extend(*b"CW");
        out.extend(4_u16.to_le_bytes());
        out.extend(u32::try_from(data.len()).expect("small").to_le_bytes());
        out.extend(name.as_bytes());
        out.push(0);
        out.extend(&data);
        out.extend(crc.sum().to_le_bytes());
        out.extend(crc.amount().to_le_bytes());
    }
    out
}
