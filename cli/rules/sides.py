"""What `dossier rules compare` compares: a rule, one version of it, or what decides now or would after a rebuild."""

import re
from collections.abc import Callable, Sequence

import click

from schemas.rule_names import RULE_NAMES, RuleName
from streams.counting.judged_case import JudgedCase
from streams.on_time.rules import DATE_AS_SENT, INSTANT_AS_SENT, Rule
from streams.on_time.ruling import Ruling
from streams.reports.rule_comparison import Side

_SHORT: dict[str, RuleName] = {"766": "decision 766", "form": "report form"}
_NAMES: dict[str, RuleName] = {
    **{name: name for name in RULE_NAMES},
    **{name.replace(" ", "-"): name for name in RULE_NAMES},
    **_SHORT,
}
_VERSION = re.compile(r"(?P<rule>[^@]+)@v?(?P<version>\d{1,4})")


class RuleParameter(click.ParamType):
    """The type of an argument that names a rule, also in short: date, 766, form."""

    name = "RULE"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> RuleName:
        """The name of the rule."""
        if (name := _NAMES.get(str(value))) is None:
            self.fail(f"{value!r} is no rule: {', '.join(RULE_NAMES)}", param, ctx)
        return name


def side(text: str, leading: RuleName, current: Ruling, loaded: Callable[[], Ruling]) -> Side:
    """The side that such a word names; raises click's usage error for another word.

    `current` and `loaded` are judged by the rule `leading`; rules and their versions are applied to what decides now.
    """
    if text == "current":
        return Side(text, current, lambda case: case.rule(leading))
    if text == "loaded":
        return Side(text, loaded(), lambda case: case.rule(leading))
    if (name := _NAMES.get(text)) is not None:
        return Side(name, current, _of(name))
    if (found := _VERSION.fullmatch(text)) and (name := _NAMES.get(found["rule"])) is not None:
        version = _version([*current.rules, INSTANT_AS_SENT, DATE_AS_SENT], name, int(found["version"]))
        return Side(f"{name} v{version.version}", current, lambda _case: version)
    raise click.UsageError(
        f"{text!r} is neither a rule ({', '.join(RULE_NAMES)}), nor a version of one such as date@1, nor current or "
        "loaded"
    )


def _of(name: RuleName) -> Callable[[JudgedCase], Rule]:
    return lambda case: case.rule(name)


def _version(versions: Sequence[Rule], name: RuleName, number: int) -> Rule:
    found = {rule.version: rule for rule in versions if rule.name == name}
    if number not in found:
        raise click.UsageError(f"rule {name} has no version {number}: it has {', '.join(map(str, sorted(found)))}")
    return found[number]
