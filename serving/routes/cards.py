"""Pages of the models that answer, and of each one's card with its pictures and its drift. They work without a network."""

import html
import string
from typing import Annotated, Any

from fastapi import APIRouter, Path
from starlette.responses import HTMLResponse, Response

from lake.model_drift import kept
from market.datasets.ops.model_drift import DRIFTED, MOVED, STEADY
from serving import cards
from serving.champions import Champion
from serving.deps import Files, Models
from serving.pages import page, row
from serving.problems import unknown
from training.drift import worst, worst_first

IS_API = False
router = APIRouter(prefix="/models", include_in_schema=False)
Name = Annotated[str, Path(max_length=100)]
_LOOK = {DRIFTED: "look", MOVED: "look", STEADY: "good"}
_MOST = 8  # quantities whose drift is shown
_YEAR = "public, max-age=31536000, immutable"  # an exported version is never replaced
WITHOUT_CARD = '<p class="soft">This version was exported without its card: <code>marketlake models card {name} {version}</code> prints it.</p>'


@router.get("")
def list_models(models: Models, files: Files) -> HTMLResponse:
    """The champions."""
    shown = "".join(_model(files, one) for one in models.all()) or row(
        ("soft", "no model has a champion yet"), *[("", "")] * 4
    )
    return HTMLResponse(string.Template(page("models")).substitute(models=shown))


@router.get("/{name}")
def show(models: Models, files: Files, name: Name) -> HTMLResponse:
    """The card of the champion."""
    champion = models.asked_for(name)
    card = cards.of_champion(files, champion)
    drift = worst_first(kept(files, name, champion.version))
    without = WITHOUT_CARD.format(name=html.escape(name), version=champion.version)
    told = {
        "name": html.escape(name),
        "lead": f"Version {champion.version}, the champion. Trained on release {html.escape(champion.release_id)}.",
        "run": html.escape(champion.run_id),
        "card": card.html or f"<h1>{html.escape(name)}</h1>{without}",
        "pictures": "".join(_picture(champion, file) for file in card.pictures),
        "drift": "".join(map(_drift, drift[:_MOST])) or row(("soft", "not measured yet"), *[("", "")] * 3),
        "more": f"{len(drift) - _MOST:,} more, all nearer to the training: " if len(drift) > _MOST else "All of it: ",
    }
    return HTMLResponse(string.Template(page("model")).substitute(told))


@router.get("/{name}/{version}/{file}")
def picture(files: Files, name: Name, version: int, file: Annotated[str, Path(max_length=100)]) -> Response:
    """A picture of an exported version."""
    found = cards.picture(files, name, version, file)
    if found is None:
        raise unknown("picture", file, "one that the card names")
    return Response(found, media_type="image/png", headers={"Cache-Control": _YEAR})


def _model(files: Any, one: Champion) -> str:
    drift = kept(files, one.name, one.version)
    verdict = worst(drift) if drift else "not measured"
    cells = row(
        ("n", str(one.version)), ("n", _judged(one.signature.get("metrics", {}))), (_LOOK.get(verdict, "soft"), verdict),
        ("said", str(one.signature.get("doc", ""))),
    )  # fmt: skip
    link = f'<td class="name"><a href="/models/{html.escape(one.name)}">{html.escape(one.name)}</a></td>'
    return cells.replace("<tr>", f"<tr>{link}", 1)


def _judged(metrics: dict[str, Any]) -> str:
    """What a version was chosen by, out of sample."""
    for key, error, words in (("rank_ic_mean", "rank_ic_se", "rank IC"), ("macro_f1", "macro_f1_se", "macro F1")):
        if metrics.get(key) is not None:
            within = metrics.get(error)
            return f"{words} {metrics[key]:.4f}" + ("" if within is None else f" (error {within:.4f})")
    return "not known"


def _picture(champion: Champion, file: str) -> str:
    caption = html.escape(file.removesuffix(cards.PICTURE).replace("_", " "))
    return f'<figure><img src="{html.escape(cards.address(champion, file))}" alt="{caption}" loading="lazy"><figcaption>{caption}</figcaption></figure>'


def _drift(one: dict[str, Any]) -> str:
    value = "not known" if one["value"] is None else f"{one['value']:.3f}"
    return row(
        ("name", one["quantity"]), (_LOOK.get(one["verdict"], "soft"), one["verdict"]), ("n", f"{one['metric']} {value}"),
        ("said", one["found"]),
    )  # fmt: skip
