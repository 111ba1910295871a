with covered as (
  -- Whose tables of the future can be read, and in which schema (0: in all).
  select d.defaclrole, d.defaclnamespace
    from pg_default_acl as d, aclexplode(d.defaclacl) as a
   where d.defaclobjtype = 'r'
     and a.privilege_type = 'SELECT'
     and case when a.grantee = 0 then true else pg_has_role(a.grantee, 'USAGE') end
)
select n.nspname,
       has_schema_privilege(n.oid, 'USAGE'),
       count(c.oid),
       count(c.oid) filter (where has_table_privilege(c.oid, 'SELECT')),
       to_json((array_agg(c.relname order by c.relname)
                filter (where not has_table_privilege(c.oid, 'SELECT')))[1:5]),
       to_json((array_agg(c.relname order by c.relname)
                filter (where c.relrowsecurity and row_security_active(c.oid)))[1:100]),
       count(c.oid) filter (where has_table_privilege(c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')),
       to_json((array_agg(distinct pg_get_userbyid(c.relowner))
                filter (where has_table_privilege(c.oid, 'SELECT')
                          and not pg_has_role(c.relowner, 'USAGE')
                          and not exists (select from covered
                                           where defaclrole = c.relowner
                                             and defaclnamespace in (0, n.oid))))[1:5])
  from pg_namespace as n
  left join pg_class as c
         on c.relnamespace = n.oid
        and c.relkind in ('r', 'p', 'f', 'v', 'm')
        and not c.relispartition
 where n.nspname not like 'pg\_%'
   and n.nspname <> 'information_schema'
 group by n.oid, n.nspname
 order by n.nspname
