"""``manage.py engagement_evaluate_policy``: what policies would earn, before they go live."""

from __future__ import annotations

import json
from argparse import Action, ArgumentParser, Namespace, RawDescriptionHelpFormatter
from pathlib import Path
from typing import Any

import numpy as np
from django.core.management.base import BaseCommand, CommandError

from engagement.adapters import get_adapter
from engagement.conf import app_settings
from engagement.flows.deciding import activating, evaluating, logs, policies
from engagement.flows.deciding.evaluating import Candidate, Evaluation
from engagement.flows.importing.mapping import BadPlan
from engagement.flows.importing.tables import CannotRead
from engagement.learning import bandits
from engagement.management import policy_table
from engagement.models import DecisionPoint

EXAMPLES = """
examples:
  manage.py engagement_evaluate_policy cart.offer               its versions, and POLICIES
  manage.py engagement_evaluate_policy cart.offer --backend LinUCB --options '{"width": 0.5}'
  manage.py engagement_evaluate_policy --file log.parquet --backend LogisticThompson \\
      --backend BetaThompson --options '{"floor": 0.1}' --picture policies.svg

columns of a file, oldest decision first: arm, propensity (of the arm that was shown), reward;
perhaps visitor; context_… for all that was known, as numbers
"""


class AddPolicy(Action):
    """``--backend`` begins a policy, ``--options`` belongs to the one before it."""

    def __call__(
        self, parser: ArgumentParser, namespace: Namespace, values: Any, option: str | None = None
    ) -> None:
        known: list[list[Any]] = list(getattr(namespace, "policies", None) or [])
        if option == "--backend":
            known.append([values, {}])
        elif not known:
            parser.error("--options belongs to the --backend before it")
        else:
            try:
                told = json.loads(values)
            except ValueError:
                told = None
            if not isinstance(told, dict):
                parser.error(f'--options takes JSON, as {{"floor": 0.1}}, not {values!r}')
            known[-1][1] = told
        namespace.policies = known


class Command(BaseCommand):
    help = (
        "Compare policies on the log of a decision point, or of a file: what each would have "
        "earned a decision (IPS, SNIPS, direct method, doubly robust, switch-DR). Nothing is "
        "stored and nothing goes live."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.formatter_class = RawDescriptionHelpFormatter
        parser.epilog = EXAMPLES
        parser.add_argument("point", nargs="?", help="a decision point, as cart.offer")
        parser.add_argument("--file", type=Path, help="a log in a file instead")
        parser.add_argument(
            "--backend",
            action=AddPolicy,
            dest="policies",
            help="a class of engagement.learning.bandits, a dotted path, or an alias of POLICIES; "
            "may be given several times",
        )
        parser.add_argument(
            "--options", action=AddPolicy, dest="policies", help="of the --backend before, as JSON"
        )
        parser.add_argument("--channel", help="the shop, where one database serves several")
        parser.add_argument(
            "--most", type=int, default=logs.MOST, help="the latest so many decisions of the point"
        )
        parser.add_argument("--seed", type=int, default=0, help="of what is drawn by lot")
        parser.add_argument("--json", action="store_true", help="print one JSON object")
        parser.add_argument("--output", type=Path, help="write the JSON object into this file")
        parser.add_argument("--picture", type=Path, help="write a picture: FILE.svg")

    def handle(self, **options: Any) -> None:
        if options["picture"] and options["picture"].suffix.lower() != ".svg":
            raise CommandError("--picture writes SVG: name a file that ends in .svg.")
        if bool(options["point"]) == bool(options["file"]):
            raise CommandError("Name a decision point, or a file with --file.")
        title = options["point"] or options["file"].name
        try:
            found = evaluating.evaluate(
                *self._asked(options), rng=np.random.default_rng(options["seed"])
            )
        except (CannotRead, BadPlan, evaluating.NothingToJudge) as problem:
            raise CommandError(str(problem)) from None
        self._hand_out(title, found, options)

    def _asked(self, options: dict[str, Any]) -> tuple[logs.DecisionLog, list[Candidate]]:
        named = [_candidate(backend, told) for backend, told in options["policies"] or ()]
        if options["file"]:
            return logs.of_file(options["file"]), named or _stock()
        channel = options["channel"]
        channel = get_adapter().get_channel() if channel is None else channel
        point = DecisionPoint.objects.filter(channel=channel, name=options["point"]).first()
        if point is None:
            known = DecisionPoint.objects.filter(channel=channel).order_by("name")
            raise CommandError(
                f"There is no decision point {options['point']}. Known are: "
                f"{', '.join(known.values_list('name', flat=True)) or 'none'}."
            )
        versions = [activating.candidate(one) for one in point.versions.order_by("pk")]
        log = logs.of_point(point, most=options["most"])
        return log, named or [*versions, *_stock()]

    def _hand_out(self, title: str, found: Evaluation, options: dict[str, Any]) -> None:
        told = json.dumps(found.as_json(), indent=1)
        if options["json"]:
            self.stdout.write(told)
        else:
            self.stdout.write(self.style.MIGRATE_HEADING(title))
            for line in policy_table.lines(found):
                self.stdout.write(line)
        if options["output"]:
            options["output"].write_text(told + "\n")
        if options["picture"]:
            options["picture"].write_text(policy_table.picture(title, found))
        if all(one.failure for one in found.judged):
            raise CommandError("No policy could be judged.")


def _stock() -> list[Candidate]:
    return [
        Candidate(alias, spec["BACKEND"], spec.get("OPTIONS", {}))
        for alias, spec in app_settings.POLICIES.items()
    ]


def _candidate(backend: str, options: dict[str, Any]) -> Candidate:
    """Return the policy of a class of ours, a dotted path, or an alias of the settings."""
    spec = app_settings.POLICIES.get(backend)
    if spec is not None:
        return Candidate(backend, spec["BACKEND"], {**spec.get("OPTIONS", {}), **options})
    name = backend.rpartition(".")[2]
    if options:
        name += " " + ", ".join(f"{one}={value}" for one, value in options.items())
    path = backend if "." in backend else f"{bandits.__name__}.{backend}"
    try:
        policies.build(path, options)
    except policies.CannotBuild as error:
        raise CommandError(f"--backend {backend}: {error}") from None
    return Candidate(name, path, options)
