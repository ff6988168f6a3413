//! XLSX.

mod check;
mod sheet;
mod value;

use std::io::BufReader;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use calamine::{Reader as _, SheetType, SheetVisible, Xlsx, XlsxError};

use crate::encoding::begin;
use crate::error::{RowFault, TableError};
use crate::headings::Headings;
use crate::row::{Limits, Row, Source};
use sheet::SheetRows;

/// How many rows wait to be taken.
const WAITING: usize = 16;

/// How many sheets are searched for cells.
const SEARCHED: usize = 16;

/// How a ZIP archive begins.
const ZIP: &[u8] = b"PK\x03\x04";

/// How a file of Excel 97-2003 begins, and a newer one with a password.
const OLE: &[u8] = b"\xD0\xCF\x11\xE0";

/// Whether a file that begins so is a workbook, of whatever age.
pub(crate) fn is_workbook(head: &[u8]) -> bool {
    head.starts_with(ZIP) || head.starts_with(OLE)
}

/// The rows of the first visible sheet that has cells.
///
/// A thread reads them: calamine's reader borrows from the workbook, so that no value can hold both.
/// It also keeps a panic of calamine away from the caller. The thread ends with the sheet, or soon after
/// the table is dropped.
pub(crate) struct Workbook {
    messages: Receiver<Message>,
    headings: Vec<Arc<str>>,
}

/// What the thread says.
enum Message {
    Headings(Vec<Arc<str>>),
    Row(Result<Row, RowFault>),
    Failed(TableError),
    Ended,
}

impl Workbook {
    pub(crate) fn open(mut source: Box<dyn Source>, limits: &Limits) -> Result<Self, TableError> {
        let head = begin(&mut source, 4)?;
        if head.starts_with(OLE) {
            return Err(TableError::Encrypted);
        }
        if !head.starts_with(ZIP) {
            return Err(TableError::NotXlsx);
        }
        check::check(&mut source, limits)?;
        source.rewind()?;

        let (sender, messages) = sync_channel(WAITING);
        thread::Builder::new().name("menjin-tables".to_owned()).spawn(move || {
            let last = read(source, &sender).map_or_else(Message::Failed, |()| Message::Ended);
            // Nobody may be listening any more.
            let _ = sender.send(last);
        })?;
        match messages.recv() {
            Ok(Message::Headings(headings)) => Ok(Self { messages, headings }),
            Ok(Message::Failed(error)) => Err(error),
            Ok(Message::Row(_) | Message::Ended) | Err(_) => Err(TableError::Damaged),
        }
    }

    pub(crate) fn headings(&self) -> &[Arc<str>] {
        &self.headings
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Result<Row, RowFault>>, TableError> {
        match self.messages.recv() {
            Ok(Message::Row(row)) => Ok(Some(row)),
            Ok(Message::Ended) => Ok(None),
            Ok(Message::Failed(error)) => Err(error),
            // The thread has panicked.
            Ok(Message::Headings(_)) | Err(_) => Err(TableError::Damaged),
        }
    }
}

/// Sends the headings and the rows.
fn read(source: Box<dyn Source>, out: &SyncSender<Message>) -> Result<(), TableError> {
    let mut workbook = Xlsx::new(BufReader::new(source)).map_err(error)?;
    let visible = workbook
        .sheets_metadata()
        .iter()
        .filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet)
        .take(SEARCHED)
        .map(|sheet| sheet.name.clone())
        .collect::<Vec<_>>();
    for name in visible {
        let mut rows = SheetRows::new(workbook.worksheet_cells_reader(&name).map_err(error)?);
        while let Some(row) = rows.next_row()? {
            if let Some(reason) = row.fault {
                return Err(TableError::Heading { number: row.number, reason });
            }
            if let Some(headings) = Headings::new(row.cells())? {
                return send_rows(rows, &headings, out);
            }
        }
    }
    Err(TableError::Empty)
}

fn send_rows(
    mut rows: SheetRows<'_, BufReader<Box<dyn Source>>>,
    headings: &Headings,
    out: &SyncSender<Message>,
) -> Result<(), TableError> {
    let mut sent = out.send(Message::Headings(headings.list().to_vec()));
    while let (Ok(()), Some(mut row)) = (sent, rows.next_row()?) {
        let cells = match row.fault.take() {
            Some(reason) => Err(reason),
            None => headings.row(row.cells()),
        };
        let number = row.number;
        sent = match cells {
            Ok(None) => Ok(()),
            Ok(Some(cells)) => out.send(Message::Row(Ok(Row { number, cells }))),
            Err(reason) => out.send(Message::Row(Err(RowFault { number, reason }))),
        };
    }
    Ok(())
}

/// What calamine says may have the value of a cell.
fn error(error: XlsxError) -> TableError {
    match error {
        XlsxError::Io(error) | XlsxError::Zip(zip::result::ZipError::Io(error)) => {
            TableError::Io(error)
        }
        XlsxError::Password => TableError::Encrypted,
        XlsxError::FileNotFound(_) | XlsxError::RelationshipNotFound => TableError::NotXlsx,
        _ => TableError::Damaged,
    }
}
