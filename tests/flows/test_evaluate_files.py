"""Files as they come: a header or none, commas or tabs, odd ids, broken lines; and protocols."""

import gzip
import json
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from engagement.flows.importing.backfill import backfill
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.importing.tables import CannotRead
from engagement.flows.training.log_files import open_log
from engagement.flows.training.log_rows import LogReader

LINES = [("ann", "tea", 1), ("ann", "milk", 2), ("ben", "tea", 3)]


def read(path, **options):
    """Return (row key, item key, seconds) of each event, and what was left out."""
    reader = LogReader(by_session=options.get("by_session", False))
    events = reader.read(open_log(path, **options))
    log = reader.interactions(events)
    triples = zip(
        log.row_keys[log.rows], log.column_keys[log.columns], log.moments.tolist(), strict=True
    )
    return list(triples), dict(events.rejected.reasons), events.rejected.examples


def pairs(path, **options):
    return [(row, item) for row, item, _ in read(path, **options)[0]]


def write(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return path


WANTED = [("ann", "tea"), ("ann", "milk"), ("ben", "tea")]


# -- shapes of files --------------------------------------------------------------------------
@pytest.mark.parametrize("mark", [",", ";", "\t", "|", "::"])
@pytest.mark.parametrize("header", [True, False], ids=["header", "bare"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_table_is_read_whatever_parts_its_cells(tmp_path, mark, header, encoding):
    lines = [mark.join(("user_id", "item_id", "timestamp"))] if header else []
    lines += [mark.join((user, item, str(1_700_000_000 + n))) for user, item, n in LINES]
    path = write(tmp_path / "log.csv", "\n".join(lines) + "\n\n\n", encoding)
    found, left_out, _ = read(path)
    assert [(row, item) for row, item, _ in found] == WANTED
    assert [moment - 1_700_000_000 for _, _, moment in found] == [1, 2, 3]
    assert left_out == {}


def test_windows_ends_its_lines_otherwise(tmp_path):
    path = write(tmp_path / "log.csv", "user,item\r\nann,tea\r\n\r\nann,milk\r\nben,tea\r\n")
    assert pairs(path) == WANTED


def test_recbole_writes_types_into_its_header(tmp_path):
    text = (
        "user_id:token\titem_id:token\trating:float\ttimestamp:float\nann\ttea\t4\t1700000000.5\n"
    )
    found, _, _ = read(write(tmp_path / "data.inter", text))
    assert found == [("ann", "tea", 1_700_000_000)]


def test_movielens_has_no_header_a_rating_and_a_moment(tmp_path):
    path = write(tmp_path / "u.data", "196\t242\t3\t881250949\n186\t302\t5\t891717742\n")
    assert pairs(path) == [("196", "242"), ("186", "302")]
    found, left_out, _ = read(path, min_rating=4)
    assert [row for row, _, _ in found] == ["186"]
    assert left_out == {"low_rating": 1}


def test_ids_may_be_of_any_size_and_kind(tmp_path):
    huge = "9" * 60
    path = write(tmp_path / "log.csv", f"user,item\n{huge},-7\n3.0,é ü\n3,𝄞\n")
    assert pairs(path) == [(huge, "-7"), ("3", "é ü"), ("3", "𝄞")]


def test_a_line_a_user_is_a_list(tmp_path):
    path = write(tmp_path / "train.txt", "0 5 6 7\n\n1 5\n2\n30000000000000000000 6 5\n")
    assert pairs(path) == [
        *(("0", item) for item in "567"),
        ("1", "5"),
        *(("30000000000000000000", item) for item in "65"),
    ]
    assert [moment for _, _, moment in read(path)[0]] == [0, 86_400, 172_800, 0, 0, 86_400]


@pytest.mark.parametrize(
    "text", ["0,5,6,7\n1,5\n", "0\t5 6\t7\n1\t5\n", "user item\n0 5 6 7\n1 5\n"]
)
def test_lists_may_have_commas_tabs_or_a_header(tmp_path, text):
    assert pairs(write(tmp_path / "train.txt", text)) == [
        *(("0", item) for item in "567"),
        ("1", "5"),
    ]


def test_two_words_a_line_are_a_pair(tmp_path):
    assert pairs(write(tmp_path / "video.txt", "1 10\n1 11\n2 10\n")) == [
        ("1", "10"),
        ("1", "11"),
        ("2", "10"),
    ]


def test_names_with_spaces_stand_between_commas(tmp_path):
    path = write(tmp_path / "baskets.csv", "whole milk,rolls\nbutter\nwhole milk,butter,jam\n")
    items = [item for _, item in pairs(path, format_name="sessions", by_session=True)]
    assert items == ["whole milk", "rolls", "butter", "whole milk", "butter", "jam"]


def test_packed_files_and_lists_in_json(tmp_path):
    path = tmp_path / "sessions.jsonl.gz"
    path.write_bytes(
        gzip.compress(b'{"session": 7, "items": [1, "2"]}\n{"session": 8, "items": []}\n')
    )
    assert pairs(path) == [("7", "1"), ("7", "2")]


def test_columns_without_names_are_called_by_their_place(tmp_path):
    path = write(tmp_path / "log.csv", "x,tea,ann,1\nx,milk,ann,2\n")
    told = {"visitor": "3", "item": "2"}
    assert pairs(path, told=told) == [("ann", "tea"), ("ann", "milk")]


def test_the_event_chooses_rows(tmp_path):
    text = "user,item,event,time\nann,tea,view,2026-01-01\nann,milk,purchase,2026-01-02\n"
    path = write(tmp_path / "log.csv", text)
    found, left_out, _ = read(path, events=["purchase"])
    assert [item for _, item, _ in found] == ["milk"]
    assert left_out == {"other_event": 1}


# -- what is wrong with a file ----------------------------------------------------------------
def test_broken_rows_are_left_out_with_line_and_column(tmp_path):
    text = (
        "user,item,time,quantity,price\n"
        "ann,tea,2026-01-01,1,2\n"
        ",tea,2026-01-01,1,2\n"
        "ann,,2026-01-01,1,2\n"
        "ann,tea,yesterday,1,2\n"
        "ann,tea,,1,2\n"
        "ann,tea,2026-01-01,-1,2\n"
        "ann,tea,2026-01-01,many,2\n"
        "ann,tea,2026-01-01,1,0\n"
        "ann,tea\n"
    )
    path = write(tmp_path / "log.csv", text)
    rejected = tmp_path / "rejected.csv"
    reader = LogReader()
    events = reader.read(open_log(path), rejected_path=rejected)
    assert len(events.rows) == 1
    assert dict(events.rejected.reasons) == {
        "no_user": 1,
        "no_item": 1,
        "not_a_moment": 1,
        "no_moment": 1,
        "returned": 1,
        "not_a_number": 1,
        "free_of_charge": 1,
        "unreadable": 1,
    }
    assert events.rejected.examples[0] == "line 3, column user: There is no user."
    lines = rejected.read_text().splitlines()
    assert len(lines) == 9
    assert lines[3].startswith("5,not_a_moment,time,")


def test_bytes_that_are_no_text_name_their_line_and_what_helps(tmp_path):
    path = write(tmp_path / "log.csv", "user,item\nann,tea\nann,Käse\n", "latin-1")
    found, left_out, examples = read(path)
    assert [item for _, item, _ in found] == ["tea"]
    assert left_out == {"unreadable": 1}
    assert examples == ["line 3: this is not utf-8: see --encoding"]
    assert ("ann", "Käse") in pairs(path, encoding="latin-1")
    lists = write(tmp_path / "lists.txt", "1 2 3\n2 Käse 4 5\n", "latin-1")
    assert read(lists)[2] == ["line 2: this is not utf-8: see --encoding"]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("empty.csv", "", "empty"),
        ("empty.txt", "\n\n", "empty"),
        ("log.csv", "a,b,c\nx,y,z\n", "--map"),
        ("log.csv", "customer,what\nann,tea\n", "item="),
        ("many.csv", "1,2,3,4,5,6\n1,2,3,4,5,6\n", "has no header and 6"),
        ("log.csv", "user,user,item\na,b,c\n", "several columns"),
    ],
)
def test_a_file_that_cannot_be_understood_says_what_to_say(tmp_path, name, text, message):
    with pytest.raises((BadPlan, CannotRead), match=message):
        open_log(write(tmp_path / name, text))


def test_a_mapping_that_does_not_fit_is_refused(tmp_path):
    path = write(tmp_path / "log.csv", "user,item\nann,tea\n")
    with pytest.raises(BadPlan, match="known are"):
        open_log(path, told={"colour": "item"})
    with pytest.raises(BadPlan, match="the file has user, item"):
        open_log(path, told={"item": "sku", "visitor": "user"})
    with pytest.raises(BadPlan, match="rating=COLUMN"):
        open_log(path, min_rating=3)
    with pytest.raises(BadPlan, match="event=COLUMN"):
        open_log(path, events=["purchase"])
    with pytest.raises(CannotRead, match="no file"):
        open_log(tmp_path / "nowhere.csv")


def test_a_packed_file_that_is_cut_off_is_refused(tmp_path):
    whole = gzip.compress(b"user,item\n" + b"ann,tea\n" * 50)
    path = tmp_path / "log.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((CannotRead, EOFError)):
        read(path)


# -- the command ------------------------------------------------------------------------------
def run(*arguments):
    out = StringIO()
    call_command("engagement_evaluate", *map(str, arguments), stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def events(tmp_path):
    """Forty people in two camps buy their camp's next item every other day, for sixty days."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = ["user,item,time,title"]
    for day in range(60):
        for person in range(40):
            if (person + day) % 2:
                continue
            camp = "tea" if person < 20 else "beer"
            moment = start + timedelta(days=day, minutes=person)
            lines.append(f"{person},{camp}{(day + person) % 12},{moment.isoformat()},{camp}")
    return write(tmp_path / "events.csv", "\n".join(lines))


def test_a_time_split_of_a_file_prints_a_table_and_writes_json_and_a_picture(events, tmp_path):
    picture, output = tmp_path / "out.svg", tmp_path / "out.json"
    out = run(
        events,
        "--model",
        "EASE",
        "--model",
        "ItemKNN",
        "--holdout-days",
        7,
        "--picture",
        picture,
        "--output",
        output,
    )
    assert "Guessed" not in out
    assert "All items: 40 questions, lists of 10" in out
    assert "New items only" in out
    assert "to beat" in out
    found = json.loads(output.read_text())
    assert found["protocol"] == "time"
    assert found["questions"]["all"] == 40
    assert found["models"]["EASE"]["all"]["ndcg@10"] > 0.5
    low, high = found["models"]["EASE"]["all"]["ndcg@10_interval"]
    assert low <= found["models"]["EASE"]["all"]["ndcg@10"] <= high
    drawn = ET.fromstring(picture.read_text())  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    assert "EASE" in drawn.find(f"{space}desc").text
    assert drawn.get("role") == "img"
    assert len(drawn.findall(f"{space}circle")) >= 2


def test_the_same_seed_gives_the_same_figures(events):
    asked = (events, "--model", "EASE", "--json", "--sample", 10)
    one, two = (json.loads(run(*asked)) for _ in range(2))
    assert one["models"]["EASE"]["all"] == two["models"]["EASE"]["all"]
    assert one["questions"]["all"] == 10


@pytest.mark.parametrize("protocol", ["last", "sequences", "sessions", "cold"])
def test_every_protocol_runs_on_one_file(events, protocol):
    more = ["--session-minutes", "4000"] if protocol == "sessions" else []
    more += ["--repeats"] if protocol in ("last", "sequences") else []
    more += ["--holdout-share", "0.3"] if protocol == "cold" else []
    found = json.loads(run(events, "--protocol", protocol, *more, "--json"))
    variant = "cold" if protocol == "cold" else "all"
    assert found["questions"][variant] >= 20
    assert not found["failures"]
    best = max(model[variant][f"ndcg@{found['k']}"] for model in found["models"].values())
    assert best > 0.1


def test_cold_items_are_found_by_their_titles(events):
    found = json.loads(run(events, "--protocol", "cold", "--holdout-share", "0.3", "--json"))
    baseline, texts = (found["models"][name]["cold"] for name in (found["baseline"], "texts"))
    assert baseline["ndcg@10"] == 0
    assert texts["ndcg@10"] > 0.4


def test_two_files_are_a_fixed_split(tmp_path):
    train = write(
        tmp_path / "train.txt", "".join(f"{u} {u % 5} {(u + 1) % 5} 9\n" for u in range(30))
    )
    test = write(tmp_path / "test.txt", "".join(f"{u} {(u + 2) % 5}\n" for u in range(29)) + "29\n")
    found = json.loads(run(train, "--test", test, "--model", "ItemKNN", "--json"))
    assert found["protocol"] == "files"
    assert found["questions"] == {"all": 29}
    assert found["recall_of_all"] is True
    assert found["baseline"] == "best sellers"


def test_pairs_are_questions_for_sessions(tmp_path):
    train = write(
        tmp_path / "train.jsonl",
        "".join('{"items": [1, 2, 3]}\n{"items": [4, 5]}\n' for _ in range(9)),
    )
    test = write(
        tmp_path / "test.jsonl", '{"prefix": [1, 2], "target": 3}\n{"prefix": [4], "target": 5}\n'
    )
    found = json.loads(run(train, "--test", test, "--protocol", "sessions", "--json"))
    assert found["questions"] == {"all": 2}
    assert found["models"]["sequence rules"]["all"]["hit_rate@20"] == 1.0
    more = json.loads(run(train, "--test", train, "--protocol", "sessions", "--json"))
    assert more["questions"] == {"all": 27}
    held_out = json.loads(
        run(train, "--test", test, "--protocol", "sessions", "--validation", "--json")
    )
    assert held_out["questions"]["all"] >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--protocol", "files"), "two files"),
        (("--model", "Nonsense"), "no model 'Nonsense'; there are .*EASE"),
        (("--model", "EASE:{"), "--model EASE"),
        (("--model", 'EASE:{"depth": 3}'), "depth"),
        (("--model", "os.path.join"), "no recommender"),
        (("--picture", "out.png"), "ends in .svg"),
        (("--alias", "for_you"), "leave out the file"),
        (("--map", "item"), "WHAT=COLUMN"),
        (("--timezone", "Mars/Olympus"), "no time zone"),
        (("--k", "0"), "above zero"),
        (("--holdout-share", "2"), "between 0 and 1"),
    ],
)
def test_what_makes_no_sense_is_one_line_of_error(events, arguments, message):
    with pytest.raises(CommandError, match=message):
        run(events, *arguments)


def test_a_time_split_needs_times(tmp_path):
    path = write(tmp_path / "log.csv", "user,item\nann,tea\nben,tea\n")
    with pytest.raises(CommandError, match="--protocol last"):
        run(path)


def test_a_log_too_small_for_its_protocol_says_so(tmp_path):
    path = write(tmp_path / "log.csv", "user,item,time\nann,tea,2026-01-01\n")
    with pytest.raises(CommandError, match="no question"):
        run(path)


def test_a_model_that_fails_leaves_the_others(events):
    out = run(events, "--model", "EASE", "--model", "tests.flows.test_train.Broken")
    assert "EASE" in out
    assert "tests.flows.test_train.Broken failed and was left out" in out


@pytest.mark.django_db
@pytest.mark.parametrize("protocol", ["time", "last", "sessions"])
def test_the_shops_own_log_is_asked_the_same_way(protocol, bookshop, at):
    backfill(channel="", at=at)
    found = json.loads(
        run(
            "--protocol",
            protocol,
            "--json",
            *(["--holdout-share", "0.3"] if protocol == "sessions" else []),
        )
    )
    assert found["questions"]["all"] > 0
    assert not found["failures"]


@pytest.mark.django_db
def test_the_shops_own_titles_find_what_nobody_has_touched(bookshop, at):
    backfill(channel="", at=at)
    found = json.loads(run("--protocol", "cold", "--holdout-share", "0.4", "--json"))
    assert not found["failures"]
    assert "texts" in found["models"]


@pytest.mark.django_db
def test_the_shops_recommenders_are_drawn_one_picture_each(bookshop, at, tmp_path):
    backfill(channel="", at=at)
    run("--alias", "for_you", "--picture", tmp_path / "one.svg")
    assert "last week's best sellers" in (tmp_path / "one.svg").read_text()
    run("--alias", "for_you", "--alias", "similar", "--picture", tmp_path / "two.svg")
    assert sorted(path.name for path in tmp_path.glob("two*")) == [
        "two.for_you.svg",
        "two.similar.svg",
    ]


def test_without_a_file_its_options_make_no_sense():
    with pytest.raises(CommandError, match="--model needs a file"):
        run("--model", "EASE")
