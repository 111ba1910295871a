select current_setting('is_superuser') = 'on',
       -- The role is there from PostgreSQL 14 on.
       exists (select from pg_roles where rolname = 'pg_read_all_data' and pg_has_role(oid, 'USAGE'))
