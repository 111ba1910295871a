select n.nspname,
       has_schema_privilege(n.oid, 'USAGE'),
       count(c.oid),
       count(c.oid) filter (where has_table_privilege(c.oid, 'SELECT')),
       to_json((array_agg(c.relname order by c.relname)
                filter (where not has_table_privilege(c.oid, 'SELECT')))[1:5]),
       to_json((array_agg(c.relname order by c.relname)
                filter (where c.relrowsecurity and row_security_active(c.oid)))[1:100])
  from pg_namespace as n
  left join pg_class as c
         on c.relnamespace = n.oid
        and c.relkind in ('r', 'p', 'f', 'v', 'm')
        and not c.relispartition
 where n.nspname not like 'pg\_%'
   and n.nspname <> 'information_schema'
 group by n.oid, n.nspname
 order by n.nspname
