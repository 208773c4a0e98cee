"""Who is listed in the synthetic world: well-known codes first, invented companies after them, the same for every seed.

What does not belong here: prices and events (exchange.synthetic.paths, exchange.synthetic.events). Everything that
happens to these names in the world is invented.
"""

from typing import NamedTuple


class Security(NamedTuple):
    """One Korean security at the start of the world.

    ``level_krw`` is a price to begin near, ``shares`` the listed shares, ``sector`` an industry that shares a factor.
    """

    code: str
    name: str
    english: str
    market: str
    sector: str
    level_krw: int
    shares: int
    corp_code: str
    kind: str = "보통주"


# code name english market sector level shares(thousands) corp_code
_KNOWN = """
005930|삼성전자|SamsungElectronics|KOSPI|semiconductor|60000|5969782|00126380
000660|SK하이닉스|SK hynix|KOSPI|semiconductor|95000|728002|00164779
035720|카카오|Kakao|KOSPI|internet|240000|89000|00258801
035420|NAVER|NAVER|KOSPI|internet|250000|164049|00266961
005380|현대차|HyundaiMotor|KOSPI|auto|180000|211532|00164742
005935|삼성전자우|SamsungElectronics(1P)|KOSPI|semiconductor|54000|822886|00126380
051910|LG화학|LG Chem|KOSPI|chemistry|520000|70592|00356361
"""
_INVENTED_FIRST = """
0037T0|한빛로보틱스|Hanbit Robotics|KOSDAQ|machinery|21000|9800|
210340|가온반도체|Gaon Semiconductor|KOSDAQ|semiconductor|6200|21500|
118930|다올제약|Daol Pharm|KOSDAQ|pharma|1150|88000|
263180|라온소프트|Raon Soft|KOSDAQ|internet|14300|17400|
104520|마루전자|Maru Electronics|KOSDAQ|electronics|38500|12600|
155710|바른에너지|Bareun Energy|KOSPI|energy|17250|43200|
198470|새론소재|Saeron Materials|KOSDAQ|chemistry|98000|36200|
227560|아람바이오|Aram Bio|KOSDAQ|pharma|8470|25700|
094830|한결물산|Hangyeol Trading|KOSPI|retail|430000|6400|
"""
_KNOWN_MORE = """
000270|기아|Kia|KOSPI|auto|81000|405363|00106641
068270|셀트리온|Celltrion|KOSPI|pharma|170000|146402|00413046
005490|POSCO홀딩스|POSCO HOLDINGS|KOSPI|steel|240000|84571|00155319
207940|삼성바이오로직스|SAMSUNG BIOLOGICS|KOSPI|pharma|800000|71174|00877059
006400|삼성SDI|SAMSUNG SDI|KOSPI|battery|540000|68764|00126362
028260|삼성물산|SAMSUNG C&T|KOSPI|retail|120000|186887|00149655
105560|KB금융|KB Financial Group|KOSPI|finance|48000|408897|00688996
055550|신한지주|Shinhan Financial Group|KOSPI|finance|37000|508784|00382199
012330|현대모비스|Hyundai Mobis|KOSPI|auto|205000|94289|00164788
066570|LG전자|LG Electronics|KOSPI|electronics|92000|163647|00401731
247540|에코프로비엠|EcoPro BM|KOSDAQ|battery|120000|97801|01160363
086520|에코프로|EcoPro|KOSDAQ|battery|78000|25894|00536541
096770|SK이노베이션|SK Innovation|KOSPI|energy|190000|92465|00631518
003550|LG|LG Corp.|KOSPI|finance|79000|157300|00120021
017670|SK텔레콤|SK Telecom|KOSPI|telecom|53000|218833|00159023
030200|KT|KT|KOSPI|telecom|36500|261111|00190321
015760|한국전력|KEPCO|KOSPI|energy|22500|641964|00159193
032830|삼성생명|SAMSUNG LIFE|KOSPI|finance|62000|200000|00126256
086790|하나금융지주|Hana Financial Group|KOSPI|finance|41000|300242|00547583
033780|KT&G|KT&G|KOSPI|retail|83000|137292|00244455
009150|삼성전기|Samsung Electro-Mechanics|KOSPI|electronics|135000|74693|00126371
018260|삼성에스디에스|SAMSUNG SDS|KOSPI|internet|135000|77377|00126186
010130|고려아연|KOREA ZINC|KOSPI|steel|520000|18870|00102858
011200|HMM|HMM|KOSPI|shipping|25000|489039|00164645
316140|우리금융지주|Woori Financial Group|KOSPI|finance|13000|728060|01350869
024110|기업은행|IBK|KOSPI|finance|10300|742292|00149646
090430|아모레퍼시픽|AMOREPACIFIC|KOSPI|retail|140000|58458|00583424
051900|LG생활건강|LG H&H|KOSPI|retail|680000|15618|00356370
010950|S-Oil|S-OIL|KOSPI|energy|104000|112582|00138279
003490|대한항공|Korean Air|KOSPI|shipping|26500|368220|00113526
196170|알테오젠|ALTEOGEN|KOSDAQ|pharma|52000|42000|00985686
028300|HLB|HLB|KOSDAQ|pharma|36000|106000|00125664
293490|카카오게임즈|Kakao Games|KOSDAQ|internet|53000|81000|01137383
035900|JYP Ent.|JYP Ent.|KOSDAQ|internet|54000|35497|00258689
041510|에스엠|SM Entertainment|KOSDAQ|internet|65000|23800|00260930
145020|휴젤|Hugel|KOSDAQ|pharma|115000|12380|00656881
058470|리노공업|LEENO|KOSDAQ|semiconductor|130000|15242|00371502
240810|원익IPS|WONIK IPS|KOSDAQ|semiconductor|32000|49083|01155738
00088K|한화3우B|Hanwha(3PB)|KOSPI|chemistry|13900|22472|00160588
"""

SECTORS = (
    "semiconductor",
    "internet",
    "auto",
    "chemistry",
    "machinery",
    "pharma",
    "electronics",
    "energy",
    "retail",
    "steel",
    "battery",
    "finance",
    "telecom",
    "shipping",
)
_HEADS = """
가람 Garam|고은 Goeun|그린 Green|나래 Narae|누리 Nuri|다온 Daon|대운 Daeun|도담 Dodam|동해 Donghae|라율 Rayul
로운 Roun|마중 Majung|모아 Moa|미르 Mireu|백두 Baekdu|보람 Boram|빛솔 Bitsol|서진 Seojin|세움 Seum|소담 Sodam
"""
_TAIL = (
    ("반도체", "Semiconductor", "semiconductor"),
    ("소프트", "Soft", "internet"),
    ("모터스", "Motors", "auto"),
    ("화학", "Chemical", "chemistry"),
    ("로보틱스", "Robotics", "machinery"),
    ("바이오", "Bio", "pharma"),
    ("전자", "Electronics", "electronics"),
    ("에너지", "Energy", "energy"),
    ("유통", "Retail", "retail"),
    ("제강", "Steel", "steel"),
    ("이엔에스", "ENS", "battery"),
    ("캐피탈", "Capital", "finance"),
    ("텔레콤", "Telecom", "telecom"),
    ("해운", "Shipping", "shipping"),
)


def securities(count: int) -> list[Security]:
    """The first ``count`` securities of the world: known names, those with a scripted fate, then invented ones."""
    known = [_parse(line) for line in (_KNOWN + _INVENTED_FIRST + _KNOWN_MORE).split("\n") if line.count("|") > 1]
    known = [s if s.corp_code else s._replace(corp_code=_corp_code(i)) for i, s in enumerate(known)]
    taken = {s.code for s in known}
    invented: list[Security] = []
    i = 0
    while len(known) + len(invented) < count:
        security = _invented(i)
        if security.code not in taken:
            taken.add(security.code)
            invented.append(security)
        i += 1
    return (known + invented)[:count]


def _parse(line: str) -> Security:
    code, name, english, market, sector, level, thousands, corp = line.split("|")
    shares = int(thousands) * 1000 + int(code[:3]) * 7 % 1000
    kind = "구형우선주" if code == "005935" else "신형우선주" if code[-1] in "KLMN" else "보통주"
    return Security(code, name, english, market, sector, int(level), shares, corp, kind)


def _invented(i: int) -> Security:
    heads = [pair.split() for pair in _HEADS.strip().replace("\n", "|").split("|")]
    turn, at = divmod(i, len(heads))
    head, head_english = heads[at]
    tail, tail_english, sector = _TAIL[(turn + at) % len(_TAIL)]
    series = turn // len(_TAIL)
    suffix = "" if series == 0 else str(series + 1)
    # A fixed stride visits the six-digit space without a generator: names and codes must not depend on the seed.
    number = (40_009 + i * 7_919) % 49_999
    code = f"{number * 10 + 300_000:06d}"
    market = "KONEX" if i % 23 == 11 else "KOSPI" if i % 5 < 2 else "KOSDAQ"
    level = (1_450, 3_120, 5_640, 9_870, 14_850, 23_400, 41_300, 67_800, 121_000)[(i * 5 + 2) % 9]
    shares = 4_000_000 + (i * 1_234_577) % 60_000_000
    return Security(
        code,
        f"{head}{tail}{suffix}",
        f"{head_english} {tail_english} {suffix}".strip(),
        market,
        sector,
        level if market != "KONEX" else level // 2,
        shares if market != "KONEX" else shares // 8,
        _corp_code(1_000 + i),
    )


def _corp_code(i: int) -> str:
    return f"{2_000_000 + i * 13:08d}"
