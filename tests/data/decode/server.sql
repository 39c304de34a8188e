-- SPDX-License-Identifier: Apache-2.0
-- Prints the rows of server.txt: what a server's own send functions give for a value, and its own text of
-- that value (in the form of tests/support/value_text.h).
--
--     psql -XAtq -d an_empty_database -f server.sql > server.txt
\set ON_ERROR_STOP on
set timezone = 'UTC';
set datestyle = 'ISO';
set extra_float_digits = 1;
set client_min_messages = warning;
create extension if not exists hstore;
create extension if not exists citext;
create extension if not exists ltree;
create type pg_temp.mood as enum ('sad', 'ok', 'hap py');

-- type: as SQL spells it; spec: as tests/support/pg_type.h does; shown: an expression over x
create temp table cases (number serial, type text, spec text, value text, shown text, options text default '');

insert into cases (type, spec, value, shown)
select 'bool', 'bool', value, 'x' from unnest('{true,false}'::text[]) value;
insert into cases (type, spec, value, shown)
select type, type, value, 'x' from unnest('{int2,int4,int8}'::text[]) type,
       unnest('{0,1,-1,32767,-32768,1000}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'int8', 'int8', value, 'x' from unnest('{9223372036854775807,-9223372036854775808}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'float8', 'float8', value, 'x'
from unnest('{0,-0,1.5,0.1,1e300,-1e-300,123456789.125,2.2250738585072014e-308,1.7976931348623157e308}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'float4', 'float4', value, 'x::float8' from unnest('{0,1.5,0.1,-3.4028235e38,1e-45}'::text[]) value;

-- numerics of every length and sign: the digits of md5 sums
insert into cases (type, spec, value, shown)
select 'numeric', 'numeric', sign || before_point || '.' || after_point, 'trim_scale(x)'
from generate_series(1, 120) i,
     lateral (select repeat(translate(md5(i::text), 'abcdef', '345678'), 2) as digits) d,
     lateral (select left(digits, i * 7 % 39) as b, substr(digits, 20, i * 5 % 39) as a) p,
     lateral (select case when b = '' then '0' else b end as before_point,
                     case when a = '' then '0' else a end as after_point,
                     case i % 3 when 0 then '-' else '' end as sign) q;
insert into cases (type, spec, value, shown)
select format('numeric(%s,%s)', p, s), format('numeric(%s,%s)', p, s),
       sign || left(digits, p - s) || '.' || substr(digits, 30, s), 'x'
from generate_series(1, 18) p, generate_series(0, 9) s,
     lateral (select repeat(translate(md5(p || ',' || s), 'abcdef', '345678'), 2) as digits) d,
     lateral (select case (p + s) % 2 when 0 then '-' else '' end as sign) q
where s < p and (p + s) % 3 = 0;
insert into cases (type, spec, value, shown)
select 'numeric(15,2)', 'numeric(15,2)', value, 'x'
from unnest('{0,0.01,-0.01,0.1,1,9.99,10,100,1000,10000,10000.01,99999999,100000000.5,1234567890123.45,-9999999999999.99}'::text[]) value;
insert into cases (type, spec, value, shown, options)
select 'numeric', 'numeric', value, 'x::float8', 'type=FLOAT64'
from unnest('{0,0.1,-12345.678,1e-300,3.14159265358979323846264338327950288,99999999999999999999999999999999999999999999}'::text[]) value;

insert into cases (type, spec, value, shown)
select 'date', 'date', d::text, 'x'
from generate_series('0001-01-01'::timestamp, '9999-12-31', '97 years 31 days') d(d);
insert into cases (type, spec, value, shown)
select 'date', 'date', value, 'x'
from unnest('{0001-01-01,1582-10-15,1900-02-28,1969-12-31,2000-02-29,2024-02-29,9999-12-31}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'time', 'time', value, 'x'
from unnest('{00:00:00,00:00:00.000001,12:34:56.789,23:59:59.999999}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'timestamp', 'timestamp', value, 'x'
from unnest('{0001-01-01 00:00:00,1969-12-31 23:59:59.999999,1970-01-01,2000-01-01,2024-02-29 12:34:56.5,9999-12-31 23:59:59.999999}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'timestamptz', 'timestamptz', value, 'x at time zone ''UTC'''
from unnest('{0001-01-01 00:00:00+00,1969-12-31 23:59:59.999999+00,2024-06-30 20:00:00-04,2024-02-29 12:34:56.5+05:30,9999-12-31 23:59:59+00}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'timetz', 'timetz', value, 'regexp_replace(x::text, ''([+-]\d\d)$'', ''\1:00'')'
from unnest('{00:00:00+00,12:34:56.789+05:30,23:59:59.999999-15:59,01:02:03+14,24:00:00-08,10:00:00+00:00:01}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'interval', 'interval', value,
       'format(''%s mons %s days %s us'', extract(year from x)::int * 12 + extract(month from x)::int, extract(day from x)::int, '
       '(extract(hour from x)::numeric * 3600000000 + extract(minute from x)::numeric * 60000000 + (extract(second from x) * 1000000)::numeric)::int8)'
from unnest('{0,1 year 2 mons -3 days 04:05:06.7,-1 month,100 days,-00:00:00.000001,9999 years,838:59:59}'::text[]) value;

insert into cases (type, spec, value, shown)
select type, spec, value, 'x'
from (values ('text', 'text'), ('varchar(40)', 'varchar(40)'), ('name', 'name'), ('citext', 'ext:citext')) t(type, spec),
     unnest(array['', 'plain', 'Größe € 𝄞', 'a "quoted" \ one', 'forty bytes of plain text, or a bit less']) value;
insert into cases (type, spec, value, shown)
select 'char(6)', 'bpchar(6)', value, 'x::text' from unnest(array['', 'a', 'ab cd', 'äöüßéx']) value;
insert into cases (type, spec, value, shown)
select '"char"', 'char', value, 'x' from unnest(array['', 'a', '~']) value;
insert into cases (type, spec, value, shown)
select 'pg_temp.mood', 'enum:mood', value, 'x' from unnest(array['sad', 'hap py']) value;
insert into cases (type, spec, value, shown)
select 'uuid', 'uuid', md5(i::text), 'x' from generate_series(1, 5) i;
insert into cases (type, spec, value, shown)
select 'bytea', 'bytea', value, 'encode(x, ''hex'')' from unnest(array['', '\x00ff7f80', 'abc']) value;
insert into cases (type, spec, value, shown)
select 'varbit', 'varbit', translate(left(md5(i::text), i), '23456789abcdef', '01010101010101'), 'x'
from generate_series(0, 32, 3) i;
insert into cases (type, spec, value, shown)
select 'bit(3)', 'bit(3)', value, 'x' from unnest('{000,101,111}'::text[]) value;

insert into cases (type, spec, value, shown)
select type, type, value, 'x::text'
from unnest('{inet,cidr}'::text[]) type,
     unnest('{0.0.0.0,10.0.0.0/8,192.168.1.0/24,255.255.255.255,10.1.2.3/32,::,::1,::2,::ffff:1.2.3.4,::1.2.3.4,::ffff:0:1,1::,1:0:0:2::3,2001:db8::/32,fe80::1:0:0:1,1:2:3:4:5:6:7:8,0:0:1::,1:0:2:0:3:0:4:0,::1:2:3:4:5:6:7}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'inet', 'inet', value, ''
from unnest('{192.168.1.5/24,10.1.2.3,2001:db8::1/64,fe80::1,::ffff:10.0.0.1/96}'::text[]) value;
-- the cast of inet to text always shows the prefix; its output function does not
update cases set shown = 'case when masklen(x) = case family(x) when 4 then 32 else 128 end then host(x) else x::text end'
where type = 'inet';
insert into cases (type, spec, value, shown)
select 'macaddr', 'macaddr', value, 'x' from unnest('{08:00:2b:01:02:03,ff:ff:ff:ff:ff:ff}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'macaddr8', 'macaddr8', value, 'x' from unnest('{08:00:2b:01:02:03:04:05}'::text[]) value;
insert into cases (type, spec, value, shown)
select 'pg_lsn', 'pg_lsn', value, 'x' from unnest('{0/0,16/B374D848,FFFFFFFF/FFFFFFFF,1/A}'::text[]) value;
insert into cases (type, spec, value, shown)
select type, type, value, 'x' from unnest('{oid,xid,cid,xid8}'::text[]) type, unnest('{0,1,4294967295}'::text[]) value;

insert into cases (type, spec, value, shown)
select type, type, value, 'x'
from unnest('{json,jsonb}'::text[]) type,
     unnest(array['{}', '[]', 'null', '"x"', '12', '{"a": {"b": [1, 2.50, true, null, "é\n"]}}', '[{"a": 1}, {"a": 2}]', '"\u20ac"']) value;
insert into cases (type, spec, value, shown)
select 'jsonpath', 'jsonpath', value, 'x' from unnest(array['$.a[*]', 'strict $."x y"']) value;
insert into cases (type, spec, value, shown)
select 'xml', 'xml', value, 'x' from unnest(array['<a b="c">d</a>', 'text']) value;
insert into cases (type, spec, value, shown)
select 'ltree', 'ext:ltree', value, 'x' from unnest(array['Top.Science.Astronomy', '']) value;
insert into cases (type, spec, value, shown)
select 'hstore', 'ext:hstore', value, 'replace(replace(x::json::text, ''": '', ''":''), '', "'', '',"'')'
from unnest(array['', 'a=>1, b=>NULL', '"q\"uote"=>"back\\slash", "é"=>"€"']) value;

insert into cases (type, spec, value, shown)
select 'int4[]', 'int4[]', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['{}', '{1,2,3}', '[5:6]={7,8}']) value;
insert into cases (type, spec, value, shown)
select 'numeric(10,2)[]', 'numeric(10,2)[]', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['{1.5,-2,0}']) value;
insert into cases (type, spec, value, shown)
select 'text[]', 'text[]', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['{a,"b c","",é}']) value;
insert into cases (type, spec, value, shown)
select 'timestamp[]', 'timestamp[]', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['{2024-01-01,2024-02-29 01:02:03.5}']) value;
insert into cases (type, spec, value, shown)
select 'int2vector', 'int2vector', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['', '1 -2 3']) value;
insert into cases (type, spec, value, shown)
select 'oidvector', 'oidvector', value, '''['' || array_to_string(x, '', '') || '']''' from unnest(array['', '1 4294967295']) value;
create type pg_temp.pair as (a int4, b text, c numeric(4,1)[]);
insert into cases (type, spec, value, shown)
select 'pg_temp.pair', '(a int4, b text, c numeric(4,1)[])', value,
       'format(''{%s, %s, [%s]}'', coalesce((x).a::text, ''NULL''), coalesce((x).b, ''NULL''), array_to_string((x).c, '', ''))'
from unnest(array['(1,x,"{1,2.5}")', '(,,{})', '(-5,"a b",{})']) value;

create function pg_temp.row_of(c cases) returns text language plpgsql as $$
declare
    send text := (select typsend from pg_type where oid = c.type::regtype);
    hex text;
    shown text;
begin
    execute format('select encode(%s(x), ''hex''), (%s)::text from (select %L::%s as x) v', send, c.shown, c.value, c.type)
    into hex, shown;
    return rtrim(replace(format('%s | %s | %s | %s', c.spec, c.options, hex, shown), '|  |', '| |'));
end $$;

\echo '# SPDX-License-Identifier: Apache-2.0'
select '# Made by server.sql on PostgreSQL ' || split_part(current_setting('server_version'), ' ', 1)
       || ': type | options | bytes of the send function | the server''s text';
select pg_temp.row_of(c) from cases c order by number;
