//! Formats by the names of files and by media types.

use std::path::Path;

use crate::Format::{self, Csv, Ndjson, Xlsx};

#[test]
fn the_extension_says_the_format() {
    let of = |path: &str| Format::of_path(Path::new(path));
    for path in ["a.csv", "b/a.CSV", "a.tsv", "a.txt", "账户.csv"] {
        assert_eq!(of(path), Some(Csv), "{path}");
    }
    assert_eq!((of("a.ndjson"), of("a.jsonl")), (Some(Ndjson), Some(Ndjson)));
    assert_eq!((of("a.xlsx"), of("a.csv.xlsx")), (Some(Xlsx), Some(Xlsx)));
    for path in ["a", "a.xls", ".csv", "csv", "", "a.json"] {
        assert_eq!(of(path), None, "{path}");
    }
}

#[test]
fn the_media_type_says_the_format() {
    let of = Format::of_media_type;
    assert_eq!((of("text/csv"), of("Text/CSV ; charset=gb18030")), (Some(Csv), Some(Csv)));
    assert_eq!(of("application/x-ndjson"), Some(Ndjson));
    let xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(of(xlsx), Some(Xlsx));
    assert_eq!((of("application/json"), of(""), of("text/csvx")), (None, None, None));
}
