"""What a policy would earn is told from the log before it goes live, and bad ones are refused."""

import json
from io import StringIO

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from engagement.flows.deciding import activating, evaluating, learning, logs
from engagement.flows.deciding.evaluating import Candidate, Verdict
from engagement.flows.deciding.logs import DecisionLog
from engagement.flows.importing.mapping import BadPlan
from engagement.learning.bandits import Uniform
from engagement.models import Decision, DecisionPoint, PolicyActivation
from tests import deciding
from tests.conftest import MONDAY
from tests.flows.test_deciding_learning import LATER

WORST = "tests.flows.test_deciding_evaluating.Worst"


class Worst(Uniform):
    """Shows what earned least."""

    def wanted(self, state, contexts, allowed):
        means = np.where(state["pulls"] > 0, state["sums"] / np.maximum(state["pulls"], 1), 0)
        found = np.where(allowed, 1e-6, 0.0)
        found[:, np.where(allowed[0], means, np.inf).argmin()] = 1.0
        return found / found.sum(axis=1, keepdims=True)


def make_log(n, rng, *, gain=0.3):
    """Two arms, evenly drawn; the second earns ``gain`` more where the first feature is high."""
    known = rng.integers(2, size=(n, 1)).astype(float)
    shown = rng.integers(2, size=n)
    chance = 0.2 + gain * ((shown == 1) & (known[:, 0] > 0))
    return DecisionLog(
        arms=["old", "new"],
        shown=shown,
        chances=np.full((n, 2), 0.5),
        allowed=np.ones((n, 2), dtype=bool),
        rewards=(rng.random(n) < chance).astype(float),
        features=["high"],
        known=known,
        visitors=np.arange(n),
    )


def judge(log, backend, rng, **options):
    found = evaluating.evaluate(log, [Candidate("it", backend, options)], rng=rng)
    return found.judged[0]


def test_what_learns_who_wants_what_is_better_than_chance(rng):
    found = judge(make_log(3000, rng), deciding.LOGISTIC, rng)

    assert found.verdict is Verdict.BETTER
    assert found.shares["new"] > 0.6
    assert found.estimates["dr"].low < 0.35 < found.estimates["dr"].high
    assert set(found.estimates) == {"ips", "snips", "dm", "dr", "switch_dr"}
    assert "Better" in found.conclusion


def test_what_shows_the_worse_is_worse(rng):
    assert judge(make_log(3000, rng), WORST, rng).verdict is Verdict.WORSE


def test_where_arms_are_alike_no_difference_can_be_told(rng):
    assert judge(make_log(2000, rng, gain=0.0), deciding.LOGISTIC, rng).verdict is Verdict.EVEN


def test_few_decisions_tell_nothing(rng):
    found = judge(make_log(300, rng), deciding.LOGISTIC, rng)

    assert found.verdict is Verdict.THIN
    assert "150 decisions" in found.conclusion


def test_a_log_where_nothing_was_earned_tells_nothing(rng):
    log = make_log(2000, rng)
    log.rewards[:] = 0.0

    assert judge(log, deciding.LOGISTIC, rng).verdict is Verdict.THIN


def test_a_policy_decides_before_it_learns_what_came_of_it(rng):
    met = []

    class Spy(Uniform):
        def update(self, state, contexts, arms, rewards):
            met.append(("learns", len(arms)))
            return super().update(state, contexts, arms, rewards)

        def probabilities(self, state, contexts, *, allowed=None):
            met.append(("decides", len(contexts)))
            return super().probabilities(state, contexts, allowed=allowed)

    target = evaluating.decide(Spy(), make_log(100, rng), 50)

    assert target.shape == (50, 2)
    assert met == [("learns", 50), *[("decides", 5), ("learns", 5)] * 10]


def test_one_that_does_not_take_the_rewards_fails_alone(rng):
    log = make_log(1000, rng)
    log.rewards[:] = log.rewards * 25.0
    candidates = [
        Candidate("beta", "engagement.learning.bandits.BetaThompson"),
        Candidate("x", "y"),
    ]

    found = evaluating.evaluate(log, [*candidates, Candidate("chance", deciding.UNIFORM)], rng=rng)

    assert ["from 0 to 1" in one.failure for one in found.judged] == [True, False, False]
    assert found.judged[1].failure
    assert found.judged[2].estimates


# -- a file ---------------------------------------------------------------------------------
def write(path, n=400):
    rng = np.random.default_rng(3)
    rows = ["arm,propensity,reward,visitor,context_age,note"]
    for number in range(n):
        arm = ("none", "ten")[rng.integers(2)]
        reward = int(rng.random() < (0.6 if arm == "ten" else 0.1))
        rows.append(f"{arm},0.5,{reward},v{number // 2},{rng.integers(20, 60)},x")
    path.write_text("\n".join(rows) + "\n")
    return path


def test_a_file_is_a_log_too(tmp_path):
    log = logs.of_file(write(tmp_path / "log.csv"))

    assert log.arms == ["none", "ten"]
    assert log.features == ["age"]
    assert len(log) == 400
    assert abs(log.known[:200].mean()) < 1e-9
    assert len(set(log.visitors)) == 200


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("arm,propensity\na,0.5\n", "no column reward"),
        ("arm,propensity,reward\n", "no decision"),
        ("arm,propensity,reward\na,0,1\n", "above 0"),
        ("arm,propensity,reward\na,1.5,1\n", "above 0"),
        ("arm,propensity,reward\na,0.5,1\na,0.5,much\n", "line 3: reward is 'much'"),
        ("arm,propensity,reward,context_x\na,0.5,1,\n", "line 2: context_x"),
    ],
)
def test_a_file_that_is_no_log_says_where(tmp_path, text, message):
    path = tmp_path / "log.csv"
    path.write_text(text)

    with pytest.raises(BadPlan, match=message):
        logs.of_file(path)


def told(*args, **options):
    out = StringIO()
    call_command("engagement_evaluate_policy", *args, stdout=out, **options)
    return out.getvalue()


def test_the_command_compares_policies_on_a_file(tmp_path):
    path = write(tmp_path / "log.csv", 1200)
    picture, output = tmp_path / "p.svg", tmp_path / "p.json"

    said = told(
        "--file", str(path),
        "--backend", "BetaThompson", "--options", '{"floor": 0.1}',
        "--backend", "chance",
        "--picture", str(picture), "--output", str(output),
    )  # fmt: skip

    assert "BetaThompson floor=0.1: Better" in said
    assert "chance: No difference" in said
    found = json.loads(output.read_text())
    assert found["n_judged"] == 600
    assert [one["name"] for one in found["policies"]] == ["BetaThompson floor=0.1", "chance"]
    assert "switch-DR" in picture.read_text()
    assert json.loads(told("--file", str(path), "--backend", "chance", "--json"))["n_learnt"] == 600


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "Name a decision point"),
        (["a.b", "--file", "x.csv"], "Name a decision point"),
        (["--file", "nowhere.csv"], "no file"),
        (["--file", "x.csv", "--backend", "Nothing"], "--backend Nothing"),
        (["--file", "x.csv", "--options", "{}"], "belongs to the --backend"),
        (["--file", "x.csv", "--backend", "Uniform", "--options", "x"], "takes JSON"),
        (["--file", "x.csv", "--picture", "x.png"], "writes SVG"),
    ],
)
def test_the_command_says_what_is_wrong(args, message):
    with pytest.raises(CommandError, match=message):
        told(*args)


# -- the point's own log --------------------------------------------------------------------
@pytest.fixture
def point(db, rng):
    """A point whose log says that «popular» earns more."""
    point = deciding.make_point()
    deciding.make_decisions(
        point, 800, lambda arm, known: 0.5 if arm == "popular" else 0.1, rng=rng
    )
    learning.learn(point, at=LATER)
    return point


def test_the_command_compares_versions_on_the_points_own_log(point):
    deciding.make_version(point, deciding.LOGISTIC, name="better")

    said = told("home.for_you")

    assert "better: Better than what was shown" in said
    assert "v1: No difference" in said


@pytest.mark.django_db
def test_the_command_names_the_points_there_are():
    deciding.make_point("cart.offer")

    with pytest.raises(CommandError, match=r"Known are: cart\.offer"):
        told("cart.offers")
    with pytest.raises(CommandError, match="no decisions"):
        told("cart.offer")


def test_one_that_earns_more_goes_live_and_has_learnt_already(point, rng):
    version = deciding.make_version(point, deciding.LOGISTIC)

    row = activating.activate(version, at=LATER, rng=rng)

    assert activating.current(point) == row
    assert not row.was_forced
    assert version.states.get().n == 800
    version.refresh_from_db()
    assert version.evaluation["policies"][0]["verdict"] == "better"
    assert version.evaluation["live"] == "v1"


def test_one_that_would_earn_less_is_refused_unless_somebody_insists(point, rng):
    version = deciding.make_version(point, WORST)

    with pytest.raises(activating.Refused, match="Worse than what was shown") as refused:
        activating.activate(version, at=LATER, rng=rng)
    assert refused.value.may_be_forced
    assert activating.current(point).version.name == "v1"

    row = activating.activate(version, at=LATER, rng=rng, force=True)
    assert row.was_forced
    assert row.reason == activating.FORCED


def test_a_thin_log_lets_nothing_new_go_live(point, rng):
    Decision.objects.filter(settled_number__gt=100).delete()
    version = deciding.make_version(point, deciding.LOGISTIC)

    with pytest.raises(activating.Refused, match="too thin"):
        activating.activate(version, at=LATER, rng=rng)
    Decision.objects.all().delete()
    with pytest.raises(activating.Refused, match="no log"):
        activating.activate(version, at=LATER, rng=rng)


@pytest.mark.django_db
def test_the_first_policy_of_a_point_has_nothing_to_beat(rng):
    point = DecisionPoint.objects.create(name="cart.offer", reward="click")

    activating.activate(deciding.make_version(point), at=MONDAY, rng=rng)

    assert activating.current(point).version.name == "v1"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("backend", "message"),
    [("nowhere.Nothing", "cannot be built"), ("engagement.learning.bandits.BetaThompson", "money")],
)
def test_what_cannot_decide_there_cannot_be_forced(backend, message, rng):
    point = DecisionPoint.objects.create(name="cart.offer", reward="revenue")
    version = deciding.make_version(point, backend)

    with pytest.raises(activating.Refused, match=message) as refused:
        activating.activate(version, at=MONDAY, rng=rng, force=True)
    assert not refused.value.may_be_forced


def test_going_back_is_another_activation(point, rng):
    activating.activate(deciding.make_version(point, deciding.LOGISTIC), at=LATER, rng=rng)

    activating.roll_back(point, at=LATER)

    assert activating.current(point).version.name == "v1"
    assert PolicyActivation.objects.count() == 3


@pytest.mark.django_db
def test_there_may_be_nothing_to_go_back_to():
    with pytest.raises(activating.Refused, match="no earlier"):
        activating.roll_back(deciding.make_point(), at=LATER)
