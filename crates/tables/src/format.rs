//! The formats of files.

use std::path::Path;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Cells between commas, semicolons or tabs (RFC 4180).
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// A workbook of Excel 2007 or later (ISO/IEC 29500).
    Xlsx,
}

impl Format {
    /// The format of a file of this name, by its extension.
    pub fn of_path(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }

    /// The format of a body of this media type. Its parameters and its case do not matter.
    pub fn of_media_type(media_type: &str) -> Option<Self> {
        let essence = media_type.split(';').next().unwrap_or_default();
        match essence.trim().to_ascii_lowercase().as_str() {
            "text/csv" => Some(Self::Csv),
            "application/x-ndjson" => Some(Self::Ndjson),
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet" => Some(Self::Xlsx),
            _ => None,
        }
    }
}
