"""Writes one table with pandas, pyarrow, polars, fastparquet, DuckDB, numpy, openpyxl and sqlite3.

pip install pandas pyarrow polars fastparquet duckdb numpy openpyxl; python3 make.py
DuckDB's Python package stands for its command-line program: both are the same library.
"""
import datetime, decimal, json, sqlite3

import duckdb, fastparquet, numpy, openpyxl, pandas, polars, pyarrow
import pyarrow.feather, pyarrow.ipc, pyarrow.parquet

rng = numpy.random.default_rng(7)
n = 60
start = datetime.datetime(2024, 1, 1)
rows = []
for i in range(n):
    number = None if i % 13 == 5 else round(float(rng.normal()), 4)
    cat = None if i % 17 == 3 else ["red", "green", "blue, dark", 'a "quoted" one'][int(rng.integers(4))]
    flag = None if i % 19 == 7 else bool(rng.integers(2))
    single = numpy.float32(round(float(rng.normal()), 3))
    rows.append(dict(
        num=number, whole=int(rng.integers(-5, 1000)), single=single,
        price=decimal.Decimal(int(rng.integers(100, 99999))) / 100, cat=cat, flag=flag,
        day=(start + datetime.timedelta(days=int(rng.integers(700)))).date(),
        moment=start + datetime.timedelta(seconds=int(rng.integers(7e7))),
        y=round((number or 0) * 2 + float(single) + (1 if cat == "red" else 0), 3)))

schema = pyarrow.schema([
    ("num", pyarrow.float64()), ("whole", pyarrow.int64()), ("single", pyarrow.float32()), ("price", pyarrow.decimal128(8, 2)),
    ("cat", pyarrow.dictionary(pyarrow.int32(), pyarrow.string())), ("flag", pyarrow.bool_()), ("day", pyarrow.date32()),
    ("moment", pyarrow.timestamp("us")), ("y", pyarrow.float64())])
names = schema.names
table = pyarrow.Table.from_pylist(rows, schema=schema)
plain = table.set_column(4, "cat", table["cat"].cast(pyarrow.string()))

frame = table.to_pandas()
frame["day"] = pandas.to_datetime(frame["day"])
frame["flag"] = frame["flag"].astype("boolean")
frame["price"] = frame["price"].astype(float)
frame.to_csv("people.csv", index=False)
frame.iloc[:25].to_csv("part1.csv", index=False)
frame.iloc[25:][names[::-1]].to_csv("part2.csv", index=False)

pq = pyarrow.parquet
pq.write_table(table, "pyarrow.parquet", row_group_size=25)
pq.write_table(plain, "plain-v2-zstd.parquet", compression="zstd", data_page_version="2.0", use_dictionary=False, data_page_size=200)
pq.write_table(plain, "delta-gzip.parquet", compression="gzip", use_dictionary=False, version="2.6", column_encoding={
    "num": "BYTE_STREAM_SPLIT", "single": "BYTE_STREAM_SPLIT", "whole": "DELTA_BINARY_PACKED", "cat": "DELTA_BYTE_ARRAY",
    "day": "DELTA_BINARY_PACKED", "moment": "DELTA_BINARY_PACKED", "flag": "RLE", "y": "PLAIN"})
pq.write_table(plain, "length-lz4.parquet", compression="lz4", use_dictionary=False, column_encoding={"cat": "DELTA_LENGTH_BYTE_ARRAY"})
pq.write_table(plain, "int96-none.parquet", compression="none", use_deprecated_int96_timestamps=True)
frame.to_parquet("pandas.parquet")
fastparquet.write("fastparquet.parquet", frame.astype({"day": "datetime64[ns]"}), compression="SNAPPY")  # of seconds it writes another unit than it says
polars.from_arrow(table).write_parquet("polars.parquet")
duckdb.sql("copy plain to 'duckdb.parquet' (format parquet)")

pyarrow.feather.write_feather(table, "pyarrow.arrow", compression="zstd", chunksize=25)
pyarrow.feather.write_feather(plain, "lz4.arrow", compression="lz4")
with pyarrow.ipc.new_stream("stream.arrows", schema) as out:
    for batch in table.to_batches(max_chunksize=25):
        out.write_batch(batch)
polars.from_arrow(table).write_ipc("polars.arrow")

text = [{k: (v.isoformat() if isinstance(v, datetime.date) else float(v) if isinstance(v, (numpy.float32, decimal.Decimal)) else v)
         for k, v in r.items()} for r in plain.to_pylist()]
for r in text:
    r["single"] = float(str(numpy.float32(r["single"])))
with open("python.jsonl", "w") as out:
    out.write("".join(json.dumps(r) + "\n" for r in text))
with open("records.json", "w") as out:
    json.dump(text, out)
polars.from_arrow(plain).with_columns(polars.col("price").cast(polars.Float64)).write_ndjson("polars.ndjson")
duckdb.sql("copy (select * replace (single::varchar::double as single) from plain) to 'duckdb.jsonl' (format json)")

book = openpyxl.Workbook()
book.active.title = "notes"
book.active.append(["nothing", "here"])
sheet = book.create_sheet("people")
sheet.append(names)
for r in plain.to_pylist():
    sheet.append([float(str(numpy.float32(v))) if k == "single" else float(v) if isinstance(v, decimal.Decimal) else v for k, v in r.items()])
book.save("openpyxl.xlsx")
excel = frame.copy()
excel["single"] = excel["single"].map(lambda x: float(str(numpy.float32(x))))
excel.to_excel("pandas.xlsx", index=False, sheet_name="people")

numpy.savez("numpy.npz", num=frame["num"].to_numpy(), whole=frame["whole"].to_numpy(), single=frame["single"].to_numpy(),
            price=frame["price"].to_numpy(), cat=numpy.array([r["cat"] or "" for r in rows]),
            flag=numpy.array([{True: "true", False: "false", None: ""}[r["flag"]] for r in rows]),
            day=numpy.array([r["day"] for r in rows], "datetime64[D]"), moment=numpy.array([r["moment"] for r in rows], "datetime64[us]"),
            y=frame["y"].to_numpy())
numpy.savez_compressed("pickled.npz", cat=numpy.array([r["cat"] for r in rows], dtype=object))
record = numpy.zeros(n, [("num", "f8"), ("whole", "i8"), ("single", ">f4"), ("price", "f8"), ("cat", "U20"), ("flag", "U5"),
                         ("day", "M8[D]"), ("moment", "M8[s]"), ("y", "f8")])
for k in names:
    record[k] = [{None: numpy.nan if k == "num" else "", True: "true", False: "false"}.get(r[k], r[k]) if k in ("num", "cat", "flag") else r[k] for r in rows]
numpy.save("numpy.npy", record)
numpy.save("matrix.npy", numpy.arange(12.0).reshape(4, 3))

import os
if os.path.exists("people.db"):
    os.remove("people.db")
db = sqlite3.connect("people.db")
db.execute("create table people (num real, whole integer, single real, price decimal(8,2), cat text, flag boolean, day date, moment timestamp, y real)")
db.executemany("insert into people values (?,?,?,?,?,?,?,?,?)", [
    [float(str(r["single"])) if k == "single" else float(r[k]) if k == "price" else str(r[k]) if k in ("day", "moment") else r[k] for k in names] for r in rows])
db.commit()
db.execute("vacuum")
db.close()

# What is refused.
pq.write_table(pyarrow.table({"a": [[1, 2], [3]], "b": [1, 2]}), "list.parquet")
pq.write_table(pyarrow.table({"a": [{"x": 1}, {"x": 2}], "b": [1, 2]}), "struct.parquet")
pq.write_table(pyarrow.table({"a": ["x"] * 2000, "b": list(range(2000))}), "brotli.parquet", compression="brotli")
pyarrow.feather.write_feather(pyarrow.table({"a": [[1, 2], [3]], "b": [1, 2]}), "list.arrow", compression="uncompressed")
# What is left out: columns that are not cells, among those that are.
length = 24
spoiled = pyarrow.table({
    "x": pyarrow.array([i % 7 / 2 for i in range(length)]),
    "list": pyarrow.array([[float(i)] * (i % 3) if i % 5 else None for i in range(length)]),
    "words": pyarrow.array([["a", "b"][: i % 3] for i in range(length)], pyarrow.list_(pyarrow.dictionary(pyarrow.int8(), pyarrow.string()))),
    "struct": pyarrow.array([{"a": i, "b": {"c": str(i), "d": [i]}} for i in range(length)]),
    "map": pyarrow.array([[("k", i)] for i in range(length)], pyarrow.map_(pyarrow.string(), pyarrow.int64())),
    "pair": pyarrow.array([[i, i + 1] for i in range(length)], pyarrow.list_(pyarrow.int32(), 2)),
    "bytes": pyarrow.array([bytes([i, 255]) for i in range(length)]),
    "span": pyarrow.array([i * 1000 for i in range(length)], pyarrow.duration("ms")),
    "color": pyarrow.array([["red", "blue"][i % 2] for i in range(length)]).dictionary_encode(),
    "y": pyarrow.array([i % 7 / 2 + i % 2 for i in range(length)]),
})
pq.write_table(spoiled, "spoiled.parquet", row_group_size=10)
spoiled = spoiled.append_column("fixed", pyarrow.array([bytes([i] * 3) for i in range(length)], pyarrow.binary(3)))
spoiled = spoiled.append_column("either", pyarrow.UnionArray.from_dense(
    pyarrow.array([i % 2 for i in range(length)], pyarrow.int8()), pyarrow.array([i // 2 for i in range(length)], pyarrow.int32()),
    [pyarrow.array(range(length // 2)), pyarrow.array([str(i) for i in range(length // 2)])]))
spoiled = spoiled.append_column("runs", pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([10, length]), pyarrow.array([1.5, 2.5])))
spoiled = spoiled.append_column("views", pyarrow.array([["long enough to stand elsewhere"] for i in range(length)], pyarrow.list_(pyarrow.string_view())))
spoiled = spoiled.select([c for c in spoiled.column_names if c not in ("color", "y")] + ["color", "y"])
with pyarrow.ipc.new_stream("spoiled.arrows", spoiled.schema) as out:
    for batch in spoiled.combine_chunks().to_batches():
        out.write_batch(batch)
numpy.savez("spoiled.npz", x=numpy.arange(6.0), cube=numpy.zeros((6, 2, 2)), z=numpy.arange(6) * 1j, words=numpy.array(["a", None] * 3, dtype=object),
            span=numpy.arange(6).astype("timedelta64[s]"), version=numpy.array(3), y=numpy.arange(6.0))
fields = numpy.zeros(6, numpy.dtype([("x", "f8"), ("z", "c16"), ("place", [("east", "i1"), ("north", "f8")]), ("pair", "f4", (2,)),
                                     ("small", "i1"), ("y", "f8")], align=True)) # with unnamed bytes after small
fields["x"] = fields["y"] = fields["small"] = range(6)
numpy.save("spoiled.npy", fields)
# Whole numbers that are categories.
codes = pandas.DataFrame({"code": pandas.Categorical([10, 20, 30] * 8), "y": [1.0, 2, 3] * 8})
codes.to_parquet("codes.parquet")
pyarrow.feather.write_feather(codes, "codes.arrow", compression="uncompressed")
