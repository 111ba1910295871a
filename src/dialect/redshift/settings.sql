-- What ALTER USER has set. There is no unnest: an entry of the array at a time, for as many as anybody has.
select split_part(entry, '=', 1),
       substring(entry from position('=' in entry) + 1),
       't',
       'f',
       case split_part(entry, '=', 1)
         when 'search_path' then array_to_string(current_schemas(false), ', ')
         else current_setting(split_part(entry, '=', 1))
       end
  from (select useconfig[i] as entry
          from pg_user, generate_series(1, 20) as i
         where usename = current_user) as entries
 where split_part(entry, '=', 1) in ('search_path', 'statement_timeout', 'idle_session_timeout')
