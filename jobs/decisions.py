"""What a person decides about models in the Dagster UI: one job each to promote a version, to roll back, and to set the shadow.

What does not belong here: what a decision does (`assets.decisions`), which the command line calls as well.
"""

import dagster as dg
from pydantic import Field

from assets.resources import OpenLake
from assets.retries import retried_where_transient
from jobs.names import PROMOTE, ROLL_BACK, SHADOW


class Promotion(dg.Config):
    """A version to be made champion."""

    model: str = Field(description="such as return_rank_5d")
    version: int = Field(description="its version in the registry", ge=1)
    force: bool = Field(default=False, description="promote although a gate refuses; recorded as forced")


class Return(dg.Config):
    """A model whose champion before the present one is to come back."""

    model: str = Field(description="such as return_rank_5d")


class Shadowing(dg.Config):
    """A version to score beside the champion."""

    model: str = Field(description="such as return_rank_5d")
    version: int | None = Field(
        default=None, description="its version in the registry; none: no version is shadow", ge=1
    )
    reason: str = Field(default="by hand", description="why; recorded with the version")


@dg.op(description="A version made champion if it passes every gate, and served within seconds")
def promote_version(context: dg.OpExecutionContext, config: Promotion, lake: OpenLake) -> None:
    """Fails, with every gate's reason, where one refuses."""
    from assets import decisions  # MLflow takes seconds to load, in each process that builds the definitions

    with retried_where_transient(context):
        result = decisions.promote(lake, config.model, config.version, force=config.force)
    for reason in result.reasons:
        context.log.info(reason)
    told = {"reasons": dg.MetadataValue.md("\n".join(f"- {reason}" for reason in result.reasons))}
    if not result.promoted:
        raise dg.Failure(f"{config.model} version {config.version} is refused", metadata=told, allow_retries=False)
    context.add_output_metadata(told)


@dg.op(description="The champion before the present one made champion again, and served within seconds")
def restore_version(context: dg.OpExecutionContext, config: Return, lake: OpenLake) -> None:
    """Fails where there is none before it."""
    from assets import decisions

    with retried_where_transient(context):
        held = decisions.rollback(lake, config.model)
    context.log.info(f"{config.model} version {held['version']} is champion again")


@dg.op(
    description="A version made shadow, or none: it scores each session beside the champion, and people do not see it"
)
def set_shadow(context: dg.OpExecutionContext, config: Shadowing, lake: OpenLake) -> None:
    """Fails where the version is the champion, or cannot be served."""
    from assets import decisions

    with retried_where_transient(context):
        decisions.shadow(lake, config.model, config.version, config.reason)
    context.log.info(f"shadow of {config.model}: {config.version or 'none'}")


@dg.job(
    name=PROMOTE, description="Makes a version champion if it passes its gates; in the launchpad: model, version, force"
)
def promote_model() -> None:
    """One op."""
    promote_version()


@dg.job(name=ROLL_BACK, description="Makes the champion before the present one champion again; in the launchpad: model")
def roll_back_model() -> None:
    """One op."""
    restore_version()


@dg.job(
    name=SHADOW,
    description="Lets a version score beside the champion, or none; in the launchpad: model, version, reason",
)
def shadow_model() -> None:
    """One op."""
    set_shadow()


JOBS = (promote_model, roll_back_model, shadow_model)
