"""Promotion passes the gates or says why not, a rollback gives the alias back, and every decision is kept."""

import pytest

from market.errors import Permanent
from tests.support.postgres_server import postgres_server
from training import registry, tracking
from training.versions import CHALLENGER, SHADOW

METRICS = {
    "leaks": 0.0,
    "deflated_rank_ic": 0.99,
    "rank_ic_over_naive": 0.02,
    "rank_ic_over_naive_se": 0.01,
    "rank_ic_over_linear": 0.0,
    "rank_ic_over_linear_se": 0.01,
    "replay_differs": 0,
    "rank_ic_worst_slice_t": 1.0,
    "sessions_behind": 0.0,
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def tracking_uri(request, tracking_uri, tmp_path_factory):
    """MLflow's own store on either database."""
    if request.param == "sqlite":
        yield tracking_uri
        return
    with postgres_server(tmp_path_factory.mktemp("postgres")) as place:
        uri = place.postgres_url("mlflow").replace("postgresql://", "postgresql+psycopg://")
        yield uri


@pytest.fixture
def make_version(tracking_uri, request, tmp_path_factory):
    """Registers a version with given metrics, as a finished run would; each test has a model of its own."""
    client = tracking.client(tracking_uri)
    experiment = tracking.experiment_id(client, "registry", tmp_path_factory.getbasetemp().as_uri())
    name = request.node.name
    client.create_registered_model(name)

    def make(mean: float, error: float = 0.01, daily: dict[str, float] | None = None) -> int:
        run = client.create_run(experiment)
        for metric, value in (METRICS | {"rank_ic_mean": mean, "rank_ic_bar": 2 * error, "fold_rank_ic": mean}).items():
            client.log_metric(run.info.run_id, metric, value)
        days = daily if daily is not None else dict.fromkeys(("2024-01-02", "2024-01-03"), mean)
        told = "".join(f"{day},{ic}\n" for day, ic in days.items())
        client.log_text(run.info.run_id, f"session_date,rank_ic\n{told}", "rank_ic_daily.csv")
        tags = {"release_id": f"r-{mean}"}
        made = client.create_model_version(name, run.info.artifact_uri, run_id=run.info.run_id, tags=tags)
        return int(made.version)

    make.name = name
    return make


def test_the_first_version_with_a_signal_becomes_champion(tracking_uri, make_version):
    version = make_version(0.05)
    assert registry.champion(tracking_uri, make_version.name) is None
    result = registry.promote(tracking_uri, make_version.name, version)
    assert (result.promoted, result.forced, result.champion_before) == (True, False, None)
    champion = registry.champion(tracking_uri, make_version.name)
    assert champion["version"] == version
    assert champion["aliases"] == ["champion"]
    assert champion["release_id"] == "r-0.05"
    assert champion["metrics"] == METRICS | {"rank_ic_mean": 0.05, "rank_ic_bar": 0.02}


def test_a_worse_challenger_is_refused_and_told_why(tracking_uri, make_version):
    good, worse, noise = make_version(0.05), make_version(0.03), make_version(0.01)
    registry.promote(tracking_uri, make_version.name, good)
    refused = registry.promote(tracking_uri, make_version.name, worse)
    assert not refused.promoted
    assert any("0.03000, needs >= 0.04500" in reason for reason in refused.reasons)
    assert not registry.promote(tracking_uri, make_version.name, noise).outcomes[1].passed
    assert registry.champion(tracking_uri, make_version.name)["version"] == good
    (kept,) = registry.decisions(tracking_uri, make_version.name, worse)
    assert kept["decision"] == "refused"
    assert kept["reasons"] == list(refused.reasons)


def test_challenger_and_champion_are_compared_on_the_sessions_of_both_alone(tracking_uri, make_version):
    """The champion was judged in an easy January, the challenger in a hard February too: on their common day it is better."""
    name = make_version.name
    champion = make_version(0.10, daily={"2024-01-30": 0.18, "2024-01-31": 0.02})
    challenger = make_version(0.03, daily={"2024-01-31": 0.05, "2024-02-01": 0.01})
    registry.promote(tracking_uri, name, champion)
    result = registry.promote(tracking_uri, name, challenger)
    assert result.promoted, result.reasons
    assert any("rank_ic_common 0.05000, needs >= 0.01500" in reason for reason in result.reasons)
    assert "held against version 1 on the 1 sessions that both were judged on" in result.reasons


def test_an_easier_period_does_not_make_a_worse_challenger_champion(tracking_uri, make_version):
    name = make_version.name
    champion = make_version(0.05, daily={"2024-01-30": 0.05, "2024-01-31": 0.05})
    challenger = make_version(0.20, daily={"2024-01-31": 0.04, "2024-02-01": 0.36})
    registry.promote(tracking_uri, name, champion)
    assert not registry.promote(tracking_uri, name, challenger).promoted


def test_without_a_common_session_nothing_is_known_and_force_alone_helps(tracking_uri, make_version):
    name = make_version.name
    registry.promote(tracking_uri, name, make_version(0.05, daily={"2024-01-30": 0.05}))
    challenger = make_version(0.20, daily={})
    refused = registry.promote(tracking_uri, name, challenger)
    assert not refused.promoted
    assert any("is not known" in reason for reason in refused.reasons)
    assert registry.promote(tracking_uri, name, challenger, force=True).promoted


def test_small_steps_down_do_not_add_up(tracking_uri, make_version):
    """Each is 0.004 below the one before, which the margin of 0.005 allows once."""
    name = make_version.name
    best, second, third = (make_version(mean) for mean in (0.050, 0.046, 0.042))
    assert registry.promote(tracking_uri, name, best).promoted
    assert registry.promote(tracking_uri, name, second).promoted
    refused = registry.promote(tracking_uri, name, third)
    assert not refused.promoted
    assert "held against version 1 on the 2 sessions that both were judged on" in refused.reasons
    assert registry.promote(tracking_uri, name, third, force=True).forced
    assert registry.promote(tracking_uri, name, make_version(0.038)).promoted, "force set the standard anew"


def test_force_promotes_past_a_refusal_and_is_recorded_as_such(tracking_uri, make_version):
    version = make_version(0.0)
    result = registry.promote(tracking_uri, make_version.name, version, force=True)
    assert (result.promoted, result.forced) == (True, True)
    assert registry.decisions(tracking_uri, make_version.name, version)[0]["decision"] == "promoted by force"


def test_promoting_the_champion_again_changes_nothing(tracking_uri, make_version):
    version = make_version(0.05)
    registry.promote(tracking_uri, make_version.name, version)
    again = registry.promote(tracking_uri, make_version.name, version)
    assert again.promoted
    assert "already" in again.reasons[0]
    assert len(registry.decisions(tracking_uri, make_version.name, version)) == 1


def test_rollback_gives_the_alias_back_step_by_step(tracking_uri, make_version):
    name = make_version.name
    first, second, third = (make_version(mean) for mean in (0.05, 0.06, 0.07))
    for version in (first, second, third):
        registry.promote(tracking_uri, name, version)
    assert registry.rollback(tracking_uri, name)["version"] == second
    assert registry.champion(tracking_uri, name)["version"] == second
    assert registry.decisions(tracking_uri, name, third)[-1]["decision"] == "rolled back"
    assert registry.decisions(tracking_uri, name, second)[-1]["decision"] == "restored by rollback"
    assert registry.rollback(tracking_uri, name)["version"] == first
    with pytest.raises(Permanent, match="the first one"):
        registry.rollback(tracking_uri, name)


def test_a_promotion_after_a_rollback_starts_from_the_restored_champion(tracking_uri, make_version):
    name = make_version.name
    first, second, third = (make_version(mean) for mean in (0.05, 0.06, 0.07))
    registry.promote(tracking_uri, name, first)
    registry.promote(tracking_uri, name, second)
    registry.rollback(tracking_uri, name)
    assert registry.promote(tracking_uri, name, third).champion_before == first
    assert registry.rollback(tracking_uri, name)["version"] == first


def test_the_list_has_every_version_with_its_aliases_newest_first(tracking_uri, make_version):
    versions = [make_version(0.05), make_version(0.06)]
    registry.promote(tracking_uri, make_version.name, versions[0])
    rows = [row for row in registry.list_models(tracking_uri) if row["name"] == make_version.name]
    assert [(row["version"], row["aliases"]) for row in rows] == [(2, []), (1, ["champion"])]
    assert rows[1]["decision"] == "promoted"
    assert rows[0]["run_id"]


def test_a_version_or_model_that_does_not_exist_is_named(tracking_uri, make_version):
    make_version(0.05)
    with pytest.raises(Permanent, match="a version among 1"):
        registry.promote(tracking_uri, make_version.name, 9)
    with pytest.raises(Permanent, match="no champion"):
        registry.rollback(tracking_uri, make_version.name)
    with pytest.raises(Permanent, match="a version among none"):
        registry.promote(tracking_uri, "nobody", 1)
    assert registry.champion(tracking_uri, "nobody") is None


def aliases_of(tracking_uri, name):
    """Aliases by version, of those that have one."""
    rows = [row for row in registry.list_models(tracking_uri) if row["name"] == name]
    return {row["version"]: row["aliases"] for row in rows if row["aliases"]}


def test_a_filed_version_stays_challenger_however_good_it_is(tracking_uri, make_version):
    name, champion, better = make_version.name, make_version(0.05), make_version(0.20)
    registry.promote(tracking_uri, name, champion)
    filed = registry.file(tracking_uri, name, better, "the champion has drifted")
    assert not filed.promoted and all(outcome.passed for outcome in filed.outcomes)
    assert aliases_of(tracking_uri, name) == {champion: ["champion"], better: ["challenger"]}
    (kept,) = registry.decisions(tracking_uri, name, better)
    assert kept["decision"] == "filed"
    assert kept["reasons"][0] == "filed: the champion has drifted"
    assert registry.promote(tracking_uri, name, better).promoted, "a person decides"
    assert aliases_of(tracking_uri, name) == {better: ["champion"]}


def test_one_version_waits_at_a_time_and_a_refusal_is_the_decision(tracking_uri, make_version):
    name, first, second, noise = make_version.name, make_version(0.05), make_version(0.06), make_version(0.0)
    for version in (first, second, noise):
        registry.file(tracking_uri, name, version, "a new fit")
    assert aliases_of(tracking_uri, name) == {noise: ["challenger"]}
    assert registry.decisions(tracking_uri, name, first)[-1]["decision"] == "no longer challenger"
    assert not registry.promote(tracking_uri, name, noise).promoted
    assert aliases_of(tracking_uri, name) == {}


def test_the_shadow_is_set_and_taken_away_and_both_are_on_record(tracking_uri, make_version):
    name, first, second = make_version.name, make_version(0.05), make_version(0.06)
    registry.assign(tracking_uri, name, SHADOW, first, "to be watched")
    registry.assign(tracking_uri, name, SHADOW, first, "to be watched again")
    registry.assign(tracking_uri, name, SHADOW, second, "better")
    assert aliases_of(tracking_uri, name) == {second: ["shadow"]}
    registry.assign(tracking_uri, name, SHADOW, None, "seen enough")
    assert registry.holder(tracking_uri, name, SHADOW) is None
    told = [[one["decision"] for one in registry.decisions(tracking_uri, name, v)] for v in (first, second)]
    assert told == [["made shadow", "no longer shadow"]] * 2
    assert registry.decisions(tracking_uri, name, second)[-1]["reasons"] == ["seen enough"]


def test_whoever_becomes_champion_has_no_other_alias(tracking_uri, make_version):
    name, first, second = make_version.name, make_version(0.05), make_version(0.06)
    registry.promote(tracking_uri, name, first)
    registry.file(tracking_uri, name, second, "a new fit")
    registry.assign(tracking_uri, name, SHADOW, second, "to be watched")
    registry.promote(tracking_uri, name, second)
    assert aliases_of(tracking_uri, name) == {second: ["champion"]}
    registry.assign(tracking_uri, name, SHADOW, first, "was it better?")
    registry.rollback(tracking_uri, name)
    assert aliases_of(tracking_uri, name) == {first: ["champion"]}


@pytest.mark.parametrize("alias", [CHALLENGER, SHADOW])
def test_an_alias_that_cannot_be_given_or_taken_is_refused(tracking_uri, make_version, alias):
    name, version = make_version.name, make_version(0.05)
    registry.promote(tracking_uri, name, version)
    with pytest.raises(Permanent, match="a version that is not the champion"):
        registry.assign(tracking_uri, name, alias, version, "why not")
    with pytest.raises(Permanent, match=f"a {alias}; was none"):
        registry.assign(tracking_uri, name, alias, None, "gone")
    with pytest.raises(Permanent, match="challenger or shadow"):
        registry.assign(tracking_uri, name, "champion", version, "past the gates")
    with pytest.raises(Permanent, match="a version among 1"):
        registry.assign(tracking_uri, name, alias, 9, "none")


def test_an_old_version_is_not_promoted_unnoticed(tracking_uri, make_version):
    name, version = make_version.name, make_version(0.05)
    refused = registry.promote(tracking_uri, name, version, now={"sessions_behind": 21.0})
    assert [outcome.gate for outcome in refused.outcomes if not outcome.passed] == ["fresh"]
    assert any("sessions_behind 21.00000, needs <= 20.00000" in reason for reason in refused.reasons)
    assert registry.promote(tracking_uri, name, version, now={"sessions_behind": 21.0}, force=True).forced
