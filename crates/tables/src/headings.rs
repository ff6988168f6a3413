//! The headings of CSV and XLSX, and the rows below them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::defuse::clean;
use crate::error::{Reason, TableError};
use crate::row::{Cells, MAX_COLUMNS};

/// Which column has which heading.
#[derive(Debug)]
pub(crate) struct Headings {
    /// Of each column; none for one that has no heading, but others to its right.
    columns: Vec<Option<Arc<str>>>,
    /// Of the columns that have one.
    list: Vec<Arc<str>>,
}

impl Headings {
    /// The headings in these cells, each with its column, of which the first is 0. None if all are empty.
    pub(crate) fn new<'a>(
        cells: impl IntoIterator<Item = (usize, &'a str)>,
    ) -> Result<Option<Self>, TableError> {
        let (mut columns, mut list, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
        for (column, cell) in cells {
            let heading = clean(cell);
            if heading.is_empty() {
                continue;
            }
            if column >= MAX_COLUMNS {
                return Err(TableError::TooManyColumns { max: MAX_COLUMNS });
            }
            let heading: Arc<str> = heading.into();
            if !seen.insert(Arc::clone(&heading)) {
                return Err(TableError::DuplicateHeading { heading: heading.to_string() });
            }
            columns.resize(column, None);
            columns.push(Some(Arc::clone(&heading)));
            list.push(heading);
        }
        Ok(if list.is_empty() { None } else { Some(Self { columns, list }) })
    }

    /// Those that there are, from left to right.
    pub(crate) fn list(&self) -> &[Arc<str>] {
        &self.list
    }

    /// The cells of a row, each below its heading; those that are missing are empty. None if all are.
    pub(crate) fn row<'a>(
        &self,
        cells: impl IntoIterator<Item = (usize, &'a str)>,
    ) -> Result<Option<Cells>, Reason> {
        let mut values: Vec<(Option<Arc<str>>, String)> = Vec::new();
        for (column, cell) in cells {
            let value = clean(cell);
            if value.is_empty() {
                continue;
            }
            if values.is_empty() {
                values.extend(self.columns.iter().map(|heading| (heading.clone(), String::new())));
            }
            match values.get_mut(column) {
                Some((Some(_), place)) => value.clone_into(place),
                _ => return Err(Reason::NoHeading { column: column.saturating_add(1) }),
            }
        }
        if values.is_empty() {
            return Ok(None);
        }
        Ok(Some(
            values.into_iter().filter_map(|(heading, value)| Some((heading?, value))).collect(),
        ))
    }
}
