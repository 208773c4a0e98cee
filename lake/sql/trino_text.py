"""Text of a query for Trino: DuckDB's dialect turned into Trino's, our names into those of a release, values into literals.

What does not belong here: sending it.
"""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from market.errors import Permanent
from market.table import LAYERS

READING = ("SELECT", "WITH", "VALUES", "TABLE", "SHOW", "DESCRIBE", "(")
CATALOG = "lake"
_SCHEMAS = frozenset({*LAYERS, "raw"})
_SKIPPED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|\?", re.DOTALL)
_PLACE = re.compile(r"\b__p(\d+)__\b")
_PART = r'(?:"(?:[^"]|"")*"|\w+)'
_SHOW = re.compile(
    rf"(SHOW\s+(?:CREATE\s+)?\w+\s+(?:(?:FROM|IN|FOR)\s+)?)({_PART}(?:\s*\.\s*{_PART})*)(.*)", re.IGNORECASE | re.DOTALL
)
_EXPECTED = "one SELECT, WITH, DESCRIBE or SHOW statement"


def ours(sql: str, release_id: str, raw: Mapping[str, str], catalog: str = CATALOG) -> str:
    """The query, in DuckDB's dialect, as Trino takes it; each `?` becomes `__p<number>__`, which `filled` replaces.

    Parameters
    ----------
    raw : what stands for `raw.<layer>_<table>`: a query in Trino's dialect, by that name.
    catalog : the lake's own, which a name may begin with.

    Raises
    ------
    Permanent
        It cannot be turned into Trino's dialect, or names another catalog.
    """
    return _turned(sql, release_id, tuple(sorted(raw.items())), catalog, "duckdb")


def of_trino(sql: str, release_id: str, raw: Mapping[str, str], catalog: str = CATALOG) -> str:
    """The query, in Trino's own dialect, with our names as the release's; parameters as of `ours`.

    Raises
    ------
    Permanent
        It cannot be read, does something other than read, or names another catalog.
    """
    return _turned(refuse_writes(sql), release_id, tuple(sorted(raw.items())), catalog, "trino")


def refuse_writes(sql: str) -> str:
    """The text where it is one reading statement of Trino's dialect.

    Raises
    ------
    Permanent
        It is not.
    """
    try:
        tokens = [token for token in sqlglot.tokenize(sql, read="trino") if token.text != ";"]
    except SqlglotError as error:
        raise Permanent("query", expected=_EXPECTED, found=_first_of(error)) from error
    first = tokens[0].text.upper() if tokens else "nothing"
    if first not in READING or ";" in _SKIPPED.sub("", sql).strip().rstrip(";"):
        found = first if first not in READING else "several statements"
        raise Permanent(
            "query", expected=_EXPECTED, found=found, do="The release is read-only: write through the assets"
        )
    return sql


def filled(text: str, params: Sequence[Any]) -> str:
    """The text with the values in their places.

    Raises
    ------
    Permanent
        There are more or fewer values than places, or one has no literal.
    """
    places = {int(number) for number in _PLACE.findall(text)}
    if places != set(range(len(params))):
        raise Permanent("query", expected=f"{len(places)} values, one for each ?", found=f"{len(params)}")
    return _PLACE.sub(lambda found: literal(params[int(found[1])]), text)


def literal(value: Any) -> str:
    """The value as Trino writes it.

    Raises
    ------
    Permanent
        A value of a kind that has no literal.
    """
    if isinstance(value, list | tuple):
        return f"ARRAY[{', '.join(literal(one) for one in value)}]"
    for kind, write in _LITERALS.items():
        if isinstance(value, kind):
            return write(value)
    raise Permanent("query", expected="values that SQL has literals for", found=type(value).__name__)


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        return f"TIMESTAMP '{value:%Y-%m-%d %H:%M:%S.%f}'"
    return f"TIMESTAMP '{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC'"


def _number(value: float) -> str:
    if math.isnan(value):
        return "nan()"
    if math.isinf(value):
        return "infinity()" if value > 0 else "-infinity()"
    return f"DOUBLE '{value!r}'"


_LITERALS: dict[Any, Callable[[Any], str]] = {
    type(None): lambda _: "NULL",
    bool: lambda value: "true" if value else "false",
    int: str,
    float: _number,
    Decimal: lambda value: f"DECIMAL '{value}'",
    str: lambda value: "'" + value.replace("'", "''") + "'",
    datetime: _instant,
    date: lambda value: f"DATE '{value.isoformat()}'",
}  # the order counts: a bool is an int, an instant a date


@lru_cache(maxsize=2048)
def _turned(sql: str, release_id: str, raw: tuple[tuple[str, str], ...], catalog: str, dialect: str) -> str:
    numbers = iter(range(sql.count("?")))
    # Not every `?` can be read (`?::DATE`), and turning may move one or write it twice: so each gets a name.
    marked = _SKIPPED.sub(lambda found: f"__p{next(numbers)}__" if found[0] == "?" else found[0], sql)
    try:
        if sqlglot.tokenize(marked, read=dialect)[0].text.upper() == "SHOW":
            return _shown(marked, release_id, catalog)
        tree = sqlglot.parse_one(marked, read=dialect)
        _refuse_misread(tree)
        named = _named(tree, release_id, dict(raw), catalog)
        return named.sql(dialect="trino", unsupported_level=sqlglot.ErrorLevel.RAISE)
    except SqlglotError as error:
        do = "Write it in standard SQL, or ask DuckDB: `marketlake sql --engine duckdb`"
        raise Permanent("query", expected="SQL that Trino has too", found=_first_of(error), do=do) from error


def _shown(text: str, release_id: str, catalog: str) -> str:
    """A SHOW statement, for which sqlglot has no tree, with the layer that it names as the release's schema."""
    found = _SHOW.fullmatch(text.strip())
    head, named, rest = found.groups() if found else (text, "", "")
    parts = [part.strip('"') for part in re.findall(_PART, named)]
    if len(parts) > 1 and parts[0].lower() == catalog.lower():
        parts = parts[1:]
    if parts and parts[0].lower() in LAYERS:
        quoted = [f'"{part}"' for part in (f"{release_id}_{parts[0].lower()}", *parts[1:])]
        text, named = f"{head}{'.'.join(quoted)}{rest}", ""
    left = re.findall(r"\w+", re.sub(r"'(?:[^']|'')*'", "", f"{head}{named}{rest}").lower())
    if not _SCHEMAS.isdisjoint(left):  # sent as it is, it would tell of what is current
        raise Permanent("query", expected="SHOW TABLES FROM gold, SHOW COLUMNS FROM gold.prices and the like", found=text,
                        do="See `marketlake tables`")  # fmt: skip
    return text


def _refuse_misread(tree: exp.Expression) -> None:
    """What sqlglot turns into something else without a word."""
    do = "Write it in standard SQL"
    if tree.find(exp.IntDiv):  # turned into a cast, which rounds
        raise Permanent("query", expected="SQL that Trino has too", found="// (whole division)", do=do)
    for select in tree.find_all(exp.Select):  # what follows QUALIFY would order and cut rows before they are chosen
        after = [word for word in ("order", "limit", "offset", "distinct") if select.args.get(word)]
        if select.args.get("qualify") and after:
            do = "Choose the rows in a subquery with WHERE, and order or cut outside of it"
            found = f"QUALIFY with {', '.join(after).upper()}"
            raise Permanent("query", expected="SQL that Trino has too", found=found, do=do)


def _grouped(select: exp.Select) -> None:
    """GROUP BY ALL as the places of the columns that are no aggregates."""
    group = select.args.get("group")
    if group is not None and group.args.get("all"):
        places = [n for n, column in enumerate(select.expressions, 1) if not column.find(exp.AggFunc)]
        select.set("group", exp.Group(expressions=[exp.Literal.number(n) for n in places]) if places else None)


def _named(tree: exp.Expression, release_id: str, raw: Mapping[str, str], catalog: str) -> exp.Expression:
    """The tree with the release's schemas, as-of reads written out, and instants to the microsecond."""
    for kind in list(tree.find_all(exp.DataType)):
        if kind.this in (exp.DataType.Type.TIMESTAMPTZ, exp.DataType.Type.TIMESTAMP) and not kind.expressions:
            kind.set("expressions", [exp.DataTypeParam(this=exp.Literal.number(6))])
    for division in tree.find_all(exp.Div):
        division.set("safe", False)  # a float by zero is infinite on both
    for select in tree.find_all(exp.Select):
        _grouped(select)
    # Neither engine tells upper case from lower in a name, quoted or not.
    for column in list(tree.find_all(exp.Column)):
        if column.db.lower() in _SCHEMAS and column.catalog.lower() in ("", catalog.lower()):
            column.set("db", None)
            column.set("catalog", None)
    for table in list(tree.find_all(exp.Table)):
        _refuse_elsewhere(table.catalog, catalog)
        layer, called = table.db.lower(), table.this if isinstance(table.this, exp.Func) else None
        if layer not in _SCHEMAS:
            continue
        table.set("catalog", None)
        if called is not None:
            _write_out(table, called, f"{release_id}_{layer}")
        elif layer == "raw" and table.name.lower() in raw:
            _put(table, sqlglot.parse_one(raw[table.name.lower()], read="trino"), table.name)
        elif layer != "raw":
            table.set("db", exp.to_identifier(f"{release_id}_{layer}"))
    return tree


def _refuse_elsewhere(named: str, catalog: str) -> None:
    """What another catalog holds is no part of the release; `system` tells of the server."""
    if named.lower() not in ("", "system", catalog.lower()):
        raise Permanent("query", expected=f"tables of the catalog {catalog}", found=f"the catalog {named}",
                        do="A query here reads one release; ask Trino itself for another catalog")  # fmt: skip


def _write_out(table: exp.Table, called: exp.Func, schema: str) -> None:
    """`silver.prices_as_of(x)` as a query: Trino has no table functions of ours."""
    name = called.name if isinstance(called, exp.Anonymous) else ""
    if not name.lower().endswith("_as_of") or len(called.expressions) != 1:
        return
    short = name.lower().removesuffix("_as_of")
    instant = exp.cast(called.expressions[0].copy(), exp.DataType.build("TIMESTAMP(6) WITH TIME ZONE", dialect="trino"))
    text = f"SELECT * FROM {schema}.{short} WHERE known_at <= __at AND (known_until IS NULL OR known_until > __at)"
    query = sqlglot.parse_one(text, read="trino")
    for place in list(query.find_all(exp.Column)):
        if place.name == "__at":
            place.replace(instant.copy())
    _put(table, query, name)


def _put(table: exp.Table, query: exp.Expression, name: str) -> None:
    alias = table.args.get("alias") or exp.TableAlias(this=exp.to_identifier(name))
    table.replace(exp.Subquery(this=query, alias=alias))


def _first_of(error: Exception) -> str:
    plain = re.sub(r"\x1b\[\d+m", "", str(error))
    return plain.strip().splitlines()[0] if plain.strip() else type(error).__name__
