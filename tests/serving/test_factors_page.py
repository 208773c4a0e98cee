"""The page of the factors that nothing explains: those of the release, escaped, without a network."""


def test_the_factors_that_nothing_explains_are_listed_newest_first(client):
    answer = client.get("/factors")
    assert answer.status_code == 200
    text = answer.text
    assert "2 of 3 factors have no disclosed action behind them. Release r00001" in text
    assert text.index("카카오 &lt;b&gt;&amp; (XKRX:035720)") < text.index("삼성전자 (XKRX:005930)")
    for shown in ("2024-04-02", "1.001", "consolidation", "2024-03-04", "0.2", "split or bonus", "2024-03-04 06:30"):
        assert shown in text
    assert "0.999" not in text, "an explained one"


def test_it_needs_no_network_and_the_landing_page_leads_to_it(client):
    text = client.get("/factors").text
    assert "src=" not in text and "https://" not in text and "$" not in text
    assert 'href="/factors"' in client.get("/").text


def test_what_the_lake_says_is_shown_as_text(client):
    """The release's name of 035720 has markup."""
    assert "<b>" not in client.get("/factors").text
