//! NDJSON.

use super::{faults, read, row, rows, table, values};
use crate::Format::Ndjson;
use crate::{MAX_ROW_BYTES, Reason, TableError};

#[test]
fn a_line_is_a_row() {
    let text = "\u{FEFF}{\"姓名\": \" 王 \", \"n\": 13800138000}\r\n\n \n{\" b \":true}\n{}";
    let rows = rows(Ndjson, text);
    let rows: Vec<_> = rows.into_iter().map(Result::unwrap).collect();
    let cells: Vec<_> = rows[0].cells.iter().map(|(key, value)| (&**key, &**value)).collect();
    assert_eq!(cells, [("姓名", "王"), ("n", "13800138000")]);
    assert_eq!((rows[0].number, rows[1].number, rows[2].number), (1, 4, 5));
    assert_eq!(&*rows[1].cells[0].0, "b");
    assert!(rows[2].cells.is_empty());
}

#[test]
fn values_are_text() {
    let text = r#"{"a":-1,"b":1.50,"c":123456789012345678901234567890,"d":true,"e":false,"f":null,"g":"\u738b\n'=1"}"#;
    let expected = ["-1", "1.50", "123456789012345678901234567890", "true", "false", "", "王\n'=1"];
    assert_eq!(values(Ndjson, text), [row(1, expected)]);
}

#[test]
fn a_line_that_cannot_be_read_does_not_stop_those_behind() {
    let key = |key: &str| key.to_owned();
    for (line, reason) in [
        ("[1]", Reason::NotObject),
        ("\"secret\"", Reason::NotObject),
        ("{\"a\":1", Reason::NotJson { column: 6 }),
        ("{\"a\":1} {", Reason::NotJson { column: 9 }),
        ("secret", Reason::NotJson { column: 1 }),
        ("{\"a\":1,\"a \":2}", Reason::DuplicateKey { key: key("a") }),
        ("{\"a\":[]}", Reason::Nested { key: key("a") }),
        ("{\"b\": {}}", Reason::Nested { key: key("b") }),
        ("{\"c\":\"\\ud800\"}", Reason::NotUnicode { key: key("c") }),
        ("{\" \":1}", Reason::UnusableKey),
    ] {
        let text = format!("{line}\n{{\"x\":1}}\n");
        let found = faults(Ndjson, text.clone());
        assert_eq!(found, [(1, reason)], "{line}");
        assert!(!found[0].1.to_string().contains("secret"));
        assert_eq!(read(Ndjson, text), [2]);
    }
    let bytes = b"{\"a\":\"\xCD\xF5\"}\n{\"a\":\"b\"}\n".as_slice();
    assert_eq!(faults(Ndjson, bytes), [(1, Reason::NotUtf8)]);
    assert_eq!(read(Ndjson, bytes), [2]);
}

#[test]
fn a_line_has_a_greatest_length() {
    let line = |length: usize| format!("{{\"a\":\"{}\"}}", "x".repeat(length - 8));
    let (fits, not) = (line(MAX_ROW_BYTES), line(MAX_ROW_BYTES + 1));
    let text = format!("{fits}\n{not}\n{}\n{{}}\n{not}", line(3 * MAX_ROW_BYTES));
    let expected = [(2, Reason::TooLong), (3, Reason::TooLong), (5, Reason::TooLong)];
    assert_eq!(faults(Ndjson, text.clone()), expected);
    assert_eq!(read(Ndjson, text), [1, 4]);
    let keys: Vec<_> = (0..1001).map(|n| format!("\"k{n}\":1")).collect();
    let text = format!("{{{}}}", keys.join(","));
    assert_eq!(faults(Ndjson, text), [(1, Reason::TooManyKeys { max: 1000 })]);
}

#[test]
fn headings_are_the_keys_so_far() {
    let mut table = table(Ndjson, "{\"a\":1}\n{\"b\":1,\"a\":2}\n").unwrap();
    assert!(table.headings().is_empty());
    let first = table.next().unwrap().unwrap().unwrap();
    assert_eq!(table.headings().len(), 1);
    let second = table.next().unwrap().unwrap().unwrap();
    assert_eq!(table.headings().iter().map(|key| &**key).collect::<Vec<_>>(), ["a", "b"]);
    assert!(std::sync::Arc::ptr_eq(&first.cells[0].0, &second.cells[1].0));
}

#[test]
fn a_workbook_is_not_text() {
    assert!(matches!(table(Ndjson, b"PK\x03\x04".as_slice()), Err(TableError::NotText)));
    assert!(rows(Ndjson, "").is_empty());
}
