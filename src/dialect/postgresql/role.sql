select current_setting('is_superuser') = 'on',
       -- The role is there from PostgreSQL 14 on; before, this is NULL.
       coalesce(pg_has_role(to_regrole('pg_read_all_data'), 'USAGE'), false)
