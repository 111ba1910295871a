-- No table is named, so the leader node answers alone, where these functions are.
-- STV_SESSIONS shows an ordinary user no sessions but its own, and no view tells the limit: neither is asked for.
-- There are no standbys, and a session may write unless it says otherwise.
select version(), 'f', 'f', null, null, null, pg_backend_pid()
