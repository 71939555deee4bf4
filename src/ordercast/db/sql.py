"""Expands SQL: macros for what the databases write differently, named parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final

_LITERAL: Final = r"'(?:[^']|'')*'"
_MACRO: Final = re.compile(rf"{_LITERAL}|@([a-z]\w*)")
_PARAMETER: Final = re.compile(rf"{_LITERAL}|:([a-z]\w*)")
_PART: Final = re.compile(rf"{_LITERAL}|[(),]|[^'(),]+")


def expand(sql: str, words: Any) -> str:
    """Replace each ``@name`` outside of quotes by that attribute of `words`: a text, or a function of the arguments in
    parentheses.
    """
    found, at = list[str](), 0
    while (macro := _MACRO.search(sql, at)) is not None:
        found.append(sql[at : macro.start()])
        at = macro.end()
        if macro[1] is None:  # literal
            found.append(macro[0])
            continue
        meant: str | Callable[..., str] = getattr(words, macro[1])
        if not isinstance(meant, str):
            arguments, at = arguments_at(sql, at)
            meant = meant(*(expand(each, words) for each in arguments))
        found.append(meant)
    return "".join((*found, sql[at:]))


def arguments_at(sql: str, begin: int) -> tuple[list[str], int]:
    """The arguments in the parentheses that open at `begin`, and their end."""
    arguments, depth, at = [""], 0, begin
    while (part := _PART.match(sql, at)) is not None:
        word, at = part[0], part.end()
        depth += (word == "(") - (word == ")")
        if depth == 0:
            return [argument.strip() for argument in arguments], at
        if word == "," and depth == 1:
            arguments.append("")
        elif word != "(" or depth > 1:
            arguments[-1] += word
    raise ValueError(f"a macro is not closed: {sql[begin:]}")


def with_parameters(sql: str, written: Callable[[str], str]) -> str:
    """Replace each ``:name`` outside of quotes by `written`."""
    return _PARAMETER.sub(lambda found: found[0] if found[1] is None else written(found[1]), sql)


def quoted(name: str) -> str:
    """Quote an identifier, whatever it is made of."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a text in which backslashes mean nothing: SQLite's, and the standard's."""
    return "'" + text.replace("'", "''") + "'"


def literals(values: Iterable[str]) -> str:
    """The values as a SQL list, sorted."""
    return ", ".join(f"'{value}'" for value in sorted(values))
