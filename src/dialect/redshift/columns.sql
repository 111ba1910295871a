SELECT a.attname AS name, t.typname AS type, n.nspname AS schema_name, c.relname AS table_name
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'v', 'm')
  AND a.attnum > 0 AND NOT a.attisdropped
  AND has_schema_privilege(n.nspname, 'USAGE')
  AND CASE WHEN position('.' in n.nspname) > 0 OR position('"' in n.nspname) > 0 THEN quote_ident(n.nspname) ELSE n.nspname::varchar END
      || '.' ||
      CASE WHEN position('.' in c.relname) > 0 OR position('"' in c.relname) > 0 THEN quote_ident(c.relname) ELSE c.relname::varchar END
      = $PATH
ORDER BY a.attnum
