//! What a workbook must be before it is read: no bomb of any kind.
//!
//! Every part is unpacked once, counted and thrown away, and read as XML by the library that calamine
//! reads it with, set up alike. Besides what a ZIP bomb does, calamine 0.38 would
//!
//! * reserve memory for as many shared strings as the file says that it has;
//! * copy a number format and the name of a font to each style that uses it, and the path of a sheet to
//!   each sheet: the memory would grow with the square of the file.

use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use crate::error::TableError;
use crate::row::Limits;

/// How many parts a workbook has at most.
const MAX_PARTS: usize = 1000;

/// How many elements of these names a part has at most.
const MAX_ELEMENTS: [(&str, u64); 4] =
    [("sheet", 1000), ("si", MAX_STRINGS), ("definedName", 100_000), ("Relationship", 100_000)];

/// How many texts a workbook has at most that cells share.
const MAX_STRINGS: u64 = 2_000_000;

/// How long the part with the styles is at most, and a tag in it.
const MAX_STYLES: (u64, usize) = (2 * 1024 * 1024, 1024);

/// How long a tag is at most in a part that says where others are.
const MAX_RELATION: usize = 8 * 1024;

/// Checks a workbook.
pub(super) fn check(source: &mut (impl Read + Seek), limits: &Limits) -> Result<(), TableError> {
    let packed = source.seek(SeekFrom::End(0))?;
    source.rewind()?;
    let mut archive = ZipArchive::new(BufReader::new(source)).map_err(error)?;
    if archive.len() > MAX_PARTS {
        return Err(too_large(format!("it has more than {MAX_PARTS} parts")));
    }
    if archive.has_duplicate_names() {
        return Err(TableError::Damaged);
    }

    let by_ratio = packed.saturating_mul(limits.max_ratio);
    let mut left = by_ratio.min(limits.max_unpacked);
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(error)?;
        let kind = Kind::of(&part.name().map_err(error)?);
        let mut counted = Counted { part, left, exceeded: false };
        let checked = check_part(kind, BufReader::new(&mut counted));
        let drained = match checked {
            Ok(()) => io::copy(&mut counted, &mut io::sink()).map(|_| ()),
            Err(_) => Ok(()),
        };
        if counted.exceeded {
            return Err(too_large(if by_ratio < limits.max_unpacked {
                format!("it unpacks to more than {} times its size", limits.max_ratio)
            } else {
                format!("it unpacks to more than {} bytes", limits.max_unpacked)
            }));
        }
        checked?;
        drained.map_err(|error| self::error(ZipError::Io(error)))?;
        left = counted.left;
    }
    Ok(())
}

/// What a part is, by its name; calamine knows these by their names, too.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Styles,
    Relations,
    /// An image, which may well declare its type. Where such a part is read as a sheet, the declaration
    /// does nothing: no entity of it is ever replaced.
    Svg,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        let name = name.to_ascii_lowercase();
        let ends = |end: &str| name.ends_with(end);
        if ends("styles.xml") {
            Self::Styles
        } else if ends(".rels") {
            Self::Relations
        } else if ends(".svg") {
            Self::Svg
        } else {
            Self::Other
        }
    }
}

/// Reads a part as XML, up to where it is none.
fn check_part(kind: Kind, part: impl BufRead) -> Result<(), TableError> {
    let mut reader = Reader::from_reader(part);
    let config = reader.config_mut();
    config.check_end_names = false;
    config.trim_text(false);
    config.check_comments = false;
    config.expand_empty_elements = true;

    let mut counts = MAX_ELEMENTS;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::DocType(_)) if kind != Kind::Svg => return Err(TableError::HasDtd),
            Ok(Event::Start(tag)) => check_tag(kind, &tag, &mut counts)?,
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
        if kind == Kind::Styles && reader.buffer_position() > MAX_STYLES.0 {
            return Err(too_large("it has too many styles".to_owned()));
        }
    }
}

fn check_tag(
    kind: Kind,
    tag: &BytesStart<'_>,
    counts: &mut [(&str, u64)],
) -> Result<(), TableError> {
    let name = tag.local_name();
    let name: &str = name.as_ref();
    let longest = match kind {
        // The element that is the part declares its namespaces.
        Kind::Styles if name != "styleSheet" => MAX_STYLES.1,
        Kind::Relations => MAX_RELATION,
        _ => usize::MAX,
    };
    if tag.len() > longest {
        return Err(too_large("it has very long names".to_owned()));
    }
    if let Some((_, left)) = counts.iter_mut().find(|(counted, _)| *counted == name) {
        *left = left
            .checked_sub(1)
            .ok_or_else(|| too_large(format!("it has too many elements <{name}>")))?;
    }
    if name == "sst" && !tag.split("uniqueCount").skip(1).all(is_small) {
        return Err(too_large("it says that it has too many texts".to_owned()));
    }
    Ok(())
}

/// Whether what follows the name of an attribute is a number that is not too large.
fn is_small(attribute: &str) -> bool {
    let value = attribute.trim_start().strip_prefix('=').map(str::trim_start);
    let digits = value.and_then(|value| value.split(['"', '\'']).nth(1));
    digits.and_then(|digits| digits.parse().ok()).is_some_and(|count: u64| count <= MAX_STRINGS)
}

/// Counts what really comes out of a part, whatever the archive says of it.
struct Counted<R> {
    part: R,
    left: u64,
    exceeded: bool,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(buffer)?;
        let left = u64::try_from(read).ok().and_then(|read| self.left.checked_sub(read));
        self.exceeded |= left.is_none();
        self.left = left.ok_or(io::ErrorKind::FileTooLarge)?;
        Ok(read)
    }
}

fn too_large(what: String) -> TableError {
    TableError::TooLarge { what }
}

fn error(error: ZipError) -> TableError {
    match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) | ZipError::InvalidPassword => {
            TableError::Encrypted
        }
        // A source that fails has a number of the system; what does not unpack has none.
        ZipError::Io(error) if error.raw_os_error().is_some() => TableError::Io(error),
        ZipError::Io(_) => TableError::Damaged,
        _ => TableError::NotXlsx,
    }
}
