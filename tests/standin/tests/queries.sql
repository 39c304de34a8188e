-- Queries that test_sql_reference.py runs on the stand-in and on Google's reference engine, one a line.
-- `t` is the table of that file: integers, text, timestamps, dates, decimals, floats with NaN, arrays, structs, JSON, bytes, NULLs.
select id, s from t order by id
select * from t where id=1
select id, count(*) c, sum(n) sn, avg(n) an, min(f), max(f) from t group by id order by id
select id, x, o from t, unnest(a) x with offset o order by 1,2
select id, (select sum(x) from unnest(a) x) from t order by 1
select id, array(select x*2 from unnest(a) x order by x desc) from t order by 1
select st.x, st, struct(id as q, s) from t order by id
select row_number() over (order by f) r, id, sum(id) over (order by id rows between 1 preceding and current row) from t order by id
select id from t qualify row_number() over (partition by id>1 order by id desc)=1 order by id
select f=f, f<1, f<>f, f is null from t order by id
select id/2, div(id,2), mod(id,2), id*1.5, n*n, n/3, bn*bn, bn/7, bn+bn, -bn from t order by id
select upper(s), substr(s,2), concat(s,'x'), s like '%e', length(s), regexp_extract(s,'[a-z]+') from t order by id
select cast(f as string), cast(n as string), cast(ts as string), cast(id as string), cast(n as int64), safe_cast(s as int64) from t order by id
select date(ts), timestamp_trunc(ts, day), timestamp_trunc(ts, month), date_trunc(d, month), date_add(d, interval 1 month), extract(year from d), format_timestamp('%F %T', ts) from t order by id
select json_value(j,'$.k[0]'), j.k, to_json_string(t), to_json(st) from t order by id
select coalesce(s,'none'), if(id=1,'a','b'), case id when 1 then 'x' when 2 then 'y' end, nullif(id,1), ifnull(s,'z') from t order by id
with w as (select id, id+1 nx from t) select a.id, b.nx from w a join w b on a.nx=b.id order by 1
with recursive r as (select 1 n union all select n+1 from r where n<5) select n from r order by n
select id from t where id in (select id+1 from t) order by id
select id from t where exists(select 1 from unnest(a) x where x=9)
select t1.id, t2.id as other from t t1 left join t t2 on t1.id=t2.id+1 order by 1
select t1.id, t2.id as other from t t1 full join t t2 on t1.id=t2.id+1 order by 1,2
select id from t union all select 7 union all select 8 order by 1
select distinct id>1 from t order by 1
select string_agg(s, '|' order by id), array_agg(s ignore nulls order by id desc), array_agg(id order by id limit 2) from t
select array[1,2,3][offset(1)], [1,2][safe_offset(9)], array_length([1,2])
select generate_array(1,5), array_to_string(['a','b'],','), array_reverse([1,2,3])
select timestamp_diff(ts, timestamp '2020-01-01', second), datetime_diff(dt, datetime '2020-01-01', day), tm, dt, time_add(tm, interval 1 second) from t order by id
select md5(s), to_hex(sha256(s)), farm_fingerprint(s), to_base64(b) from t order by id
select interval 1 month, interval '1-2 3 4:5:6.789' year to second, make_interval(1,2,3)
select safe_divide(id,0), ieee_divide(id,0) from t order by id
select array(select as struct id, s from t order by id)
select (select as struct 1 a, 'x' b).a
select count(distinct s), countif(id>1), logical_and(id>0), bit_xor(id) from t
select id, lag(id) over (order by id), lead(id,1,0) over (order by id), first_value(s) over(order by id), nth_value(id,2) over (order by id rows between unbounded preceding and unbounded following), ntile(2) over (order by id), percent_rank() over (order by id) from t order by id
select * from (select id, s from t) pivot(count(*) for id in (1,2,3)) order by 1
select id, array_filter(a, e->e>1), array_transform(a, e->e+id) from t order by id
select * except(a,st,j,b,bn) replace(id*2 as id) from t order by id
select 1 a, 2 b intersect distinct select 1,2
select t.id from t, (select max(id) m from t) where id=m
select id, sum(id) from t group by rollup(id) order by id
select cast('2020-01-01 10:00:00+02' as timestamp), timestamp('2020-01-01','Europe/Berlin'), datetime(timestamp '2020-07-01 00:00:00+00','Europe/Berlin')
select round(n), round(n,1), trunc(n), ceil(f), floor(f), greatest(id,2), least(id,2), sign(n), pow(2,id), sqrt(4) from t order by id
select range(date '2020-01-01', date '2021-01-01')
select split('a,b,c',','), 'a' || 'b', b'abc' || b'd', r'\d', """multi"""
select format('%d %s %t', id, s, d) from t order by id
select generate_date_array(date '2020-01-01', date '2020-01-03')
select sum(f), avg(f), stddev(id) from t
select j is null, json_query(j,'$.k'), parse_json('{"b":1,"a":2}'), json_type(j) from t order by id
select if(id=1, 10/(id-2), 0), if(id=2, 0, 1/(id-2)) from t order by id
select id from t where s like '%\\_%' or s like 'o%'
select st from t where st = struct(1,'a')
select distinct st.x from t group by st.x order by 1
select t.* from t join t as u using (id) order by id
select id, sum(id) from t group by rollup(id) order by id
select id, s, sum(id) from t group by cube(id, s) order by 1,2,3
select id, s, count(*) from t group by grouping sets((id),(s),()) order by 1,2,3
select any_value(s having max id), any_value(s having min id) from t
select 1 from t where f > 1 or s = 'x'
select id, e from t left join t.a e order by 1,2
select array_agg(distinct s order by s) from t where s is not null
select id from t order by s desc nulls first, id
select f from t order by f
select f from t order by f desc
select count(*) from t having count(*)>1
select (select max(x) from unnest(t.a) x) m from t where exists(select 1 from unnest(t.a) y where y=t.id)
select st.* from t order by 1
select id, case when f is null then 'n' when f>0 then 'p' else 'm' end from t order by id
select array(select distinct x from unnest([1,1,2]) x order by x)
select extract(dayofweek from d), extract(week from d), extract(isoweek from d), extract(date from ts), extract(hour from ts at time zone 'Asia/Tokyo'), date_trunc(d, week), date_trunc(d, isoweek), last_day(d), date_diff(d, date '2019-01-01', week(monday)) from t order by id
select cast(id as numeric), cast(id as bignumeric), cast(n as bignumeric), cast(d as timestamp), cast(ts as date), cast(dt as date), cast(dt as timestamp), cast(true as string), cast('1' as bytes), cast(d as string), cast(id as bool) from t order by id
select sum(bn), max(bn), min(n), avg(bn) from t
select struct(1,'a')=struct(1,'a'), struct(1,cast(null as string))=struct(1,'a')
select id in (1,null), id not in (1,2), 'a' in unnest(['a','b']) from t order by id
select format('%t', st), to_json_string(struct(f, n, ts)) from t order by id
select date '2020-01-31' + interval 1 month, ts + interval 1 hour, ts - ts from t order by id
select regexp_contains(s,'o'), regexp_replace(s,'o','0'), lower(s), trim(s), lpad(s,6,'*'), reverse(s), initcap(s), left(s,2), instr(s,'e'), split(s,'e') from t order by id
select json_extract_scalar('{"a":"b"}','$.a'), json_value(j,'$.k[1]'), int64(j.k[0]) from t where id=1
select greatest(1,2.5), if(true, 1, 2.5), coalesce(null, 1.5, 2)
select sum(x) from unnest([1,2,3]) x where x between 1 and 2
select a.id from t a cross join t b where a.id<b.id order by 1
select * from unnest([struct(1 as a,'x' as b),(2,'y')]) order by a
select id, row_number() over w, sum(id) over w from t window w as (order by id) order by id
select first_value(s ignore nulls) over (order by id), last_value(id) over (order by id), lag(s,1,'d') over (order by id) from t order by id
select distinct a.x from (select 1 x union all select 1) a
select 1 except distinct select 2
with a as (select 1 x), b as (select x+1 y from a) select * from a, b
select substr('hello', -3), substr('hello', 0, 2), concat('a', 'b', 'c'), length(b'abc'), byte_length('é'), ascii('a'), code_points_to_string([65]), chr(66)
select bit_count(7), 5 & 3, 5 | 3, 5 ^ 3, ~5, 1 << 3, 16 >> 2
select safe.substr('a', 0, -1), safe_cast('x' as date), safe_add(9223372036854775807, 1)
