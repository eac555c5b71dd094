"""
Read a rule that a person has typed, by Python's own grammar and nothing of its powers.

The text is parsed, never evaluated: what is not on the list below is refused, with the position
and what was probably meant.
"""

from __future__ import annotations

import ast
import difflib
import functools
import re
import warnings
from collections.abc import Iterable
from decimal import Decimal

from django.utils.translation import gettext as _

from engagement.flows.audiences.rules import (
    EVERYBODY,
    All,
    Compared,
    Comparison,
    Constant,
    Not,
    Rule,
    Some,
    Taste,
    Truth,
)
from engagement.flows.audiences.words import CATEGORY, WORDS, Word

LONGEST = 1000
DEEPEST = 20
MOST_PARTS = 100

OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
}
# The same said with the sides exchanged.
TURNED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class CannotRead(Exception):
    """A rule is wrong; the message says what and what was meant, ``position`` where (from 1)."""

    def __init__(self, message: str, position: int = 1) -> None:
        super().__init__(message)
        self.position = position


def read(text: str) -> Rule:
    """Return the rule; everybody for an empty one. Raises CannotRead."""
    text = text.strip()
    if not text:
        return EVERYBODY
    if len(text) > LONGEST:
        raise CannotRead(_("The rule is too long: %(n)d characters at most.") % {"n": LONGEST})
    return _read(" ".join(text.split()))


@functools.lru_cache(maxsize=500)
def _read(text: str) -> Rule:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode="eval")
    except SyntaxError as error:
        raise _syntax(text, error) from None
    except (ValueError, RecursionError, MemoryError):
        raise CannotRead(_("This is not a rule.")) from None
    if sum(1 for _node in ast.walk(tree)) > MOST_PARTS * 5:
        raise CannotRead(_("The rule has too many parts."))
    return _Reader(text).rule(tree.body, 1)


def _syntax(text: str, error: SyntaxError) -> CannotRead:
    single = re.search(r"(?<![<>=!])=(?!=)", text)
    if single is not None:
        return CannotRead(_("Write == to compare, as in orders == 2."), single.start() + 1)
    # At the end of a text that stops too early, Python names no character.
    position = error.offset or len(text) + 1
    message = _("From character %(position)d on this is no rule any more.")
    return CannotRead(message % {"position": position}, position)


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text

    def rule(self, node: ast.expr, depth: int) -> Rule:
        if depth > DEEPEST:
            raise self.wrong(node, _("The rule is nested too deeply."))
        match node:
            case ast.BoolOp(op=ast.And()):
                return All(tuple(self.rule(one, depth + 1) for one in node.values))
            case ast.BoolOp(op=ast.Or()):
                return Some(tuple(self.rule(one, depth + 1) for one in node.values))
            case ast.UnaryOp(op=ast.Not()):
                return Not(self.rule(node.operand, depth + 1))
            case ast.Compare():
                return self.comparison(node)
            case ast.Name():
                return self.truth(node)
            case ast.Call():
                self.category(node)
                raise self.wrong(
                    node, _('Compare it with a number, as in category("Fruit") > 0.2.')
                )
        raise self.wrong(node, _("A rule is made of comparisons, as in orders >= 2."))

    def truth(self, node: ast.Name) -> Rule:
        word = self.word(node)
        if word.type != "yes_no":
            raise self.wrong(
                node,
                _("“%(word)s” has to be compared, as in %(word)s > 2.") % {"word": word.name},
            )
        return Truth(word.name)

    def comparison(self, node: ast.Compare) -> Rule:
        sides = [node.left, *node.comparators]
        parts = [
            self.pair(left, OPERATORS[type(op)], right)
            if type(op) in OPERATORS
            else self.refuse(right, _("Compare by < <= == != > >= or in."))
            for left, op, right in zip(sides, node.ops, sides[1:], strict=False)
        ]
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def pair(self, left: ast.expr, by: str, right: ast.expr) -> Rule:
        if not isinstance(left, ast.Name | ast.Call):
            if by not in TURNED or not isinstance(right, ast.Name | ast.Call):
                raise self.wrong(left, _("Begin with a word, as in orders >= 2."))
            left, by, right = right, TURNED[by], left
        if isinstance(left, ast.Call):
            name = self.category(left)
            if by not in TURNED:
                raise self.wrong(right, _("A share is compared by < <= == != > or >=."))
            return Taste(name, by, self.number(right, CATEGORY), self.position(left))
        word = self.word(left)
        if word.type == "yes_no":
            raise self.wrong(
                right,
                _("“%(word)s” is yes or no: write %(word)s or not %(word)s.") % {"word": word.name},
            )
        if word.type == "text" and by not in ("==", "!=", "in", "not in"):
            raise self.wrong(
                right, _("“%(word)s” is a text: compare it by ==, != or in.") % {"word": word.name}
            )
        return Comparison(word.name, by, self.value(right, word, several="in" in by))

    def word(self, node: ast.Name) -> Word:
        found = WORDS.get(node.id)
        if found is None:
            raise self.wrong(node, _unknown(node.id, [*WORDS, CATEGORY]))
        return found

    def category(self, node: ast.Call) -> str:
        if not isinstance(node.func, ast.Name) or node.func.id != CATEGORY:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
            raise self.wrong(node, _unknown(name or "(…)", [CATEGORY, *WORDS]))
        match node.args, node.keywords:
            case [[ast.Constant(value=str(name))], []] if name.strip():
                return name.strip()
        raise self.wrong(node, _('Name one category in quotes, as in category("Fruit").'))

    def value(self, node: ast.expr, word: Word, *, several: bool) -> Compared:
        if not several:
            return self.constant(node, word)
        if not isinstance(node, ast.List | ast.Tuple | ast.Set) or not node.elts:
            raise self.wrong(node, _("After “in” comes a list, as in orders in [1, 2]."))
        return tuple(self.constant(one, word) for one in node.elts)

    def constant(self, node: ast.expr, word: Word) -> Constant:
        if word.type != "text":
            number = self.number(node, word.name)
            if word.type == "money" and number != number.quantize(Decimal("0.001")):
                raise self.wrong(node, _("Money has three decimals at most."))
            return number
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value.lower()
        raise self.wrong(
            node,
            _('“%(word)s” is a text: write it in quotes, as in %(word)s == "en".')
            % {"word": word.name},
        )

    def number(self, node: ast.expr, name: str) -> Decimal:
        sign = 1
        inner = node
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            sign, inner = -1, node.operand
        if isinstance(inner, ast.Constant) and type(inner.value) in (int, float):
            number = Decimal(repr(inner.value))
            if number.is_finite() and abs(number) < 10**12:
                return sign * number
            raise self.wrong(node, _("This number is too large."))
        raise self.wrong(
            node,
            _("“%(word)s” is a number: compare it with one, not with %(given)s.")
            % {"word": name, "given": ast.unparse(node)[:40]},
        )

    def position(self, node: ast.AST) -> int:
        """Return the character where a part begins; Python counts bytes."""
        before = self.text.encode()[: getattr(node, "col_offset", 0)]
        return len(before.decode(errors="ignore")) + 1

    def wrong(self, node: ast.AST, message: str) -> CannotRead:
        return CannotRead(message, self.position(node))

    def refuse(self, node: ast.AST, message: str) -> Rule:
        raise self.wrong(node, message)


def _unknown(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name.lower(), list(known), n=1, cutoff=0.5)
    if near:
        return _("There is no word “%(name)s”; did you mean “%(near)s”?") % {
            "name": name,
            "near": near[0],
        }
    return _("There is no word “%(name)s”.") % {"name": name}
