"""The folder of a model: found here or brought from the hub, and held against the rules before anything in it is loaded.

Only safetensors are read: a pickle runs what it likes when it is loaded.  No code that comes with a model is run.
What does not belong here: loading (training.sentiment.encoder).
"""

import re
from collections.abc import Mapping
from pathlib import Path

from market.errors import Permanent, Transient

TOKENIZERS = ("tokenizer.json", "vocab.txt", "*.model")
_BROUGHT = ("*.json", "*.safetensors", "vocab.txt", "*.model")
_AT_THE_HUB = re.compile(r"(?P<id>\w[\w.-]*/\w[\w.-]*)(@(?P<revision>[\w./-]+))?")


def folder_of(name: str | Path, endpoint: str | None = None) -> Path:
    """The folder of a model.

    Parameters
    ----------
    name : a folder, or an id at the hub (owner/name), with @revision where it is not the newest: skt/kobert-base-v1@refs/pr/1.
    endpoint : of the hub; the library's own where None.

    Raises
    ------
    Permanent
        It is neither a folder here nor a model at the hub, or one that is not open to us.
    Transient
        The hub cannot be reached or does not answer, and the model was not brought before.
    """
    if Path(name).is_dir():
        return Path(name)
    asked = _AT_THE_HUB.fullmatch(str(name))
    if asked is None or isinstance(name, Path):
        raise Permanent(f"model {name}", expected="a folder, or an id at the hub (owner/name)", found="neither")
    return _brought(asked["id"], asked["revision"], endpoint)


def _brought(hub_id: str, revision: str | None, endpoint: str | None) -> Path:
    from httpx import HTTPError
    from huggingface_hub import errors, snapshot_download

    where = f"model {hub_id}"
    try:
        found = snapshot_download(hub_id, revision=revision, endpoint=endpoint, allow_patterns=list(_BROUGHT))
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError, errors.DisabledRepoError) as error:
        raise Permanent(
            where, expected="a folder here, or a model and revision at the hub that is open to us", found=_said(error)
        ) from error
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        kind = Transient if status == 429 or status >= 500 else Permanent
        raise kind(where, expected="an answer of the hub", found=f"{status}: {_said(error)}") from error
    except (errors.LocalEntryNotFoundError, HTTPError, OSError) as error:
        raise Transient(
            where,
            expected="an answer of the hub",
            found=_said(error),
            do="Name a folder where the hub cannot be reached",
        ) from error
    return Path(found)


def checked(folder: Path, where: str) -> Path:
    """The folder itself, where it has a configuration, whole safetensors and a tokenizer.

    Raises
    ------
    Permanent
        One is missing or cut off; pickled weights in place of safetensors are refused.
    """
    from safetensors import SafetensorError, safe_open

    if not (folder / "config.json").is_file():
        raise Permanent(where, expected="a folder with config.json", found=_listed(folder))
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        raise Permanent(
            where, expected="weights as safetensors", found=_listed(folder),
            do="A pickle (pytorch_model.bin) is refused: it runs what it likes when loaded. The hub converts most models; "
            "the conversion is a revision, for instance owner/name@refs/pr/1",
        )  # fmt: skip
    for file in weights:
        try:
            with safe_open(file, framework="np"):
                pass
        except (SafetensorError, OSError) as error:
            raise Permanent(
                f"{where}, {file.name}", expected="safetensors, whole", found=f"{file.stat().st_size} bytes: {error}",
                do="Bring the file again",
            ) from error  # fmt: skip
    if not any(next(folder.glob(pattern), None) for pattern in TOKENIZERS):
        raise Permanent(where, expected=f"a tokenizer ({', '.join(TOKENIZERS)})", found=_listed(folder))
    return folder


def read_files(folder: Path) -> dict[str, bytes]:
    """Content of the files in a folder, by name in order."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir()) if file.is_file()}


def write_files(files: Mapping[str, bytes], folder: Path) -> Path:
    """The folder, with these files in it.

    Raises
    ------
    Permanent
        A name is no plain file name.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if Path(name).name != name:
            raise Permanent("model files", expected="plain file names", found=repr(name))
        (folder / name).write_bytes(content)
    return folder


def _listed(folder: Path) -> str:
    return ", ".join(sorted(file.name for file in folder.iterdir())) or "an empty folder"


def _said(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
