SELECT column_name AS name, data_type AS type, schema_name, table_name
FROM svv_all_columns
WHERE database_name = current_database()
  AND CASE WHEN position('.' in schema_name) > 0 OR position('"' in schema_name) > 0
           THEN '"' || replace(schema_name, '"', '""') || '"' ELSE schema_name END
      || '.' ||
      CASE WHEN position('.' in table_name) > 0 OR position('"' in table_name) > 0
           THEN '"' || replace(table_name, '"', '""') || '"' ELSE table_name END
      = $PATH
ORDER BY ordinal_position
