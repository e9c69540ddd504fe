"""Writes pandas.csv, as DataFrame.to_csv has it, and sheet.xlsx, which LibreOffice turns into CSV."""
import random
import sys

import openpyxl
import pandas as pd

out = sys.argv[1]
random.seed(1)

# pandas: rows were filtered and shuffled, so the index has gaps and no order; times have a zone.
n = 120
frame = pd.DataFrame({
    "when": pd.date_range("2020-03-28 22:30", periods=n, freq="7h", tz="Europe/Berlin"),
    "load": [None if i % 17 == 3 else round(random.gauss(50, 12), 3) for i in range(n)],
    "site": random.choices(["north", "south, old", 'the "hut"'], k=n),
    "flag": random.choices([True, False], k=n),
    "note": [None] * n,
})
frame["cost"] = (frame["load"].fillna(50) * 2.5 + frame["flag"] * 30).round(2)
frame = frame[frame["load"].isna() | (frame["load"] > 35)].sample(frac=1, random_state=2)
frame.to_csv(out + "/pandas.csv")

# A spreadsheet: a formula's error, percentages, currency, dates, umlauts, a sum below the rows.
book = openpyxl.Workbook()
sheet = book.active
sheet.append(["Datum", "Größe", "Anteil", "Preis", "Straße", "Note", "Käufer"])
for i in range(60):
    row = i + 2
    sheet.append([
        pd.Timestamp("2021-01-31").to_pydatetime() + pd.Timedelta(days=3 * i), round(random.uniform(1, 3000), 2), random.randint(1, 99) / 100,
        round(random.uniform(5, 900), 2), random.choice(["Hauptstraße", "Am Öhr", "Ring"]), random.randint(1, 6), random.choice(["ja", "nein"]),
    ])
    sheet.cell(row, 1).number_format = "DD.MM.YYYY"
    sheet.cell(row, 2).number_format = "[$-407]#,##0.00"
    sheet.cell(row, 3).number_format = "0%"
    sheet.cell(row, 4).number_format = '[$-407]#,##0.00 "€"'
    if i % 13 == 4:
        sheet.cell(row, 2).value = "=NA()"
    if i % 29 == 7:
        sheet.cell(row, 4).value = "=1/0"
sheet.append(["Total", "=SUM(B2:B61)"])
book.save(out + "/sheet.xlsx")
