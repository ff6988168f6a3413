//! Formulas that are made text, and text that is made what it was.

use proptest::prelude::*;

use super::values;
use crate::{CsvWriter, Format, defuse, undefuse};

#[test]
fn what_a_spreadsheet_would_run_gets_a_quote_mark() {
    for cell in ["=1", "+86", "-1", "@a", "＝1", "＋1", "－1", "＠1", "\t=1", "\r", "\n"] {
        assert_eq!(defuse(cell), format!("'{cell}"));
        assert_eq!(defuse(&format!("'{cell}")), format!("''{cell}"));
        assert_eq!(undefuse(&format!("'{cell}")), cell);
        assert_eq!(undefuse(&format!("''{cell}")), format!("'{cell}"));
    }
    for cell in ["", "'", "''", "a=1", "'a", "O'Brien", "王", " =1"] {
        assert_eq!(defuse(cell), cell);
        assert_eq!(undefuse(cell), cell);
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof!["['=+\\-@＝＋－＠\t\r\n a,;\"王]{0,6}", any::<String>()]
}

proptest! {
    #[test]
    fn undefuse_gives_back_every_cell(cell in cell()) {
        let defused = defuse(&cell);
        prop_assert_eq!(undefuse(&defused), cell.as_str());
        let mut chars = ['=', '+', '-', '@', '\t', '\r', '\n'].iter();
        prop_assert!(!chars.any(|dangerous| defused.starts_with(*dangerous)));
    }

    #[test]
    fn what_is_written_is_read(cells in proptest::collection::vec(cell(), 2)) {
        let mut writer = CsvWriter::new(Vec::new()).unwrap();
        writer.write(["姓名", "-"]).unwrap();
        writer.write(cells.iter().map(String::as_str)).unwrap();
        writer.write(["last", ""]).unwrap();
        let read = values(Format::Csv, writer.finish().unwrap());
        let trimmed: Vec<_> = cells.iter().map(|cell| cell.trim().to_owned()).collect();
        if trimmed.iter().all(String::is_empty) {
            prop_assert_eq!(read.len(), 1);
        } else {
            prop_assert_eq!(&read[0].1, &trimmed);
            prop_assert_eq!(read.len(), 2);
        }
    }
}

#[test]
fn excel_can_read_what_is_written() {
    let mut writer = CsvWriter::new(Vec::new()).unwrap();
    writer.write(["用户名", "email"]).unwrap();
    writer.write(["=cmd()", "a,\"b\""]).unwrap();
    let written = String::from_utf8(writer.finish().unwrap()).unwrap();
    assert_eq!(written, "\u{FEFF}用户名,email\r\n'=cmd(),\"a,\"\"b\"\"\"\r\n");
}
