"""Securities, prices and indicators over HTTP."""


def test_list(client):
    answer = client.get("/api/v1/stocks")
    assert answer.status_code == 200, answer.text
    print(answer.text)
    for path in ("stocks/005930","stocks/aapl","stocks/XKRX:005930/prices?limit=2","stocks/005930/prices?limit=2&adjust=true","stocks/005930/prices?limit=2&as_of=2024-05-10T00:00Z","stocks/005930/prices?limit=2&as_of=2024-05-10T00:00Z&adjust=true","stocks/005930/indicators?limit=2&from=2024-05-01","stocks/005930/filings?limit=2","stocks/005930/news?limit=2","stocks/005930/actions","stocks/005930/predictions","models","models/return_rank_5d","releases","releases/current","market/summary?limit=2","features/005930"):
        a = client.get("/api/v1/"+path)
        print(path, a.status_code, a.text[:1500], dict(a.headers))
    a = client.post("/api/v1/models/return_rank_5d/predict", json={"symbols":["005930","AAPL"]})
    print(a.status_code,a.text)
    for p in ("/","/docs","/metrics","/readyz","/healthz"):
        a=client.get(p); print(p,a.status_code,a.text[:200])
    assert 0
