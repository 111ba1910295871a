-- In the order of precedence (manual, section 20.1.3): the first of each name is in force.
-- Views and sorts by name cost a new session a millisecond, so there are none.
select name,
       value,
       setrole <> 0,
       setdatabase <> 0,
       case name
         when 'search_path' then array_to_string(current_schemas(false), ', ')
         else current_setting(name, true)
       end
  from pg_db_role_setting,
       unnest(setconfig) as entry,
       substr(entry, 1, strpos(entry, '=') - 1) as name,
       substr(entry, strpos(entry, '=') + 1) as value
 where setdatabase in (0, (select datid from pg_stat_get_activity(pg_backend_pid())))
   and setrole in (0, quote_ident(session_user)::regrole)
   and name in ('role', 'search_path', 'statement_timeout', 'lock_timeout', 'transaction_timeout',
                'idle_session_timeout', 'idle_in_transaction_session_timeout', 'default_transaction_read_only')
 order by setrole = 0, setdatabase = 0
