import csv
import gzip
import json
import os
from datetime import UTC, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from engagement.flows.collecting.identity import customer_key, outside_key
from engagement.flows.importing import import_events
from engagement.flows.importing.csv_table import CsvTable, sniff
from engagement.flows.importing.formats import open_table
from engagement.flows.importing.json_table import JsonTable
from engagement.flows.importing.mapping import BadPlan, guess, guess_date_format, make_plan
from engagement.flows.importing.parquet_table import ParquetTable
from engagement.flows.training import dataset
from engagement.models import Event, EventName, Item, Visitor

pytestmark = pytest.mark.django_db

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
ROWS = """\
536365,85123A,WHITE HANGING HEART,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom
536365,71053,WHITE METAL LANTERN,6,2010-12-01 08:26:00,3.39,17850.0,United Kingdom
536366,22633,HAND WARMER,6,2010-12-01 08:28:00,1.85,,United Kingdom
C536379,85123A,WHITE HANGING HEART,-6,2010-12-01 09:41:00,2.55,17850.0,United Kingdom
"""


@pytest.fixture
def file(tmp_path):
    """Return a function that writes a file and gives its path."""

    def write(text, name="sales.csv", encoding="utf-8"):
        path = tmp_path / name
        path.write_bytes(text.encode(encoding))
        return path

    return write


def run(path, *options):
    out = StringIO()
    call_command("engagement_import", str(path), *options, stdout=out)
    return " ".join(out.getvalue().split())


def refused(path):
    with Path(f"{path}.rejected.csv").open(newline="") as rows:
        return [(int(row["line"]), row["reason"], row["field"]) for row in csv.DictReader(rows)]


def stored(*names):
    return list(Event.objects.order_by("event_time", "pk").values_list(*names))


# -- what a row becomes -------------------------------------------------------------------------
def test_a_file_of_sales_with_well_known_names_needs_no_map(file):
    text = run(file(HEADER + ROWS))

    assert "4 rows read" in text
    assert "4 stored" in text
    assert stored("event", "item__key", "quantity", "value", "order_ref") == [
        (EventName.PURCHASE, "85123A", 6, Decimal("15.30"), "536365"),
        (EventName.PURCHASE, "71053", 6, Decimal("20.34"), "536365"),
        (EventName.PURCHASE, "22633", 6, Decimal("11.10"), "536366"),
        (EventName.REFUND, "85123A", 6, Decimal("15.30"), "C536379"),
    ]
    lantern = Item.objects.get(key="71053")
    assert (lantern.title, lantern.price, lantern.is_active) == (
        "WHITE METAL LANTERN",
        Decimal("3.39"),
        True,
    )


def test_customers_are_who_signs_in_and_guests_are_nobody(file):
    run(file(HEADER + ROWS))

    visitor = Visitor.objects.get()
    assert visitor.key == customer_key("17850", "")
    assert visitor.consent is None
    assert Event.objects.filter(visitor=None).count() == 1


def test_refunds_take_their_purchase_back_when_the_data_is_loaded(file):
    run(file(HEADER + ROWS))

    found = dataset.load(channel="", until=datetime(2011, 1, 1, tzinfo=UTC))

    assert len(found.interactions) == 1
    assert (found.cleaning["taken_back"], found.cleaning["guests"]) == (1, 1)


def test_a_second_run_adds_nothing(file):
    path = file(HEADER + ROWS)
    run(path)

    text = run(path)

    assert "0 stored" in text
    assert "4 were there already" in text
    assert Event.objects.count() == 4


def test_the_same_row_twice_counts_once_and_another_quantity_is_another_row(file):
    other = ROWS.splitlines()[0].replace(",6,", ",7,") + "\n"
    text = run(file(HEADER + ROWS + ROWS.splitlines()[0] + "\n" + other))

    assert "6 rows read" in text
    assert "5 stored" in text
    assert "1 were there already" in text


def test_told_columns_and_a_told_event(file):
    path = file("who;what;when\nann;cup;2026-03-02T10:00:00+02:00\n")
    run(path, "--map", "visitor=who", "item=what", "at=when", "--event", "Product Viewed")

    assert stored("event", "event_time", "visitor__key") == [
        (EventName.VIEW_ITEM, datetime(2026, 3, 2, 8, tzinfo=UTC), customer_key("ann", ""))
    ]


def test_events_from_a_column_in_anybodys_words(file):
    path = file(
        "timestamp,visitorid,event,itemid\n"
        "1433221332117,257597,view,355908\n"
        "1433224214164,992329,addtocart,248676\n"
        "1433224214165,992329,clk,248676\n"
        "1433224214166,992329,sneezed,248676\n"
    )
    text = run(path, "--event-name", "clk=select_item")

    assert stored("event", "visitor__key") == [
        (EventName.VIEW_ITEM, outside_key("257597", "")),
        (EventName.ADD_TO_CART, outside_key("992329", "")),
        (EventName.SELECT_ITEM, outside_key("992329", "")),
    ]
    assert "1 unknown_event" in text


def test_a_visit_without_a_visitor_is_a_visitor(file):
    run(
        file("session_id,item_id,time\ns1,cup,2026-01-01\ns1,bowl,2026-01-01\ns2,cup,2026-01-01\n"),
        "--event",
        "view_item",
    )

    assert Visitor.objects.count() == 2
    assert Event.objects.filter(session_id="s1").count() == 2


def test_values_that_are_given_go_before_price_times_quantity(file):
    run(file("order_id,item_id,date,quantity,price,value\n1,cup,2026-01-01,3,2.00,5.50\n"))

    assert stored("value", "currency") == [(Decimal("5.50"), "EUR")]


def test_a_part_of_a_piece_is_a_piece(file):
    run(file("order_id,item_id,date,quantity,price\n1,apples,2026-01-01,1.5,2.00\n"))

    assert stored("quantity", "value") == [(2, Decimal("3.00"))]


def test_decimal_commas_and_semicolons(file):
    path = file("order_id;item_id;date;quantity;price;currency\n1;cup;2026-01-01;2;1.234,50;usd\n")
    run(path, "--decimal", ",")

    assert stored("value", "currency") == [(Decimal("2469.00"), "USD")]


def test_local_time_is_told(file):
    run(
        file("order_id,item_id,date\n1,cup,2026-07-01 12:00\n"),
        "--timezone",
        "Europe/London",
    )

    assert stored("event_time") == [(datetime(2026, 7, 1, 11, tzinfo=UTC),)]


def test_chinese_text_in_a_chinese_encoding(file):
    path = file("order_id,item_id,date,title\n1,cup,2026-01-01,白色茶杯\n", encoding="gb18030")
    run(path, "--encoding", "gb18030")

    assert Item.objects.get().title == "白色茶杯"


def test_a_title_that_comes_later_names_the_item(file):
    run(file("order_id,item_id,date,title\n1,cup,2026-01-01,\n2,cup,2026-01-02,A cup\n"))
    assert Item.objects.get().title == "A cup"


# -- what is refused ----------------------------------------------------------------------------
def test_every_refused_row_is_kept_with_its_line_and_reason(file):
    lines = [
        "1,cup,2026-01-01,1,2.00,ann",
        "1,,2026-01-01,1,2.00,ann",
        "1,cup,,1,2.00,ann",
        "1,cup,soon,1,2.00,ann",
        "1,cup,2999-01-01,1,2.00,ann",
        "1,cup,1970-01-01,1,2.00,ann",
        "1,cup,2026-01-01,0,2.00,ann",
        "1,cup,2026-01-01,10001,2.00,ann",
        "1,cup,2026-01-01,many,2.00,ann",
        "1,cup,2026-01-01,1,0,ann",
        "1,cup,2026-01-01,1,-3,ann",
        "1,cup,2026-01-01,1,1000001,ann",
        ",cup,2026-01-01,1,2.00,",
        "1,cup,2026-01-01",
        f"1,{'k' * 129},2026-01-01,1,2.00,ann",
        "1,c\x07up,2026-01-01,1,2.00,ann",
    ]
    path = file("order_id,item_id,date,quantity,price,customer_id\n" + "\n".join(lines) + "\n")

    text = run(path)

    assert refused(path) == [
        (3, "without_item", "item_id"),
        (4, "without_moment", "date"),
        (5, "not_a_moment", "date"),
        (6, "in_the_future", "date"),
        (7, "too_old", "date"),
        (8, "impossible_quantity", "quantity"),
        (9, "impossible_quantity", "quantity"),
        (10, "not_a_number", "quantity"),
        (11, "free_of_charge", "price"),
        (12, "impossible_value", "price"),
        (13, "impossible_value", "price"),
        (14, "without_visitor", "customer_id"),
        (15, "unreadable", ""),
        (16, "too_long", "item_id"),
        (17, "control_characters", "item_id"),
    ]
    assert "16 rows read" in text
    assert "1 stored" in text
    assert "15 refused" in text
    with Path(f"{path}.rejected.csv").open(newline="") as rows:
        row = list(csv.DictReader(rows))[3]
    assert row["message"] == "This moment has not come yet."
    assert (row["item_id"], row["date"], row["customer_id"]) == ("cup", "2999-01-01", "ann")


def test_without_refused_rows_there_is_no_file_of_them(file, tmp_path):
    path = file(HEADER + ROWS)
    stale = tmp_path / "sales.csv.rejected.csv"
    stale.write_text("of an earlier run")

    run(path)

    assert sorted(one.name for one in tmp_path.iterdir()) == ["sales.csv"]


def test_what_is_no_product_is_refused_by_a_pattern(file):
    path = file(HEADER + ROWS + "536367,POST,POSTAGE,1,2010-12-01 09:00,18.00,17850,France\n")

    text = run(path, "--item-pattern", r"^\d{5}")

    assert "1 not_a_product" in text
    assert refused(path) == [(6, "not_a_product", "StockCode")]


def test_free_goods_are_taken_where_they_are_meant(file):
    path = file("order_id,item_id,date,quantity,price\n1,sample,2026-01-01,1,0\n")

    with pytest.raises(CommandError, match="Nothing could be imported"):
        run(path)
    run(path, "--keep-free")

    assert stored("value") == [(Decimal(0),)]


def test_refunds_that_are_numbered_differently(file):
    path = file("order_id,item_id,date,quantity,price\nR-1,cup,2026-01-01,1,2\n")
    run(path, "--refund-pattern", "^R-")

    assert stored("event") == [(EventName.REFUND,)]


def test_people_who_said_no_stay_out(file):
    Visitor.objects.create(key=customer_key("17850", ""), consent=False)

    text = run(file(HEADER + ROWS))

    assert "3 no_consent" in text
    assert Event.objects.count() == 1


def test_bytes_of_another_encoding_refuse_their_row_only(file, tmp_path):
    path = tmp_path / "sales.csv"
    path.write_bytes(
        b"order_id,item_id,date,title\n1,cup,2026-01-01,Caf\xe9\n2,cup,2026-01-01,Cup\n"
    )

    run(path)

    assert refused(path) == [(2, "unreadable", "")]
    assert r"--encoding,1,cup,2026-01-01,Caf\udce9" in Path(f"{path}.rejected.csv").read_text()


def test_line_breaks_inside_quotes_keep_the_line_numbers_right(file):
    path = file(
        "order_id,item_id,date,title\n"
        '1,cup,2026-01-01,"A cup\nof two lines"\n'
        "\n"
        "2,,2026-01-01,Nothing\n"
    )

    run(path)

    assert refused(path) == [(5, "without_item", "item_id")]
    assert Item.objects.get().title == "A cup of two lines"


# -- formats ------------------------------------------------------------------------------------
def test_json_lines_with_columns_of_any_depth(file):
    rows = [
        {"user": {"id": 7}, "sku": "cup", "ts": 1767225600},
        {"user": {"id": 7}, "sku": ["no", "key"], "ts": 1767225600},
        "no object",
    ]
    text = "\n".join(map(json.dumps, rows)) + "\n{broken\n"
    path = file(text, "views.jsonl")

    run(path, "--map", "visitor=user.id", "item=sku", "at=ts", "--event", "view_item")

    assert stored("visitor__key", "item__key") == [(customer_key("7", ""), "cup")]
    assert refused(path) == [
        (2, "not_text", "sku"),
        (3, "unreadable", ""),
        (4, "unreadable", ""),
    ]


def test_json_lines_of_whole_events_are_read_as_the_api_reads_them(file):
    rows = [
        {
            "event": "Order Completed",
            "order_id": "1",
            "customer_id": "7",
            "event_time": "2026-01-01T10:00:00Z",
            "currency": "EUR",
            "items": [
                {"item_id": "cup", "price": 2, "quantity": 3},
                {"item_id": "bowl", "price": 5},
            ],
        },
        {"event": "purchase", "customer_id": "7", "items": [{"item_id": "cup"}]},
    ]
    path = file("\n".join(map(json.dumps, rows)), "events.jsonl")

    text = run(path)
    assert "2 rows read" in text
    assert refused(path) == [(2, "required", "order_id")]
    assert stored("item__key", "value") == [("cup", Decimal(6)), ("bowl", Decimal(5))]

    assert "1 were there already" in run(path)


def test_parquet(file, tmp_path):
    pa = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "sales.parquet"
    parquet.write_table(
        pa.table(
            {
                "InvoiceNo": ["1", "1", None],
                "StockCode": ["cup", "bowl", "cup"],
                "InvoiceDate": pa.array([datetime(2026, 1, 1, 8)] * 3, pa.timestamp("us")),
                "Quantity": [1, 2, 3],
                "UnitPrice": [2.5, 0.1, 1.0],
                "CustomerID": pa.array([17850, None, None], pa.int32()),
            }
        ),
        path,
        row_group_size=2,
    )

    run(path)

    assert stored("item__key", "quantity", "value", "visitor__key") == [
        ("cup", 1, Decimal("2.50"), customer_key("17850", "")),
        ("bowl", 2, Decimal("0.20"), None),
    ]
    assert refused(path) == [(3, "without_visitor", "CustomerID")]


def test_parquet_without_pyarrow_names_the_extra(tmp_path, monkeypatch):
    path = tmp_path / "sales.parquet"
    path.write_bytes(b"PAR1")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)

    with pytest.raises(CommandError, match=r"django-engagement\[parquet\]"):
        run(path)


def test_gzipped_files_are_read_as_they_are(tmp_path):
    path = tmp_path / "sales.csv.gz"
    path.write_bytes(gzip.compress((HEADER + ROWS).encode()))

    assert "4 stored" in run(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no header"),
        ("a,b\n1,2\n", "--event"),
        ("a,b,date,order_id\n1,2,3,4\n", "item=…"),
        ("order_id,item_id,date,date\n1,2,3,4\n", "several columns"),
        ("order_id,item_id,date\n1,cup,3/4/2026\n", "--date-format"),
        ("order_id,item_id,date\n", "Nothing could be imported"),
        ("order_id,item_id,date\n1,,\n", "Nothing could be imported"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(file, text, message):
    with pytest.raises(CommandError, match=message):
        run(file(text))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--map", "visitor"], "WHAT=COLUMN"),
        (["--event-name", "buy"], "THEIRS=OURS"),
        (["--map", "colour=Country"], "known are"),
        (["--map", "visitor=Nobody"], "the file has InvoiceNo"),
        (["--event", "sneezed"], "no event sneezed"),
        (["--timezone", "Mars/Olympus"], "no time zone"),
        (["--encoding", "klingon"], "no encoding"),
        (["--item-pattern", "("], "unterminated"),
    ],
)
def test_an_option_that_makes_no_sense_says_why(file, options, message):
    with pytest.raises(CommandError, match=message):
        run(file(HEADER + ROWS), *options)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(CommandError, match="no file"):
        run(tmp_path / "nothing.csv")


# -- long files ---------------------------------------------------------------------------------
@pytest.fixture
def small_batches(monkeypatch):
    """Read two rows at a time."""
    for table in (CsvTable, JsonTable, ParquetTable):
        batches = table.batches
        monkeypatch.setattr(
            table,
            "batches",
            lambda self, *, skip=0, size=2, batches=batches: batches(self, skip=skip, size=2),
        )


LONG = "order_id,item_id,date,quantity\n" + "".join(
    f"{n},cup,2026-01-01,{0 if n % 3 == 0 else 1}\n" for n in range(1, 10)
)


def interrupt_after(monkeypatch, batches):
    real, done = import_events._import_batch, []

    def import_batch(*args, **kwargs):
        if len(done) == batches:
            raise KeyboardInterrupt
        done.append(1)
        return real(*args, **kwargs)

    monkeypatch.setattr(import_events, "_import_batch", import_batch)


@pytest.mark.usefixtures("small_batches")
class TestInterrupted:
    def test_an_interrupted_import_goes_on_where_it_was(self, file, tmp_path, monkeypatch):
        path = file(LONG)
        with monkeypatch.context() as patch:
            interrupt_after(patch, 2)
            with pytest.raises(CommandError, match="goes on from here") as stopped:
                run(path)
        assert stopped.value.returncode == 130
        assert Event.objects.count() == 3

        text = run(path)

        assert "Went on after row 4" in text
        assert "9 rows read" in text
        assert "6 stored" in text
        assert "0 were there already" in text
        assert [line for line, _reason, _field in refused(path)] == [4, 7, 10]
        assert not (tmp_path / "sales.csv.progress.json").exists()

    def test_another_file_or_other_options_start_at_the_beginning(self, file, monkeypatch):
        path = file(LONG)
        with monkeypatch.context() as patch:
            interrupt_after(patch, 2)
            with pytest.raises(CommandError):
                run(path)

        assert "Went on" not in run(path, "--currency", "USD")

    def test_an_emptied_database_starts_at_the_beginning(self, file, monkeypatch):
        path = file(LONG)
        with monkeypatch.context() as patch:
            interrupt_after(patch, 2)
            with pytest.raises(CommandError):
                run(path)
        Event.objects.all().delete()

        assert "6 stored" in run(path)
        assert [line for line, _reason, _field in refused(path)] == [4, 7, 10]

    def test_the_beginning_can_be_asked_for(self, file, monkeypatch):
        path = file(LONG)
        with monkeypatch.context() as patch:
            interrupt_after(patch, 2)
            with pytest.raises(CommandError):
                run(path)

        text = run(path, "--no-resume")
        assert "3 stored" in text
        assert "3 were there already" in text

    def test_a_batch_that_fails_leaves_nothing_half_done(self, file, monkeypatch):
        path = file(LONG)
        with monkeypatch.context() as patch:
            patch.setattr(
                "engagement.flows.importing.store_rows.bulk.insert_events",
                lambda *args, **kwargs: (_ for _ in ()).throw(OSError("disk full")),
            )
            with pytest.raises(CommandError, match="disk full"):
                run(path)

        assert not Event.objects.exists()
        assert not Item.objects.exists()
        assert "6 stored" in run(path)


def test_a_dry_run_stores_nothing_and_tells_the_same(file):
    path = file(HEADER + ROWS + "1,,,,,,,\n")

    text = run(path, "--dry-run")

    assert "4 would be stored" in text
    assert "1 without_moment" in text
    assert not Event.objects.exists()
    assert not Item.objects.exists()
    assert not Visitor.objects.exists()


def test_refused_rows_go_where_they_are_told(file, tmp_path):
    path = file(HEADER + ROWS + "1,,,,,,,\n")
    told = tmp_path / "elsewhere.csv"

    assert str(told) in run(path, "--rejected", str(told))
    assert told.exists()


def test_a_folder_that_is_read_only_stays_as_it_is(tmp_path, monkeypatch):
    """Root could write there, and must not."""
    here, data = tmp_path / "here", tmp_path / "data"
    here.mkdir()
    data.mkdir()
    path = data / "sales.csv"
    path.write_text(HEADER + ROWS + "1,,,,,,,\n")
    monkeypatch.chdir(here)
    data.chmod(0o555)
    try:
        assert str(here / "sales.csv.rejected.csv") in run(path)
        assert [one.name for one in data.iterdir()] == ["sales.csv"]
        assert [one.name for one in here.iterdir()] == ["sales.csv.rejected.csv"]
    finally:
        data.chmod(0o755)


# -- guesses ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            "household_id basket_id product_id quantity sales_value transaction_timestamp",
            {
                "visitor": "household_id",
                "item": "product_id",
                "at": "transaction_timestamp",
                "quantity": "quantity",
                "value": "sales_value",
                "order": "basket_id",
            },
        ),
        (
            "event_timestamp event_name user_pseudo_id user_id items.item_id",
            {
                "visitor": "user_id",
                "anonymous": "user_pseudo_id",
                "item": "items.item_id",
                "at": "event_timestamp",
                "event": "event_name",
            },
        ),
    ],
)
def test_well_known_names_are_guessed(columns, expected):
    assert guess(columns.split()) == expected


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (["12/1/2010 8:26", "12/13/2010 8:26"], "%m/%d/%Y %H:%M"),
        (["1/12/2010 8:26:01 PM", "13/12/2010 8:26:01 AM"], "%d/%m/%Y %I:%M:%S %p"),
        (["01.02.26"], "%d.%m.%y"),
        (["2010/12/01 08:26"], "%Y/%m/%d %H:%M"),
        (["2010-12-01 08:26"], ""),
        (["1433221332117"], ""),
        ([datetime(2026, 1, 1)], ""),
        ([], ""),
    ],
)
def test_dates_that_are_not_iso_are_understood_from_their_neighbours(dates, expected):
    assert guess_date_format(dates) == expected


def test_ambiguous_dates_have_to_be_told():
    with pytest.raises(BadPlan, match="ambiguous"):
        guess_date_format(["3/4/2026", "5/6/2026"])


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (["a,b,c\n", "1,2,3\n"], ","),
        (["a;b\n", "1,5;2,5\n"], ";"),
        (["a\tb\n", "1\t2\n"], "\t"),
        (["a|b|c\n", '"x|y"|2|3\n'], "|"),
        (["alone\n", "1\n"], ","),
        ([], ","),
    ],
)
def test_delimiters_are_found(head, expected):
    assert sniff(head) == expected


# -- a real shop's year -------------------------------------------------------------------------
@pytest.mark.data
def test_the_beginning_of_a_real_shops_year(tmp_path):
    """Online Retail (UCI 352): the first rows of its 541,909."""
    parquet = pytest.importorskip("pyarrow.parquet")
    source = Path(os.environ["ENGAGEMENT_DATA"]) / "online_retail" / "online_retail.parquet"
    if not source.is_file():
        pytest.skip(f"{source} is not there")
    path = tmp_path / "online_retail.parquet"
    parquet.write_table(parquet.read_table(source).slice(0, 5_000), path)
    table = open_table(path)
    plan = make_plan(table.columns, sample=table.sample().columns)

    def load():
        return import_events.import_events(
            table, plan, channel="", at=datetime(2026, 1, 1, tzinfo=UTC)
        )

    first = load()
    assert first.read == first.accepted + first.duplicates + first.rejected == 5_000
    assert first.accepted == Event.objects.count()
    assert first.accepted > 4_900
    assert Event.objects.filter(event=EventName.REFUND).exists()
    assert set(first.reasons) <= {"free_of_charge", "impossible_quantity", "impossible_value"}

    second = load()
    assert (second.accepted, second.rejected) == (0, first.rejected)
