//! XLSX.

use rust_xlsxwriter::{ExcelDateTime, Format as Style, Formula, Workbook};

use super::archive::{text, workbook};
use super::{faults, headings, read, row, table, values};
use crate::Format::Xlsx;
use crate::{Limits, Reason, TableError, open};

fn book() -> Vec<u8> {
    let mut book = Workbook::new();
    let hidden = book.add_worksheet();
    hidden.write(0, 0, "hidden").unwrap().set_hidden(true);
    book.add_worksheet().set_name("empty").unwrap();
    let sheet = book.add_worksheet().set_name("账户").unwrap().set_active(true);
    for (column, heading) in ["用户名", "phone", "date", "flag", "formula"].iter().enumerate() {
        sheet.write(2, u16::try_from(column).unwrap(), *heading).unwrap();
    }
    let date = Style::new().set_num_format("yyyy-mm-dd");
    let both = Style::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    sheet.write(3, 0, "\u{3000}王小明 ").unwrap();
    sheet.write(3, 1, 13_800_138_000_i64).unwrap();
    let day = ExcelDateTime::from_ymd(2026, 2, 28).unwrap();
    sheet.write_with_format(3, 2, &day, &date).unwrap();
    sheet.write(3, 3, true).unwrap();
    let link = Formula::new("=HYPERLINK(\"http://evil.example\",\"x\")").set_result("cached");
    sheet.write(3, 4, link).unwrap();
    sheet.write(5, 0, "'=1+1").unwrap();
    sheet.write(5, 1, -0.5).unwrap();
    let moment = ExcelDateTime::from_ymd(2026, 2, 28).unwrap().and_hms(23, 59, 30).unwrap();
    sheet.write_with_format(5, 2, &moment, &both).unwrap();
    sheet.write(5, 3, false).unwrap();
    sheet.write(5, 4, Formula::new("=1+1").set_result("2")).unwrap();
    sheet.write_with_format(6, 0, "", &date).unwrap();
    sheet.write_with_format(7, 2, 0.5, &Style::new().set_num_format("hh:mm")).unwrap();
    sheet.write_with_format(8, 2, 1.5, &Style::new().set_num_format("[h]:mm:ss")).unwrap();
    book.add_worksheet().write(0, 0, "later").unwrap();
    book.save_to_buffer().unwrap()
}

#[test]
fn the_first_visible_sheet_with_cells_is_read() {
    assert_eq!(headings(Xlsx, book()), ["用户名", "phone", "date", "flag", "formula"]);
    assert_eq!(
        values(Xlsx, book()),
        [
            row(4, ["王小明", "13800138000", "2026-02-28", "true", "cached"]),
            row(6, ["=1+1", "-0.5", "2026-02-28T23:59:30", "false", "2"]),
            row(8, ["", "", "12:00:00", "", ""]),
            row(9, ["", "", "36:00:00", "", ""]),
        ]
    );
}

#[test]
fn an_error_in_a_cell_is_a_fault_of_its_row() {
    let error = "<c r=\"B3\" t=\"e\"><f>NA()</f><v>#N/A</v></c>";
    let rows = [
        format!("<row r=\"1\">{}{}</row>", text("A1", "a"), text("B1", "b")),
        format!("<row r=\"3\">{}{error}</row>", text("A3", "x")),
        format!("<row r=\"4\">{}</row>", text("C4", "surplus")),
        format!("<row r=\"5\">{}{}</row>", text("B5", "1"), text("A5", "2")),
        format!("<row r=\"6\">{}</row>", text("AA6", " ")),
        format!("<row r=\"7\">{}</row>", text("A7", "1")),
    ];
    let book = workbook(&rows.concat(), &[]);
    let (cell, error) = ("B3".to_owned(), "#N/A".to_owned());
    assert_eq!(
        faults(Xlsx, book.clone()),
        [
            (3, Reason::CellError { cell, error }),
            (4, Reason::NoHeading { column: 3 }),
            (5, Reason::Misplaced { cell: "A5".to_owned() }),
        ]
    );
    assert_eq!(read(Xlsx, book), [7]);
    let heading = "<row r=\"2\"><c r=\"AB2\" t=\"e\"><v>#REF!</v></c></row>";
    let error = table(Xlsx, workbook(heading, &[])).unwrap_err();
    assert!(matches!(error, TableError::Heading { number: 2, reason: Reason::CellError { .. } }));
    assert!(error.to_string().contains("AB2"));
}

#[test]
fn numbers_and_cells_without_a_place_are_read() {
    let row_of = |cells: &[&str]| {
        let cells =
            cells.iter().map(|cell| format!("<c><v>{cell}</v></c>")).collect::<Vec<_>>().concat();
        format!("<row>{cells}</row>")
    };
    let rows = [row_of(&["1", "2", "3"]), row_of(&["1E3", "0.1", "12345678901"])];
    let rows = rows.concat();
    assert_eq!(headings(Xlsx, workbook(&rows, &[])), ["1", "2", "3"]);
    assert_eq!(values(Xlsx, workbook(&rows, &[])), [row(2, ["1000", "0.1", "12345678901"])]);
}

#[test]
fn rows_must_be_in_order() {
    let rows = [1, 3, 2]
        .iter()
        .map(|n| format!("<row r=\"{n}\">{}</row>", text(&format!("A{n}"), "x")))
        .collect::<Vec<_>>()
        .concat();
    let read: Vec<_> = table(Xlsx, workbook(&rows, &[])).unwrap().collect();
    assert!(matches!(read.last(), Some(Err(TableError::Damaged))));
}

#[test]
fn rows_are_limited() {
    let rows = (1..=50_002)
        .map(|n| format!("<row r=\"{n}\"><c><v>{n}</v></c></row>"))
        .collect::<Vec<_>>()
        .concat();
    let bytes = workbook(&rows, &[]);
    let mut table = table(Xlsx, bytes.clone()).unwrap();
    assert_eq!(table.by_ref().filter(|row| matches!(row, Ok(Ok(_)))).count(), 50_000);
    assert!(table.next().is_none());
    let limits = Limits { max_rows: Some(1), ..Limits::default() };
    let mut few = open(Xlsx, std::io::Cursor::new(bytes), limits).unwrap();
    assert!(few.next().unwrap().is_ok());
    assert!(matches!(few.next(), Some(Err(TableError::TooManyRows { max: 1 }))));
    assert!(few.next().is_none());
}

#[test]
fn a_workbook_without_cells_is_empty() {
    assert!(matches!(table(Xlsx, workbook("", &[])), Err(TableError::Empty)));
    let twice = format!("<row r=\"1\">{}{}</row>", text("A1", "a"), text("B1", "a"));
    let error = table(Xlsx, workbook(&twice, &[])).unwrap_err();
    assert!(matches!(error, TableError::DuplicateHeading { .. }));
}
