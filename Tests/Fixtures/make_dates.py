"""Makes Tests/Fixtures/dates.json: dates as people write them, and what pandas finds in them.

Run with pandas: python3 Tests/Fixtures/make_dates.py
"""
import math

import pandas

from fixtures import write

COLUMNS = {
    "ymd": ("mixed", False, ["2024-02-29", "2023-12-31", "2023-01-01 06:00", "2024-12-31T18:30:00Z", "1969-07-20", "1900-03-01"]),
    "dmy": ("mixed", True, ["31.01.2024", "29.02.2024", "1.3.1999", "07.08.2001 12:00"]),
    "mdy": ("mixed", False, ["1/31/2024", "2/29/2024", "12/31/1999 6:00 PM", "07/08/2001 12:45 AM"]),
    "names": ("mixed", False, ["Jan 5, 2024", "5 February 2024", "29-Feb-2024", "December 31 1999"]),
    "short": ("%d/%m/%y", True, ["31/01/24", "28/02/68", "01/03/69", "07/08/99"]),
}


def features(dates):
    first = min(dates)
    for date in dates:
        angle = 2 * math.pi * (date.day_of_year - 1) / (366 if date.is_leap_year else 365)
        yield [
            date.year, date.month, date.isoweekday(), math.sin(angle), math.cos(angle), (date - first) / pandas.Timedelta(days=1)
        ]


columns = []
for name, (form, dayfirst, texts) in COLUMNS.items():
    dates = [pandas.to_datetime(text, format=form, dayfirst=dayfirst).tz_localize(None) for text in texts]
    columns.append({"name": name, "texts": texts, "features": list(features(dates))})
write("dates.json", __file__, f"pandas {pandas.__version__}", {"columns": columns})
