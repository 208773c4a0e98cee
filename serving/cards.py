"""Model cards as promotion exported them: the text, made HTML for the page, and the pictures beside it.

What does not belong here: making a card (`training.card`), the page around it (`serving.routes.cards`).
"""

from dataclasses import dataclass

from markdown_it import MarkdownIt

from lake.objects import Store
from market.exports import CARD
from serving.champions import FOLDER, Champion

PICTURE = ".png"
_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")  # what somebody wrote as HTML stays text


@dataclass(frozen=True)
class Shown:
    """A card.

    Parameters
    ----------
    markdown : None of a version that was exported before cards were.
    pictures : names of the PNG files beside it, in order.
    """

    markdown: str | None
    pictures: tuple[str, ...]

    @property
    def html(self) -> str | None:
        """The card as HTML, without anything that could run."""
        return None if self.markdown is None else str(_MARKDOWN.render(self.markdown))


def of_champion(files: Store, champion: Champion) -> Shown:
    """The card of the version that answers."""
    folder = f"{FOLDER}/{champion.name}/{champion.version}/"
    names = [path.removeprefix(folder) for path in files.list(folder)]
    text = files.get(folder + CARD).decode() if CARD in names else None
    return Shown(text, tuple(name for name in names if name.endswith(PICTURE) and "/" not in name))


def picture(files: Store, name: str, version: int, file: str) -> bytes | None:
    """Bytes of one picture of an exported version; None where there is none of that name."""
    folder = f"{FOLDER}/{name}/{version}/"
    path = folder + file
    return files.get(path) if file.endswith(PICTURE) and path in files.list(folder) else None


def address(champion: Champion, file: str) -> str:
    """Where the API shows a picture of the champion."""
    return f"/models/{champion.name}/{champion.version}/{file}"
