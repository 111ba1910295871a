SELECT a.attname AS name, t.typname AS type, n.nspname AS schema_name, c.relname AS table_name
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid
JOIN pg_catalog.pg_type d ON d.oid = a.atttypid
JOIN pg_catalog.pg_type t ON t.oid = CASE WHEN d.typtype = 'd' AND d.typbasetype <> 0 THEN d.typbasetype ELSE d.oid END
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  AND a.attnum > 0 AND NOT a.attisdropped
  AND has_schema_privilege(n.oid, 'USAGE')
  AND CASE WHEN position('.' in n.nspname) > 0 OR position('"' in n.nspname) > 0 THEN quote_ident(n.nspname) ELSE n.nspname END
      || '.' ||
      CASE WHEN position('.' in c.relname) > 0 OR position('"' in c.relname) > 0 THEN quote_ident(c.relname) ELSE c.relname END
      = $PATH
ORDER BY a.attnum
