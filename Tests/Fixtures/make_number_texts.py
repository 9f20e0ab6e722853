"""Makes Tests/Fixtures/number_texts.json: columns of numbers as people write them, and the numbers that pandas reads.

Run with pandas: python3 Tests/Fixtures/make_number_texts.py
"""
import io

import pandas

from fixtures import write

COLUMNS = [
    (",", ".", ["0,1257", "-4,6037", "12", "1.234.567,5", "1.234", "+7,25", "1,5e3"]),
    (".", ",", ["0.1257", "-4.6037", "12", "1,234,567.5", "1,234", "+7.25", "1.5e3"]),
    (".", "'", ["1'234.5", "0.5", "12'345'678"]),
    (",", " ", ["1 234,5", "0,5", "12 345 678"]),
    (",", ".", ["0,5", "5.314", "12.345"]),
    (".", ",", ["0.5", "5,314", "12,345"]),
]

columns = []
for decimal, thousands, texts in COLUMNS:
    table = io.StringIO("x\n" + "\n".join(texts) + "\n")
    values = pandas.read_csv(table, sep=";", decimal=decimal, thousands=thousands)["x"]
    columns.append({"texts": texts, "decimal": decimal, "values": [float(value) for value in values]})
write("number_texts.json", __file__, f"pandas {pandas.__version__}", {"columns": columns})
