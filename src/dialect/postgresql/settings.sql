-- In the order of precedence (manual, section 20.1.3); the first of each name is in force.
select distinct on (name)
       name,
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
 where setdatabase in (0, (select oid from pg_database where datname = current_database()))
   and setrole in (0, (select oid from pg_roles where rolname = session_user))
   and name in ('role', 'search_path', 'statement_timeout', 'lock_timeout', 'transaction_timeout',
                'idle_session_timeout', 'idle_in_transaction_session_timeout')
 order by name, setrole = 0, setdatabase = 0
