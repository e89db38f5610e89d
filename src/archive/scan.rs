//! A table as lazy frames and SQL read it: its live files one after another, row group by row group, no columns but those that are asked
//! for, and of their rows only those that meet the condition are kept. Statistics are not used: every row group is read.
//!
//! polars reads Parquet lazily in its streaming engine alone, and that brings an object store, an HTTP client and a second TLS
//! stack: 47 crates. This reads through [`Opened`], as all of the archive does.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use polars::prelude::*;

use super::manifest::FileNote;
use super::opened::Opened;

/// Files of one table, in their order.
pub(super) struct TableScan {
    schema: SchemaRef,
    files: Vec<(PathBuf, FileNote)>,
}

impl TableScan {
    /// A lazy frame over these files, with these columns. A column that a file lacks is null there; one that the
    /// table lacks is left out, for a format that has more is refused before.
    pub(super) fn frame(
        schema: Schema,
        files: Vec<(PathBuf, FileNote)>,
    ) -> PolarsResult<LazyFrame> {
        let schema = Arc::new(schema);
        let args = ScanArgsAnonymous { schema: Some(Arc::clone(&schema)), ..Default::default() };
        LazyFrame::anonymous_scan(Arc::new(Self { schema, files }), args)
    }
}

/// A condition without the hints that polars adds to one for the benefit of a `LIMIT` behind an `ORDER BY`: they leave out rows that will not
/// be among the first, and cannot be evaluated outside of polars (polars-plan: src/plans/conversion/ir_to_dsl.rs, `DynamicPred`).
fn without_hints(condition: &Expr) -> Option<Expr> {
    match condition {
        Expr::BinaryExpr { left, op: op @ (Operator::And | Operator::LogicalAnd), right } => {
            match (without_hints(left), without_hints(right)) {
                (Some(left), Some(right)) => {
                    Some(Expr::BinaryExpr { left: left.into(), op: *op, right: right.into() })
                }
                (one, other) => one.or(other),
            }
        }
        Expr::Display { fmt_str, .. } if fmt_str.starts_with("dynamic_pred") => None,
        other => Some(other.clone()),
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
        let condition = asked.predicate.as_ref().and_then(without_hints);
        let mut out = DataFrame::empty_with_schema(&schema);
        let mut height = 0;
        for (path, note) in &self.files {
            if left == 0 {
                break;
            }
            let unread = |it: PolarsError| polars_err!(ComputeError: "{}: {it}", note.path);
            let opened = Opened::open(path, note).map_err(unread)?;
            let names = schema.iter_names().map(|it| it.as_str());
            let there: Vec<&str> = names.filter(|it| opened.has(it)).collect();
            for group in 0..opened.groups() {
                let rows = opened.rows_in(group).min(left);
                if rows == 0 {
                    continue;
                }
                left -= rows;
                let columns = match schema.is_empty() {
                    // Nothing but how many there are is asked for.
                    true => Vec::new(),
                    false => {
                        let frame = opened.first_rows(group, rows, &there).map_err(unread)?;
                        let columns = schema.iter().map(|(name, holds)| match opened.has(name) {
                            true => frame.column(name).cloned(),
                            false => Ok(Column::full_null(name.clone(), rows, holds)),
                        });
                        columns.collect::<PolarsResult<_>>()?
                    }
                };
                let frame = DataFrame::new(rows, columns)?;
                let frame = match &condition {
                    Some(it) => frame.lazy().filter(it.clone()).collect()?,
                    None => frame,
                };
                height += frame.height();
                if !schema.is_empty() {
                    out.vstack_mut_owned(frame)?;
                }
            }
        }
        match schema.is_empty() {
            true => DataFrame::new(height, Vec::new()),
            false => Ok(out),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    /// Two files of row groups of two rows: `n` is 0 to 4 and 10 to 14, `even` is missing from the second.
    fn table(folder: &std::path::Path) -> LazyFrame {
        let mut files = Vec::new();
        for (name, first) in [("one", 0_i64), ("two", 10)] {
            let numbers: Vec<i64> = (first..first + 5).collect();
            let even: Vec<bool> = numbers.iter().map(|it| it % 2 == 0).collect();
            let mut columns = vec![Column::new("n".into(), numbers)];
            if name == "one" {
                columns.push(Column::new("even".into(), even));
            }
            let path = folder.join(name);
            let file = File::create(&path).unwrap();
            let writer = ParquetWriter::new(&file).with_row_group_size(Some(2));
            writer.finish(&mut DataFrame::new(5, columns).unwrap()).unwrap();
            let bytes = file.metadata().unwrap().len();
            let note = FileNote {
                path: name.into(),
                table: "numbers".into(),
                rows: 5,
                bytes,
                sha256: String::new(),
                pieces: String::new(),
            };
            files.push((path, note));
        }
        let even = Field::new("even".into(), DataType::Boolean);
        let schema = Schema::from_iter([Field::new("n".into(), DataType::Int64), even]);
        TableScan::frame(schema, files).unwrap()
    }

    fn numbers(frame: LazyFrame) -> Vec<i64> {
        frame.collect().unwrap().column("n").unwrap().i64().unwrap().iter().flatten().collect()
    }

    #[test]
    fn all_rows_come_in_the_order_of_the_files_and_what_a_file_lacks_is_null() {
        let folder = tempfile::tempdir().unwrap();
        let frame = table(folder.path()).collect().unwrap();
        assert_eq!(frame.shape(), (10, 2));
        assert_eq!(frame.column("even").unwrap().null_count(), 5);
        assert_eq!(numbers(table(folder.path())), [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]);
    }

    #[test]
    fn a_condition_a_choice_of_columns_a_limit_and_a_count_say_what_they_say_of_a_frame() {
        let folder = tempfile::tempdir().unwrap();
        let table = || table(folder.path());
        let odd = table().filter(col("even").eq(lit(false))).select([col("n")]);
        assert_eq!(numbers(odd), [1, 3]);
        assert_eq!(numbers(table().filter(col("n").gt(lit(3))).limit(2)), [4, 10]);
        assert_eq!(numbers(table().limit(3).filter(col("n").gt(lit(1)))), [2]);
        assert_eq!(numbers(table().slice(4, 2)), [4, 10]);
        let count = table().select([len().alias("n").cast(DataType::Int64)]);
        assert_eq!(numbers(count), [10]);
        let by_number = || SortMultipleOptions::default().with_order_descending(true);
        assert_eq!(numbers(table().sort(["n"], by_number()).limit(2)), [14, 13]);
        let small = table().filter(col("n").lt(lit(12))).sort(["n"], by_number());
        assert_eq!(numbers(small.limit(3)), [11, 10, 4]);
        let reversed = table().select([col("even"), col("n")]).collect().unwrap();
        assert_eq!(reversed.get_column_names(), ["even", "n"]);
    }
}
