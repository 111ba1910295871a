select version(),
       pg_is_in_recovery(),
       current_setting('transaction_read_only') = 'on',
       -- A role without pg_read_all_stats sees the rows of others without their backend_type.
       (select count(*)
          from pg_stat_get_activity(null) as activity
         where activity.datid is not null
           and coalesce(activity.backend_type, 'client backend') = 'client backend'),
       current_setting('max_connections')::int,
       current_setting('superuser_reserved_connections')::int
         + coalesce(current_setting('reserved_connections', true)::int, 0),
       pg_backend_pid()
