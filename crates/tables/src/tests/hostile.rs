//! Files that mean harm, or mean nothing.

use std::io::Cursor;

use proptest::prelude::*;

use super::archive::{text, workbook, zip};
use super::table;
use crate::Format::{Csv, Ndjson, Xlsx};
use crate::{Limits, MAX_ROW_BYTES, Reason, TableError, open};

fn sheet() -> String {
    format!("<row r=\"1\">{}</row>", text("A1", "a"))
}

fn refusal(others: &[(&str, &[u8])]) -> TableError {
    table(Xlsx, workbook(&sheet(), others)).unwrap_err()
}

fn assert_too_large(others: &[(&str, &[u8])], because: &str) {
    let error = refusal(others);
    assert!(matches!(&error, TableError::TooLarge { what } if what.contains(because)), "{error}");
}

#[test]
fn the_workbook_of_these_tests_is_read_without_their_harm() {
    assert!(table(Xlsx, workbook(&sheet(), &[])).is_ok());
}

#[test]
fn what_unpacks_to_too_much_is_refused() {
    assert_too_large(&[("xl/media/a.png", &vec![0; 10_000_000])], "100 times its size");
    // An archive that packs badly, and is just too large.
    let limits = Limits { max_unpacked: 100_000, ..Limits::default() };
    let mut seed = 1_u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        seed.to_be_bytes()[0]
    })
    .take(120_000)
    .collect();
    let bytes = workbook(&sheet(), &[("docProps/a.bin", &noise)]);
    let error = open(Xlsx, Cursor::new(bytes.clone()), limits).unwrap_err();
    assert!(matches!(error, TableError::TooLarge { what } if what.contains("100000 bytes")));
    assert!(table(Xlsx, bytes).is_ok());
}

#[test]
fn what_an_archive_says_of_its_sizes_does_not_matter() {
    let zeroes = vec![0; 10_000_000];
    let mut bytes = workbook(&sheet(), &[("a", &zeroes)]);
    let size = 10_000_000_u32.to_le_bytes();
    let places: Vec<_> = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(&size)).collect();
    assert!(!places.is_empty());
    for at in places {
        bytes[at..at + 4].copy_from_slice(&10_u32.to_le_bytes());
    }
    let error = table(Xlsx, bytes).unwrap_err();
    assert!(matches!(error, TableError::TooLarge { .. } | TableError::Damaged), "{error}");
}

#[test]
fn an_archive_of_many_parts_is_refused() {
    let names: Vec<_> = (0..1001).map(|n| format!("a{n}")).collect();
    let parts: Vec<_> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    assert_too_large(&parts, "1000 parts");
}

#[test]
fn a_document_type_is_refused() {
    let part = b"<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"c\">]><sst/>".as_slice();
    for name in ["xl/sharedStrings.xml", "xl/other.bin", "docProps/app.xml"] {
        assert!(matches!(refusal(&[(name, part)]), TableError::HasDtd), "{name}");
    }
    let wide: Vec<u8> =
        "\u{FEFF}<!DOCTYPE a><a/>".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let wide = table(Xlsx, workbook(&sheet(), &[("xl/styles.xml", &wide)]));
    assert!(matches!(wide, Err(TableError::HasDtd | TableError::Damaged)));
    assert!(table(Xlsx, workbook(&sheet(), &[("xl/media/a.svg", part)])).is_ok());
}

#[test]
fn what_would_take_too_much_memory_is_refused() {
    for count in ["2000001", "99999999999999", "99999999999999999999999", "x"] {
        let strings = format!("<sst count=\"1\" uniqueCount = '{count}'></sst>");
        assert_too_large(&[("xl/sharedStrings.xml", strings.as_bytes())], "too many texts");
    }
    let long = "x".repeat(1025);
    let styles =
        format!("<styleSheet><fonts><font><name val=\"{long}\"/></font></fonts></styleSheet>");
    assert_too_large(&[("xl/Styles.xml", styles.as_bytes())], "long names");
    let styles = format!("<styleSheet><cellXfs>{}</cellXfs></styleSheet>", noisy("xf", 300_000));
    assert_too_large(&[("xl/styles.xml", styles.as_bytes())], "too many styles");
    let target = "x".repeat(10_000);
    let relations = format!("<Relationships><Relationship Target=\"{target}\"/></Relationships>");
    assert_too_large(&[("xl/_rels/a.rels", relations.as_bytes())], "long names");
    let sheets = format!("<workbook><sheets>{}</sheets></workbook>", noisy("sheet", 1001));
    assert_too_large(&[("xl/workbook.xml", sheets.as_bytes())], "<sheet>");
}

/// Elements that do not pack too well.
fn noisy(name: &str, count: u64) -> String {
    let element =
        |n: u64| format!("<{name} a=\"{}\"/>", n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40);
    (0..count).map(element).collect::<Vec<_>>().concat()
}

#[test]
fn a_long_text_that_many_cells_share_is_not_copied() {
    let mut strings = "<sst><si><t>a</t></si><si><t>".to_owned();
    strings.push_str(&noisy("b", 60_000).replace(['<', '>'], ""));
    strings.push_str("</t></si></sst>");
    assert!(strings.len() > MAX_ROW_BYTES / 2);
    let cells =
        |n: u32| (0..3).map(|_| "<c t=\"s\"><v>1</v></c>").collect::<String>() + &n.to_string();
    let rows =
        (2..100).map(|n| format!("<row r=\"{n}\">{}</row>", cells(n))).collect::<Vec<_>>().concat();
    let rows = format!("<row r=\"1\"><c t=\"s\"><v>0</v></c></row>{rows}");
    let bytes = workbook(&rows, &[("xl/sharedStrings.xml", strings.as_bytes())]);
    let read: Vec<_> = table(Xlsx, bytes).unwrap().map(|row| row.unwrap().unwrap_err()).collect();
    assert_eq!(read.len(), 98);
    assert!(read.iter().all(|fault| fault.reason == Reason::TooLong));
}

#[test]
fn what_is_no_workbook_says_what_to_do() {
    let error = table(Xlsx, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1".as_slice()).unwrap_err();
    assert!(matches!(error, TableError::Encrypted));
    assert!(error.to_string().contains("without a password"));
    for bytes in [b"".as_slice(), b"a,b\n1,2\n", b"PK\x03\x04", b"PK\x05\x06"] {
        assert!(matches!(table(Xlsx, bytes), Err(TableError::NotXlsx)), "{bytes:?}");
    }
    let other = zip(&[("word/document.xml", b"<a/>")]);
    assert!(matches!(table(Xlsx, other), Err(TableError::NotXlsx)));
    let bytes = workbook(&sheet(), &[]);
    for end in [bytes.len() / 2, bytes.len() - 10] {
        assert!(table(Xlsx, &bytes[..end]).is_err());
    }
}

#[test]
fn a_table_may_be_dropped_half_way() {
    let rows = (1..=5000)
        .map(|n| format!("<row r=\"{n}\"><c><v>{n}</v></c></row>"))
        .collect::<Vec<_>>()
        .concat();
    let mut table = table(Xlsx, workbook(&rows, &[])).unwrap();
    assert!(table.next().is_some());
    drop(table);
}

/// Reads to the end, which must come.
fn exhaust(format: crate::Format, bytes: Vec<u8>) {
    let length = bytes.len();
    if let Ok(table) = table(format, bytes) {
        assert!(table.count() <= length + 1);
    }
}

fn garbage() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..500),
        "[a,;\t\"\r\n'={}:\\[\\]0\u{FFFD}王 ]{0,200}".prop_map(String::into_bytes),
    ]
}

proptest! {
    #[test]
    fn garbage_ends(bytes in garbage()) {
        exhaust(Csv, bytes.clone());
        exhaust(Ndjson, bytes.clone());
        exhaust(Xlsx, [b"PK\x03\x04".to_vec(), bytes].concat());
    }

    #[test]
    fn a_sheet_of_garbage_ends(bytes in garbage(), name in "[A-Z]{0,9}[0-9]{0,12}") {
        let part = format!("<worksheet><sheetData><row><c r=\"{name}\"><v>1</v></c>").into_bytes();
        exhaust(Xlsx, workbook("", &[("xl/worksheets/sheet1.xml", &[part, bytes.clone()].concat())]));
        exhaust(Xlsx, workbook(&sheet(), &[("xl/styles.xml", &bytes), ("xl/sharedStrings.xml", &bytes)]));
    }

    #[test]
    fn a_workbook_with_wrong_bytes_ends(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6)) {
        let mut bytes = workbook(&sheet(), &[]);
        let length = bytes.len();
        for (place, byte) in changes {
            bytes[place % length] = byte;
        }
        exhaust(Xlsx, bytes);
    }
}
