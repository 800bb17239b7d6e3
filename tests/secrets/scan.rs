//! Looks for digits in bytes, however they may be written there.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Digits of a long number that lie together, and are too many for chance.
const PART: usize = 10;

/// Farthest apart that the digits of a long number are looked for, in bytes: places in queues and tables.
const FARTHEST: usize = 512;

/// Bytes of a process that are looked at together, and by how much looks overlap.
const LOOK: usize = 8 << 20;
const OVERLAP: usize = 16 * FARTHEST;

/// Ways in which the digits may be written, by their names.
pub struct Needles(Vec<(String, Vec<u8>)>);

impl Needles {
    /// For each secret its digits as text, in wide characters, as numbers, packed, and with what lists have between.
    pub fn of(secrets: &[&str]) -> Needles {
        let mut needles = Vec::new();
        for secret in secrets {
            let digits: Vec<u8> = secret.bytes().map(|byte| byte - b'0').collect();
            let mut add =
                |how: String, bytes: Vec<u8>| needles.push((format!("{how} of {}", secret.len()), bytes));
            add("text".to_owned(), secret.as_bytes().to_vec());
            for part in secret.as_bytes().windows(PART) {
                add("part".to_owned(), part.to_vec());
            }
            add("UTF-16".to_owned(), secret.bytes().flat_map(|byte| [byte, 0]).collect());
            add("UTF-32".to_owned(), secret.bytes().flat_map(|byte| [byte, 0, 0, 0]).collect());
            add("events".to_owned(), digits.clone());
            add("wide numbers".to_owned(), digits.iter().flat_map(|digit| [*digit, 0, 0, 0]).collect());
            for between in
                [",", ", ", "\",\"", "\", \"", "','", "', '", " ", "-", "\n", "\r\n", "\\n", "|", ";"]
            {
                let text = secret.chars().map(String::from).collect::<Vec<_>>().join(between);
                add(format!("text parted by {between:?}"), text.into_bytes());
            }
            if digits.len() >= 2 * PART - 4 {
                let packed = |low: usize, high: usize| {
                    digits.chunks_exact(2).map(|pair| pair[low] | pair[high] << 4).collect::<Vec<u8>>()
                };
                add("BCD".to_owned(), packed(1, 0));
                add("swapped BCD".to_owned(), packed(0, 1));
            }
        }
        Needles(needles)
    }

    /// How each secret is written in `bytes`, and where.
    pub fn found_in(&self, bytes: &[u8]) -> Vec<String> {
        let mut by_first: BTreeMap<u8, Vec<&(String, Vec<u8>)>> = BTreeMap::new();
        for needle in &self.0 {
            by_first.entry(needle.1[0]).or_default().push(needle);
        }
        let starts: [bool; 256] = std::array::from_fn(|byte| by_first.contains_key(&(byte as u8)));
        let mut found = Vec::new();
        for (at, byte) in bytes.iter().enumerate().filter(|(_, byte)| starts[usize::from(**byte)]) {
            let here = by_first[byte].iter().filter(|(_, needle)| bytes[at..].starts_with(needle));
            found.extend(here.map(|(how, _)| format!("{how} at {at}: {}", around(bytes, at))));
        }
        found
    }
}

/// The digits of a long number with the same distance between them, in text or as numbers.
pub fn spread(secret: &str, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for base in [b'0', 0] {
        let digits: Vec<u8> = secret.bytes().map(|byte| byte - b'0' + base).collect();
        let (first, rest) = (digits[0], &digits[1..]);
        for at in (0..bytes.len()).filter(|at| bytes[*at] == first) {
            let is = |by: usize| {
                rest.iter().enumerate().all(|(n, digit)| bytes.get(at + (n + 1) * by) == Some(digit))
            };
            found.extend((2..=FARTHEST).filter(|by| is(*by)).map(|by| format!("every {by} bytes at {at}")));
        }
    }
    found
}

/// What stands about a place, readable.
fn around(bytes: &[u8], at: usize) -> String {
    let near = &bytes[at.saturating_sub(60)..(at + 60).min(bytes.len())];
    near.iter().map(|byte| if (b' '..=b'~').contains(byte) { char::from(*byte) } else { '.' }).collect()
}

/// Every byte that a process can have written in its memory, in pieces that overlap.
pub fn memory_of(pid: u32, mut look: impl FnMut(&[u8])) -> u64 {
    let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).expect("the process is there");
    let memory = File::open(format!("/proc/{pid}/mem")).expect("it may be read by who started it");
    let (mut total, mut buffer) = (0, vec![0; LOOK]);
    for line in maps.lines() {
        let mut words = line.split_whitespace();
        let (range, rights) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let bound = |text: &str| u64::from_str_radix(text, 16).expect("an address");
        let Some((from, to)) = range.split_once('-').map(|(from, to)| (bound(from), bound(to))) else {
            continue;
        };
        // What cannot be written holds what stands in the program's file.
        if !rights.starts_with("rw") {
            continue;
        }
        let mut at = from;
        while at < to {
            let length = LOOK.min((to - at) as usize);
            // Pages that were never touched of a file shorter than its mapping cannot be read.
            if memory.read_exact_at(&mut buffer[..length], at).is_ok() {
                look(&buffer[..length]);
                total += length as u64;
            }
            let step = if length == LOOK { LOOK - OVERLAP } else { length };
            at += step as u64;
        }
    }
    total
}

/// All files below a folder.
pub fn files_in(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(files_in(&path));
        } else {
            files.push((path.display().to_string(), std::fs::read(&path).expect("a file")));
        }
    }
    files
}

#[test]
fn digits_are_found_however_they_are_written() {
    let secret = "6217958340916275";
    let needles = Needles::of(&[secret, "927581"]);
    let list = format!("[{}]", secret.chars().map(|c| format!("\"{c}\"")).collect::<Vec<_>>().join(","));
    let wide: Vec<u8> = "927581".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let packed = [0x62, 0x17, 0x95, 0x83, 0x40, 0x91, 0x62, 0x75];
    let swapped = packed.map(|byte: u8| byte.rotate_left(4));
    let events: Vec<u8> = "927581".bytes().map(|byte| byte - b'0').collect();
    for hay in [
        format!("card={secret};").as_bytes(),
        b"pin 927581",
        list.as_bytes(),
        &wide,
        &packed,
        &swapped,
        &events,
    ] {
        assert!(!needles.found_in(&[&[7; 50], hay, &[7; 50]].concat()).is_empty(), "{hay:?}");
    }
    assert!(!needles.found_in(b"7958340916").is_empty(), "a part of it");
    assert!(needles.found_in(b"6217 927 581 2758").is_empty());
    let slots: Vec<u8> = secret.bytes().flat_map(|byte| [[byte].as_slice(), &[0; 71]].concat()).collect();
    assert_eq!(spread(secret, &slots), ["every 72 bytes at 0"]);
}
