SELECT CASE WHEN position('.' in n.nspname) > 0 OR position('"' in n.nspname) > 0 THEN quote_ident(n.nspname) ELSE n.nspname END
       || '.' ||
       CASE WHEN position('.' in c.relname) > 0 OR position('"' in c.relname) > 0 THEN quote_ident(c.relname) ELSE c.relname END
       AS path,
       has_table_privilege(c.oid, 'SELECT') AS readable
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg!_%' ESCAPE '!'
  AND has_schema_privilege(n.oid, 'USAGE')
ORDER BY n.nspname, c.relname
LIMIT 10000
