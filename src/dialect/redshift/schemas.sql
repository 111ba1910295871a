-- The has_*_privilege functions are the leader node's: they cannot be had together with svv_* and stv_*, so this asks
-- PostgreSQL's old catalogue, which has the tables of this database and no external or shared ones. By its OID, since
-- the name of a table in a schema without USAGE is an error. LISTAGG works on tables of users only: of the tables
-- without SELECT, and of the owners, the first and the last are told. Materialized views have a table behind them.
select nspname,
       has_schema_privilege(nspname, 'USAGE'),
       count(relname),
       sum(case when readable then 1 else 0 end),
       '["' || replace(min(case when not readable then relname end), '"', chr(92) || '"') || '","'
            || replace(max(case when not readable then relname end), '"', chr(92) || '"') || '"]',
       null,
       sum(case when writable then 1 else 0 end),
       '["' || replace(min(case when readable and foreign_owner then owner end), '"', chr(92) || '"') || '","'
            || replace(max(case when readable and foreign_owner then owner end), '"', chr(92) || '"') || '"]'
  from (select n.nspname::varchar as nspname,
               c.relname::varchar as relname,
               has_table_privilege(c.oid, 'SELECT') as readable,
               has_table_privilege(c.oid, 'INSERT') or has_table_privilege(c.oid, 'UPDATE')
                 or has_table_privilege(c.oid, 'DELETE') as writable,
               pg_get_userbyid(c.relowner)::varchar as owner,
               pg_get_userbyid(c.relowner) <> current_user as foreign_owner
          from pg_namespace as n
          left join pg_class as c
                 on c.relnamespace = n.oid
                and c.relkind in ('r', 'v', 'm')
                and c.relname not like 'mv!_tbl!_!_%' escape '!'
         where n.nspname not like 'pg!_%' escape '!'
           and n.nspname not in ('information_schema', 'catalog_history')) as tables
 group by nspname
 order by nspname
