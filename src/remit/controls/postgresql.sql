-- What controls tell PostgreSQL differently: a switch is pulled alone, contended rows come late and in one order.

-- name: switch
-- alone

-- name: guard_switches
-- many: s0 text, s1 text, s2 text, s3 text, s4 text, s5 text, s6 text
select v.i from {rows} where not exists (
  select 1 from switches where stopped = 1 and scope in (v.s0, v.s1, v.s2, v.s3, v.s4, v.s5, v.s6))

-- name: count_call
-- rank: 70
-- Of several calls under one key all are counted, or none is and each is tried alone.
-- many: key text, "window" bigint, most bigint
with v as materialized (select * from {rows}),
  w as materialized (select key, min("window") as "window", count(*) as calls, min(most) as most from v
    group by key having min("window") = max("window")),
  done as (
    insert into rates (key, "window", calls) select key, "window", calls from w where calls <= most order by key
    on conflict (key) do update set
      calls = case when excluded."window" > rates."window" then excluded.calls else rates.calls + excluded.calls end,
      "window" = greatest(rates."window", excluded."window")
    where excluded."window" > rates."window"
      or rates.calls + excluded.calls <= (select w.most from w where w.key = excluded.key)
    returning key)
select v.i from v join done on done.key = v.key

-- name: take_lock
-- rank: 80

-- name: take_lock
-- Of several who want one resource none gets it here; they are tried one after the other.
-- many: resource text, holder text, until bigint, now bigint, seen bigint
with v as materialized (select * from {rows}),
  w as materialized (select resource, min(holder) as holder, min(until) as until, min(now) as now, min(seen) as seen
    from v group by resource having count(*) = 1),
  done as (
    insert into locks (resource, holder, fence, until) select resource, holder, 1, until from w order by resource
    on conflict (resource) do update set holder = excluded.holder, fence = locks.fence + 1, until = excluded.until
    where (locks.holder is null or locks.until <= (select w.now from w where w.resource = excluded.resource)
        or locks.holder = excluded.holder)
      and (select w.seen < 0 or w.seen = locks.fence from w where w.resource = excluded.resource)
    returning resource, fence)
select v.i, done.resource, done.fence from v join done on done.resource = v.resource

-- name: open_places
-- rank: 81

-- name: take_place
-- rank: 82
-- Places that others take at this moment are passed over: any other one is as good.
update locks set holder = :holder, fence = fence + 1, until = :until where resource = (
  select resource from locks where resource in (select value from json_each(:places))
    and (holder is null or until <= :now or holder = :holder)
  order by case when holder = :holder then 0 else 1 end, resource limit 1 for no key update skip locked)
returning resource, fence

-- name: release_lock
-- rank: 80
-- many: resource text, holder text
with v as materialized (select * from {rows}),
  held as materialized (select resource from locks where resource in (select v.resource from v)
    order by resource for no key update)
update locks set holder = null from v join held on held.resource = v.resource
where locks.resource = v.resource and locks.holder = v.holder returning v.i
