//! CSV.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use encoding_rs::GB18030;

use super::{faults, headings, read, row, rows, table, values};
use crate::Format::Csv;
use crate::{Limits, MAX_ROW_BYTES, Reason, TableError, open};

#[test]
fn a_row_has_its_headings_and_its_line() {
    let rows = rows(Csv, "用户名, email ,Name\n王小明,wang@example.com,\u{3000}王\u{A0}\n");
    let row = rows[0].as_ref().unwrap();
    assert_eq!(row.number, 2);
    let cells: Vec<_> = row.cells.iter().map(|(heading, value)| (&**heading, &**value)).collect();
    assert_eq!(cells, [("用户名", "王小明"), ("email", "wang@example.com"), ("Name", "王")]);
}

#[test]
fn utf_8_has_a_mark_or_none() {
    let text = "姓名,b\n王,2\n";
    for bytes in [text.as_bytes().to_vec(), [b"\xEF\xBB\xBF", text.as_bytes()].concat()] {
        assert_eq!(headings(Csv, bytes.clone()), ["姓名", "b"]);
        assert_eq!(values(Csv, bytes), [row(2, ["王", "2"])]);
    }
}

#[test]
fn utf_16_has_a_mark() {
    let text = "\u{FEFF}姓名\tb\r\n王😀\t2\r\n";
    let (mut little, mut big) = (Vec::new(), Vec::new());
    for unit in text.encode_utf16() {
        little.extend(unit.to_le_bytes());
        big.extend(unit.to_be_bytes());
    }
    for bytes in [little, big] {
        assert_eq!(headings(Csv, bytes.clone()), ["姓名", "b"]);
        assert_eq!(values(Csv, bytes), [row(2, ["王😀", "2"])]);
    }
}

#[test]
fn what_is_not_utf_8_is_gb18030() {
    // One that is UTF-8 up to far behind the first bytes.
    let long = "a,b\n".to_owned() + &"x,y\n".repeat(50_000) + "王㐀,𠀀\n";
    for (text, last) in [("姓名,b\n王㐀,𠀀\n", 2), (long.as_str(), 50_002)] {
        let (bytes, _, _) = GB18030.encode(text);
        assert_eq!(values(Csv, bytes).last(), Some(&row(last, ["王㐀", "𠀀"])));
    }
    let bytes = [b"a\n".as_slice(), b"\xCD\xF5\n", b"\xFF\xFF\n", b"\"\xCD\xF5\n\"\n"].concat();
    assert_eq!(faults(Csv, bytes.clone()), [(3, Reason::Encoding)]);
    assert_eq!(read(Csv, bytes), [2, 4]);
    let error = table(Csv, b"a\xFF\xFF,b\n".as_slice()).unwrap_err();
    assert!(matches!(error, TableError::Heading { number: 1, reason: Reason::Encoding }));
}

#[test]
fn a_mark_is_believed_and_a_replacement_character_in_utf_8_is_one() {
    let bytes = [b"\xEF\xBB\xBFa\n".as_slice(), b"\xCD\xF5\n", "王\n".as_bytes()].concat();
    assert_eq!(faults(Csv, bytes), [(2, Reason::Encoding)]);
    assert_eq!(values(Csv, "a\n\u{FFFD}\n"), [row(2, ["\u{FFFD}"])]);
}

#[test]
fn the_headings_say_what_is_between_cells() {
    for (text, between) in [
        ("a,b\n1,2\n", ','),
        ("a;b\n1;2\n", ';'),
        ("a\tb\n1\t2\n", '\t'),
        ("\"a;;,\";b\n1;2\n", ';'),
        ("\r\n;\n a;b\r\n1;2\r\n", ';'),
    ] {
        assert_eq!(values(Csv, text)[0].1, ["1", "2"], "{between:?}");
    }
    assert_eq!(values(Csv, "a\n1;2\n"), [row(2, ["1;2"])]);
    assert_eq!(headings(Csv, "a,b;c"), ["a", "b;c"]);
}

#[test]
fn numbers_are_lines() {
    let text = "\n\na,b\r\n\r\n1,\"x\r\ny\nz\"\r\n\n , \n,\n2,3\n\n\n\"\n4\",5";
    let expected = [row(5, ["1", "x\r\ny\nz"]), row(11, ["2", "3"]), row(14, ["4", "5"])];
    assert_eq!(values(Csv, text), expected);
    assert_eq!(values(Csv, "a\r1\r2\r"), [row(2, ["1"]), row(3, ["2"])]);
    // Across the buffers.
    let long = "x".repeat(100_000);
    let text = format!("a\n{long}\n\n{long}\n1\n");
    assert_eq!(read(Csv, text), [2, 4, 5]);
}

#[test]
fn cells_may_be_missing_but_not_too_many() {
    assert_eq!(
        values(Csv, "a,b,c\n1\n1,2,3,, \n"),
        [row(2, ["1", "", ""]), row(3, ["1", "2", "3"])]
    );
    let text = "a,,c,\n1,,2\n1,x,2\n1,,2,3,4\n5,,6\n";
    assert_eq!(headings(Csv, text), ["a", "c"]);
    let expected = [(3, Reason::NoHeading { column: 2 }), (4, Reason::NoHeading { column: 4 })];
    assert_eq!(faults(Csv, text), expected);
    assert_eq!(read(Csv, text), [2, 5]);
}

#[test]
fn our_quote_mark_is_taken_away() {
    assert_eq!(
        values(Csv, "a,b\n'=1+1,'a\n'＋1,''-\n"),
        [row(2, ["=1+1", "'a"]), row(3, ["＋1", "'-"])]
    );
}

#[test]
fn a_quotation_mark_that_is_never_closed_is_a_fault() {
    assert_eq!(faults(Csv, "a,b\n1,2\n3,\"4\n5,6\n"), [(3, Reason::OpenQuote)]);
    assert_eq!(values(Csv, "a\n5\" disk\n"), [row(2, ["5\" disk"])]);
    let text = format!("a,b\n1,2\n\"{}", "x\n".repeat(MAX_ROW_BYTES));
    let read: Vec<_> = table(Csv, text).unwrap().collect();
    assert!(matches!(read[1], Err(TableError::RecordTooLong { number: 3 })));
    assert_eq!(read.len(), 2);
}

#[test]
fn a_file_that_is_no_table_says_so() {
    for text in ["", "\n\n", ",,\n ,\n", "\u{FEFF}"] {
        assert!(matches!(table(Csv, text), Err(TableError::Empty)), "{text:?}");
    }
    let error = table(Csv, "a,b, a\n").unwrap_err();
    assert!(matches!(&error, TableError::DuplicateHeading { heading } if heading == "a"));
    assert!(error.to_string().contains("rename or delete"));
    let wide = (0..1001).map(|n| format!("h{n},")).collect::<Vec<_>>().concat();
    assert!(matches!(table(Csv, wide), Err(TableError::TooManyColumns { max: 1000 })));
    for workbook in [b"PK\x03\x04....", b"\xD0\xCF\x11\xE0...."] {
        assert!(matches!(table(Csv, workbook.as_slice()), Err(TableError::NotText)));
    }
}

#[test]
fn rows_are_limited_if_asked() {
    let limits = Limits { max_rows: Some(2), ..Limits::default() };
    let read: Vec<_> = open(Csv, Cursor::new("a\n1\n2\n3\n4\n"), limits).unwrap().collect();
    assert!(matches!(read[2], Err(TableError::TooManyRows { max: 2 })));
    assert_eq!(read.len(), 3);
    let all = open(Csv, Cursor::new("a\n1\n2\n"), limits).unwrap();
    assert!(all.map(Result::unwrap).all(|row| row.is_ok()));
}

/// A file of rows that are made when they are read.
struct Made {
    position: u64,
    length: u64,
    /// How many times more it can be read.
    works: u64,
}

impl Read for Made {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.works = self.works.checked_sub(1).ok_or(io::ErrorKind::BrokenPipe)?;
        let mut read = 0;
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap();
        for place in buffer.iter_mut().take(left) {
            *place = b"a,b\n"[usize::try_from(self.position % 4).unwrap()];
            self.position += 1;
            read += 1;
        }
        Ok(read)
    }
}

impl Seek for Made {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let SeekFrom::Start(start) = position else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        self.position = start;
        Ok(start)
    }
}

#[test]
fn a_source_is_read_from_its_beginning_and_a_row_at_a_time() {
    let source = Made { position: 3, length: 4 * 200_000, works: u64::MAX };
    let table = open(Csv, source, Limits::default()).unwrap();
    assert_eq!(table.last().unwrap().unwrap().unwrap().number, 200_000);
}

#[test]
fn a_source_that_fails_is_not_a_table_that_ends() {
    let mut opened = 0;
    for works in 0.. {
        let source = Made { position: 0, length: 150_000, works };
        match open(Csv, source, Limits::default()).map(Iterator::last) {
            Ok(Some(Err(TableError::Io(_)))) => opened += 1,
            Err(TableError::Io(_)) => {}
            Ok(Some(Ok(_))) => break,
            other => panic!("{other:?}"),
        }
    }
    assert!(opened > 0);
}
