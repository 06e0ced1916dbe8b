"""Frozen dataclasses of parameters that check the type, the unit and the range of their fields."""

from __future__ import annotations

import dataclasses
import json
import math
import types
import typing
from typing import Any, Self

# units in which values are often given by mistake, the nearest first, as multiples of the right one
_OTHER_UNITS = {
    "Hz": {"kHz": 1e3, "MHz": 1e6},
    "mm": {"m": 1e3, "um": 1e-3},
    "m/s": {"km/s or mm/us": 1e3, "mm/s": 1e-3},
    "s": {"ms": 1e-3, "us": 1e-6},
}


class ParameterError(ValueError):
    """A parameter is unknown, of a wrong type or out of range; the message says what is allowed."""


def quantity(
    default: Any = dataclasses.MISSING,
    unit: str = "1",
    doc: str = "",
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """Declare one field of a `Parameters` class.

    Parameters
    ----------
    default : Any
        Default value; without it the field is required.
    unit : str
        Unit of the value, shown in messages; "1" for a value without a unit.
    doc : str
        Description of the field.
    low, high : float, optional
        Smallest and largest value allowed; for a tuple, of each of its members.
    above : float, optional
        Bound that the value must exceed.
    choices : tuple, optional
        Values allowed.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from musclelib.parameters import Parameters, quantity
    >>> @dataclass(frozen=True)
    ... class Probe(Parameters):
    ...     frequency: float = quantity(5e6, "Hz", "transmitted frequency", low=1e5, high=1e8)
    >>> Probe(frequency=5)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    musclelib.parameters.ParameterError: Probe.frequency = 5: allowed is ... 5 MHz would be 5e+06
    """
    metadata = {
        "unit": unit,
        "doc": doc,
        "low": low,
        "high": high,
        "above": above,
        "choices": choices,
    }
    return dataclasses.field(default=default, metadata=metadata)


def other_unit(value: float, unit: str, low: float, high: float) -> str:
    """Return the end of a message that suggests another unit for a value, or an empty text.

    Parameters
    ----------
    value : float
        The value refused.
    unit : str
        The unit in which the value is expected.
    low, high : float
        Bounds of the values allowed.
    """
    for name, scale in _OTHER_UNITS.get(unit, {}).items():
        if value and low <= value * scale <= high:
            return f"; {value:g} {name} would be {value * scale:g}"
    return ""


@dataclasses.dataclass(frozen=True)
class Parameters:
    """Base of every parameter set, which is checked when built and written as JSON text."""

    def __post_init__(self) -> None:
        kinds = typing.get_type_hints(type(self))
        for field in dataclasses.fields(self):
            kind = kinds[field.name]
            value = _built(getattr(self, field.name), kind)
            object.__setattr__(self, field.name, value)
            if not _fits(value, kind):
                wanted = (
                    kind.__name__
                    if isinstance(kind, type) and not typing.get_args(kind)
                    else str(kind)
                )
                raise ParameterError(
                    f"{type(self).__name__}.{field.name} = {value!r} is of type"
                    f" {type(value).__name__}; a {wanted} is needed"
                )
            if field.metadata:
                self._check_range(field.name, value, field.metadata)
        self.check()

    def _check_range(self, name: str, value: Any, metadata: Any) -> None:
        low, high, above, choices = (metadata[key] for key in ("low", "high", "above", "choices"))
        for item in value if isinstance(value, tuple) else (value,):
            number = isinstance(item, (int, float)) and not isinstance(item, bool)
            wrong = (choices is not None and item not in choices) or (
                number
                and (
                    not math.isfinite(item)
                    or (low is not None and item < low)
                    or (high is not None and item > high)
                    or (above is not None and item <= above)
                )
            )
            if wrong:
                bounded = number and low is not None and high is not None
                meant = other_unit(item, metadata["unit"], low, high) if bounded else ""
                raise ParameterError(
                    f"{type(self).__name__}.{name} = {value!r}: allowed is"
                    f" {_allowed(metadata)}{meant}"
                )

    def check(self) -> None:
        """Check conditions on several fields; subclasses raise `ParameterError` here."""

    def check_between(self, name: str, low: float, high: float) -> None:
        """Check that a field lies within bounds that depend on other fields.

        Raises
        ------
        ParameterError
            The value lies outside; the message also suggests a unit that may have been meant.
        """
        field = next(field for field in dataclasses.fields(self) if field.name == name)
        self._check_range(
            name, getattr(self, name), {**field.metadata, "above": None, "low": low, "high": high}
        )

    def check_ranges(self, *names: str) -> None:
        """Check that fields which hold a range or None have it in ascending order.

        Raises
        ------
        ParameterError
            A range is in descending order.
        """
        for name in names:
            value = getattr(self, name)
            if value is not None and value[0] > value[1]:
                raise ParameterError(f"{name} = {value}: a range goes from low to high")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build a parameter set from a mapping.

        Raises
        ------
        ParameterError
            A key is not a parameter, a required parameter is missing, or a value is not allowed.
        """
        names = [field.name for field in dataclasses.fields(cls)]
        unknown = sorted(set(values) - set(names))
        if unknown:
            raise ParameterError(
                f"{cls.__name__} has no parameter {unknown[0]!r}; allowed are {', '.join(names)}"
            )
        required = [
            field.name
            for field in dataclasses.fields(cls)
            if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        ]
        missing = [name for name in required if name not in values]
        if missing:
            raise ParameterError(f"{cls.__name__} needs the parameter {missing[0]!r}")
        return cls(**values)

    def changed(self, **changes: Any) -> Self:
        """Return a copy with some values changed.

        Raises
        ------
        ParameterError
            A name is not a parameter, or a value is not allowed.
        """
        return self.from_dict(
            {field.name: getattr(self, field.name) for field in dataclasses.fields(self)} | changes
        )

    def to_json(self) -> str:
        """Return the parameters as JSON text, with sorted keys."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


def _allowed(metadata: Any) -> str:
    if metadata["choices"]:
        return "one of " + ", ".join(repr(choice) for choice in metadata["choices"])
    bounds = []
    if metadata["above"] is not None:
        bounds.append(f"above {metadata['above']:g}")
    if metadata["low"] is not None:
        bounds.append(f"at least {metadata['low']:g}")
    if metadata["high"] is not None:
        bounds.append(f"at most {metadata['high']:g}")
    unit = "" if metadata["unit"] == "1" else f" [{metadata['unit']}]"
    return (" and ".join(bounds) or "finite") + unit


def _fits(value: Any, kind: Any) -> bool:
    """Whether `value` is of the annotated type; a bool is not a number, an int is a float."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        return any(_fits(value, member) for member in typing.get_args(kind))
    if origin is dict:
        names, values = typing.get_args(kind)
        return isinstance(value, dict) and all(
            _fits(name, names) and _fits(item, values) for name, item in value.items()
        )
    if origin is tuple:
        members = typing.get_args(kind)
        if len(members) == 2 and members[1] is Ellipsis:
            return isinstance(value, tuple) and all(_fits(item, members[0]) for item in value)
        return (
            isinstance(value, tuple)
            and len(value) == len(members)
            and all(_fits(*pair) for pair in zip(value, members, strict=True))
        )
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _built(value: Any, kind: Any) -> Any:
    """Convert lists and mappings of JSON and YAML to the tuples and parameter sets of a type."""
    members = typing.get_args(kind)
    for one in members if isinstance(kind, types.UnionType) else [kind]:
        if isinstance(value, dict) and isinstance(one, type) and issubclass(one, Parameters):
            names = {field.name for field in dataclasses.fields(one)}
            if one is kind or names == set(value):  # of several, the one with these fields
                return one.from_dict(value)
    if isinstance(value, list | tuple):
        item = members[0] if typing.get_origin(kind) is tuple and members[1:] == (...,) else None
        return tuple(_built(member, item) for member in value)
    if isinstance(value, dict) and typing.get_origin(kind) is dict:
        return {name: _built(member, members[1]) for name, member in value.items()}
    return value
