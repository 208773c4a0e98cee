"""OpenDART's list of companies: a ZIP with one XML file of about 115,000, of which the listed ones are kept.

Read as a stream: neither the XML nor a tree of it is ever whole in memory, and what unpacks to far more than the real list, or
declares entities, is refused. What does not belong here: asking (`lake.clients.dart`).
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any
from xml.parsers import expat

import pyarrow as pa

from lake.delivery import SchemaDrift, own_columns, text_rows
from lake.host import Answer, Form
from lake.unpack import TooLarge, of_zip, parsed
from market import registry

TABLE = "bronze.dart_corp_codes"
MOST_XML_BYTES = 200_000_000  # the real one has about 25 million
_MOST_TEXT = 10_000
_PART = 1 << 16
_BROKEN = (  # what the standard library says of archives and XML that are not whole, locked, or of another kind
    zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, NotImplementedError, RuntimeError, OSError, ValueError,
)  # fmt: skip
_FIELDS = ("corp_code", "corp_name", "corp_eng_name", "stock_code", "modify_date")
_NEEDED = ("corp_code", "stock_code")
_STATUS = re.compile(rb"<status>\s*(\d{3})\s*</status>")
_MESSAGE = re.compile(rb"<message>([^<]{0,200})</message>")
_CHANGED = "The source changed its format: compare the kept payload with the contract"


def _held_in(payload: bytes) -> Any:
    """The ZIP as it is, or the status of an error, which comes as XML or JSON under any content type.

    Raises
    ------
    ValueError
        It is neither.
    """
    if payload.startswith(b"PK"):
        if zipfile.is_zipfile(io.BytesIO(payload)):
            return payload
        raise ValueError("a ZIP that breaks off")
    if (status := _STATUS.search(payload[:_PART])) is not None:
        message = _MESSAGE.search(payload[:_PART])
        return {
            "status": status.group(1).decode(),
            "message": message.group(1).decode("utf-8", "replace") if message else "",
        }
    told = parsed(payload)
    if isinstance(told, dict) and "status" in told:
        return told
    raise ValueError("JSON without a status")


ZIP = Form("ZIP", _held_in)


def companies(answer: Answer) -> pa.Table:
    """The companies that have a code of a share, with their place in the payload.

    Raises
    ------
    SchemaDrift
        No ZIP of one XML file; one that is larger than any list of companies, or declares entities; fields are missing.
    """
    where = f"{answer.url_redacted} of dart"
    try:
        listed = [(at, row) for at, row in enumerate(_whole(answer.payload, where)) if row["stock_code"].strip()]
    except _BROKEN as error:
        found = str(error) or type(error).__name__
        raise SchemaDrift(where, expected="a ZIP of one XML file", found=found, do=_CHANGED) from error
    rows = text_rows([row for _, row in listed], own_columns(registry.table(TABLE)), where)
    return rows.append_column("row_no", pa.array([at for at, _ in listed], pa.int32()))


def _whole(payload: bytes, where: str) -> Iterator[dict[str, str]]:
    """The rows of a list that has some, each with the fields that say which company and which share it is."""
    has_rows = False
    for row in _rows(payload, where):
        has_rows = True
        if missing := [name for name in _NEEDED if name not in row]:
            raise SchemaDrift(
                where,
                expected=f"{', '.join(_NEEDED)} of each company",
                found=f"none of {', '.join(missing)}",
                do=_CHANGED,
            )
        yield row
    if not has_rows:
        raise SchemaDrift(where, expected="companies, each in a <list>", found="none", do=_CHANGED)


def _rows(payload: bytes, where: str) -> Iterator[dict[str, str]]:
    """Each `<list>` of the XML as a row."""
    with zipfile.ZipFile(io.BytesIO(payload)) as archive:
        members = archive.infolist()
        if len(members) != 1:
            raise SchemaDrift(where, expected="one file in the ZIP", found=f"{len(members)}", do=_CHANGED)
        reader = _Reader(where)
        try:
            for part in of_zip(archive, members[0], MOST_XML_BYTES):
                yield from reader.read(part)
        except TooLarge as error:
            found = f"more, from {len(payload)} bytes"
            raise SchemaDrift(where, expected=f"at most {MOST_XML_BYTES} bytes", found=found, do=_CHANGED) from error
        yield from reader.read(b"", is_last=True)


class _Reader:
    """Feeds parts of XML to expat and hands out the rows that are complete."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._rows: list[dict[str, str]] = []
        self._row: dict[str, str] = {}
        self._text: list[str] = []
        self._n_text = 0
        parser = expat.ParserCreate()
        parser.StartDoctypeDeclHandler = self._refuse  # no entity without a document type: none can explode
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._take
        self._parser = parser

    def read(self, part: bytes, *, is_last: bool = False) -> list[dict[str, str]]:
        """The rows that end in this part."""
        self._parser.Parse(part, is_last)
        found, self._rows = self._rows, []
        return found

    def _refuse(self, *_: object) -> None:
        raise SchemaDrift(self._where, expected="XML without a document type", found="one", do=_CHANGED)

    def _begin(self, name: str, _attributes: dict[str, str]) -> None:
        self._text, self._n_text = [], 0
        if name == "list":
            self._row = {}

    def _take(self, text: str) -> None:
        self._n_text += len(text)
        if self._n_text > _MOST_TEXT:
            raise SchemaDrift(self._where, expected=f"texts up to {_MOST_TEXT}", found="a longer one", do=_CHANGED)
        self._text.append(text)

    def _end(self, name: str) -> None:
        if name == "list":
            self._rows.append(self._row)
        elif name in _FIELDS:
            self._row[name] = "".join(self._text)
        self._text, self._n_text = [], 0
