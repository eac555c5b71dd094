"""Reading Parquet as a stream; the one format that needs a package of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from django.utils.translation import gettext as _

from engagement.flows.importing.tables import BATCH, Batch, CannotRead, Table


class ParquetTable(Table):
    unit = "rows"

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        try:
            from pyarrow import ArrowException, parquet
        except ImportError:
            raise CannotRead(
                _("Parquet needs pyarrow: pip install 'django-engagement[parquet]'.")
            ) from None
        try:
            self.file = parquet.ParquetFile(path, memory_map=True)
        except (ArrowException, OSError) as problem:
            raise CannotRead(f"{path.name}: {problem}") from None
        self.columns = list(self.file.schema_arrow.names)
        self.total = self.file.metadata.num_rows

    def batches(self, *, skip: int = 0, size: int = BATCH) -> Iterator[Batch]:
        done = 0
        groups = list(range(self.file.num_row_groups))
        # Whole row groups that were read before need not be decoded again.
        while groups and skip >= (rows := self.file.metadata.row_group(groups[0]).num_rows):
            skip -= rows
            done += rows
            groups.pop(0)
        if not groups:
            return
        for batch in self.file.iter_batches(batch_size=size, row_groups=groups):
            if skip:
                passed = min(skip, batch.num_rows)
                skip -= passed
                done += passed
                batch = batch.slice(passed)
            if not batch.num_rows:
                continue
            lines = range(done + 1, done + batch.num_rows + 1)
            done += batch.num_rows
            yield Batch(
                lines=lines,
                columns={
                    name: column.to_pylist()
                    for name, column in zip(self.columns, batch.columns, strict=True)
                },
                position=done,
            )
