"""Settings as dataclasses whose fields have a default, a range, a unit and a help text."""

import dataclasses
import math

from data_pipeline.errors import UsageError


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is known of a setting besides its default.

    Attributes:
      help: its meaning, for --help.
      unit: of its values, where they have one.
      choices: all values that it may have; (): any.
      at_least, at_most, above, below: bounds of a number.
      changeable: whether a run may go on with another value. That holds for what does not decide what is learned
        (where things lie, how often what is written, how it is computed) and for the step size, which people lower on
        the way. Everything else stays, or the run would no longer be the one that its folder tells of.
    """

    help: str
    unit: str = ''
    choices: tuple = ()
    at_least: float = -math.inf
    at_most: float = math.inf
    above: float = -math.inf
    below: float = math.inf
    changeable: bool = False

    def allows(self, value):
        """Says whether the setting may have a value."""
        if self.choices or isinstance(value, str):
            return not self.choices or value in self.choices
        return math.isfinite(value) and self.at_least <= value <= self.at_most and self.above < value < self.below

    def in_words(self):
        """Returns what is expected, as 'a number at least 0 and below 1'."""
        if self.choices:
            return f'one of {", ".join(self.choices)}'
        bounds = [f'{word} {bound:g}' for word, bound in (
            ('at least', self.at_least), ('at most', self.at_most), ('above', self.above), ('below', self.below),
        ) if math.isfinite(bound)]
        return f'a number {" and ".join(bounds)}'


def setting(default, help, **rule):  # noqa: A002  (as in absl)
    """Returns the field of a setting; `rule` as in `Rule`."""
    return dataclasses.field(default=default, metadata={'rule': Rule(help, **rule)})


class Group:
    """Base of dataclasses whose fields are made by `setting`: refuses values that a setting may not have."""

    def __post_init__(self):
        for name, rule in self.rules().items():
            value = getattr(self, name)
            if not rule.allows(value):
                raise UsageError(f'--{name}: expected {rule.in_words()}, found {value!r}.')

    @classmethod
    def rules(cls):
        """Returns dict, name of a field -> its `Rule`."""
        return {field.name: field.metadata['rule'] for field in dataclasses.fields(cls)}
