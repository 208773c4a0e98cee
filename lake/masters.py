"""The forms that MARKETLAKE_SPARK_MASTER takes, which of them is meant, and the properties that a master of one's own needs.

Starting or reaching a Spark does not belong here.
"""

import re
from typing import Literal

from lake.settings import Settings
from market.errors import Permanent

Kind = Literal["local", "standalone", "yarn", "k8s", "submitted", "emr-serverless"]

FORMS: dict[Kind, tuple[str, str]] = {
    "local": ("local[*], local[N]", r"local(\[(\*|[1-9]\d*)(,\s*\d+)?\])?"),
    "standalone": ("spark://HOST:PORT", r"spark://[^/\s:]+:\d+(,[^/\s:]+:\d+)*"),
    "yarn": ("yarn", r"yarn"),
    "k8s": ("k8s://https://HOST:PORT", r"k8s://(https?://)?[^/\s]+"),
    "submitted": ("submitted (as spark-submit was told)", r"submitted"),
    "emr-serverless": ("emr-serverless://APPLICATION", r"emr-serverless://[0-9a-z]+"),
}
"""How each kind is written, for people and as a pattern."""

_EMR = "emr-serverless://"


def kind_of(master: str) -> Kind:
    """Which kind of master it is.

    Raises
    ------
    Permanent
        It is none of the forms.
    """
    for kind, (_, pattern) in FORMS.items():
        if re.fullmatch(pattern, master):
            return kind
    shown = ", ".join(written for written, _ in FORMS.values())
    raise Permanent(
        "MARKETLAKE_SPARK_MASTER", expected=f"one of {shown}", found=master,
        do="Set it to one of these forms; docs/scale.md says what each needs",
    )  # fmt: skip


def is_cluster(master: str) -> bool:
    """True where executors are processes of their own, on other machines as it may be, and the driver is this process."""
    return kind_of(master) in ("standalone", "yarn", "k8s")


def is_elsewhere(master: str) -> bool:
    """True where Spark's driver is not this process: builds are jobs, started over an API."""
    return kind_of(master) == "emr-serverless"


def application(master: str) -> str:
    """The EMR Serverless application that the master names."""
    return master.removeprefix(_EMR)


def further(settings: Settings) -> dict[str, str]:
    """Spark properties of the file that MARKETLAKE_SPARK_CONF_FILE names; none where it names none.

    Raises
    ------
    Permanent
        There is no such file, or a line of it lacks a value.
    """
    if settings.spark_conf_file is None:
        return {}
    file = settings.path(settings.spark_conf_file)
    if not file.is_file():
        raise Permanent("MARKETLAKE_SPARK_CONF_FILE", expected="a file of Spark properties", found=f"no file {file}")
    lines = [line for line in file.read_text().splitlines() if line.strip() and not line.startswith("#")]
    pairs = [line.split(None, 1) for line in lines]
    if lacking := [pair[0] for pair in pairs if len(pair) < 2]:
        raise Permanent(f"{file}", expected="a name and a value on each line", found="names alone", keys=lacking)
    return {name: value.strip() for name, value in pairs}
