-- What \copy writes, as CSV and as text, of the types a table has.
select setseed(0.5);
create table visits (id bigint, at timestamptz, stay interval, ward text, fee numeric(10, 2), insured boolean, remark text, again boolean);
insert into visits
select 9007199254740990 + i, '2022-03-26 23:00+00'::timestamptz + i * interval '5 hours 13 minutes',
	make_interval(mins => (random() * 300)::int), (array['A', 'B', 'C', 'tab	in it'])[1 + (random() * 3.99)::int % 4],
	case when i % 11 = 0 then null else round((random() * 900)::numeric, 2) end,
	case when i % 19 = 0 then null else random() < 0.6 end,
	case i % 3 when 0 then null when 1 then '' else E'a, "b"\\ c' end, random() < 0.4
from generate_series(1, 120) as i;
\copy visits to 'copy.csv' with (format csv, header)
\copy visits to 'copy.txt' with (header)
