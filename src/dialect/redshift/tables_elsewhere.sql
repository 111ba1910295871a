-- External tables, and those of datashares: whoever may not read one is not shown it.
SELECT CASE WHEN position('.' in schema_name) > 0 OR position('"' in schema_name) > 0
            THEN '"' || replace(schema_name, '"', '""') || '"' ELSE schema_name END
       || '.' ||
       CASE WHEN position('.' in table_name) > 0 OR position('"' in table_name) > 0
            THEN '"' || replace(table_name, '"', '""') || '"' ELSE table_name END
       AS path,
       't' AS readable
FROM svv_all_tables
WHERE database_name = current_database()
  AND (upper(table_type) LIKE '%EXTERNAL%' OR upper(table_type) LIKE '%SHARED%')
  AND schema_name NOT LIKE 'pg!_%' ESCAPE '!'
  AND schema_name NOT IN ('information_schema', 'catalog_history')
ORDER BY schema_name, table_name
LIMIT 10000
