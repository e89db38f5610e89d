//! A table as lazy frames and SQL read it: its live files one after another, row group by row group, what is asked for and no more.
//!
//! polars reads Parquet lazily in its streaming engine alone, and that brings a second TLS stack, an HTTP client and an object store:
//! a fifth of this program and of its build. This reads through [`Opened`], as all of the archive does.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use polars::prelude::*;

use super::manifest::FileNote;
use super::read::Opened;

/// Files of one table, in their order.
pub(super) struct TableScan {
    schema: SchemaRef,
    files: Vec<(PathBuf, FileNote)>,
}

impl TableScan {
    /// A lazy frame over these files, with these columns. A column that a file lacks is null there.
    pub(super) fn frame(
        schema: Schema,
        files: Vec<(PathBuf, FileNote)>,
    ) -> PolarsResult<LazyFrame> {
        let schema = Arc::new(schema);
        let args = ScanArgsAnonymous { schema: Some(Arc::clone(&schema)), ..Default::default() };
        LazyFrame::anonymous_scan(Arc::new(Self { schema, files }), args)
    }
}

impl AnonymousScan for TableScan {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn allows_predicate_pushdown(&self) -> bool {
        true
    }

    fn allows_projection_pushdown(&self) -> bool {
        true
    }

    fn scan(&self, asked: AnonymousScanArgs) -> PolarsResult<DataFrame> {
        let mut left = asked.n_rows.unwrap_or(usize::MAX);
        let schema = match &asked.with_columns {
            Some(names) => Arc::new(self.schema.try_project(names.iter())?),
            None => Arc::clone(&self.schema),
        };
        let mut out = DataFrame::empty_with_schema(&schema);
        let mut height = 0;
        for (path, note) in &self.files {
            let opened = Opened::open(path, note)?;
            let names = schema.iter_names().map(|it| it.as_str());
            let there: Vec<&str> = names.filter(|it| opened.has(it)).collect();
            for group in 0..opened.groups() {
                let rows = opened.rows_in(group).min(left);
                if rows == 0 {
                    continue;
                }
                left -= rows;
                height += rows;
                // Nothing but how many there are is asked for.
                if schema.is_empty() {
                    continue;
                }
                let frame = opened.first_rows(group, rows, &there)?;
                let columns = schema.iter().map(|(name, holds)| match frame.column(name) {
                    Ok(it) => it.clone(),
                    Err(_) => Column::full_null(name.clone(), rows, holds),
                });
                let frame = DataFrame::new(rows, columns.collect())?;
                let frame = match &asked.predicate {
                    Some(it) => frame.lazy().filter(it.clone()).collect()?,
                    None => frame,
                };
                out.vstack_mut_owned(frame)?;
            }
        }
        match schema.is_empty() {
            true => DataFrame::new(height, Vec::new()),
            false => Ok(out),
        }
    }
}
