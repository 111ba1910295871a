-- The leader node's catalogue: the tables of this database, without those behind materialized views.
SELECT CASE WHEN position('.' in n.nspname) > 0 OR position('"' in n.nspname) > 0 THEN quote_ident(n.nspname) ELSE n.nspname::varchar END
       || '.' ||
       CASE WHEN position('.' in c.relname) > 0 OR position('"' in c.relname) > 0 THEN quote_ident(c.relname) ELSE c.relname::varchar END
       AS path,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'v', 'm')
  AND c.relname NOT LIKE 'mv!_tbl!_!_%' ESCAPE '!'
  AND n.nspname NOT IN ('information_schema', 'catalog_history')
  AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!'
  AND has_schema_privilege(n.nspname, 'USAGE')
ORDER BY n.nspname, c.relname
LIMIT 10000
