//! Workbooks made part by part.

use std::io::{Cursor, Write as _};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// The namespace of relationships.
const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// A ZIP archive.
pub(super) fn zip(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .compression_level(Some(6));
    for (name, data) in parts {
        zip.start_file(*name, options).unwrap();
        zip.write_all(data).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A workbook with one sheet of these rows, and with these parts in place of its own or besides them.
pub(super) fn workbook(rows: &str, others: &[(&str, &[u8])]) -> Vec<u8> {
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"{RELATIONS}/{kind}\" Target=\"{target}\"/>")
    };
    let relations = |inner: String| format!("<Relationships>{inner}</Relationships>");
    let package = relations(relation("r1", "officeDocument", "xl/workbook.xml"));
    let book = relations(relation("r1", "worksheet", "worksheets/sheet1.xml"));
    let sheets = "<sheet name=\"Sheet1\" sheetId=\"1\" r:id=\"r1\"/>";
    let sheets = format!("<workbook><sheets>{sheets}</sheets></workbook>");
    let sheet = format!("<worksheet><sheetData>{rows}</sheetData></worksheet>");
    let mut parts: Vec<(&str, &[u8])> = vec![
        ("_rels/.rels", package.as_bytes()),
        ("xl/_rels/workbook.xml.rels", book.as_bytes()),
        ("xl/workbook.xml", sheets.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ];
    parts.retain(|(name, _)| !others.iter().any(|(other, _)| other == name));
    parts.extend_from_slice(others);
    zip(&parts)
}

/// A cell with a text.
pub(super) fn text(name: &str, text: &str) -> String {
    format!("<c r=\"{name}\" t=\"inlineStr\"><is><t>{text}</t></is></c>")
}
