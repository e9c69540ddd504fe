#!/bin/sh
# Writes the tables of this folder by the programs whose habits they hold: pandas, openpyxl with
# LibreOffice, R and PostgreSQL. Needs python3 with pandas and openpyxl ($PYTHON), soffice, Rscript and
# PostgreSQL's initdb and pg_ctl ($PGBIN, run as the user postgres).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
chmod 777 "$work"
${PYTHON:-python3} "$here/make.py" "$work"

# LibreOffice: semicolons, Windows-1252 (code page 1), German numbers (language 1031), cells as shown.
(cd "$work" && soffice --headless -env:UserInstallation=file://"$work"/profile --convert-to \
	'csv:Text - txt - csv (StarCalc):59,34,1,1,,1031,false,true' sheet.xlsx >/dev/null)
{ printf 'sep=;\r\n'; sed 's/\r*$/\r/' "$work/sheet.csv"; } >"$here/calc.csv" # the first line as Excel has it

Rscript - "$here" <<'R'
set.seed(4)
n <- 60
d <- data.frame(row.names = sample(1000:9999, n), when = as.Date("2020-01-01") + sample(700, n), size = round(rnorm(n, 10, 3), 2),
  weight = round(runif(n, 0, 2000), 1), kind = sample(c("A", "B", NA), n, TRUE), ok = runif(n) < .5)
d$size[5] <- NaN
d$size[9] <- NA
d$price <- round(100 + 3 * d$size + ifelse(d$ok, 20, 0), 2)
d$price[is.na(d$price)] <- 130.5
write.csv2(d, file.path(commandArgs(TRUE)[1], "r.csv"))
R

chown -R postgres "$work"
pg() { su postgres -c "PGHOST='$work' $*"; }
bin=${PGBIN:-/usr/lib/postgresql/15/bin}
pg "$bin/initdb -D '$work/db' -E UTF8 --locale=C >/dev/null"
pg "$bin/pg_ctl -D '$work/db' -o \"-k '$work' -c listen_addresses=''\" -w start >/dev/null"
cp "$here/make.sql" "$work/make.sql"
(cd "$work" && pg "psql -q -v ON_ERROR_STOP=1 -d postgres -f '$work/make.sql'")
pg "$bin/pg_ctl -D '$work/db' -m fast stop >/dev/null"
cp "$work/copy.csv" "$work/copy.txt" "$here/"
cp "$work/pandas.csv" "$here/"
rm -rf "$work"
