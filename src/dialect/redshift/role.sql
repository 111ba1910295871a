-- No role reads all there is and will be.
select usesuper, 'f' from pg_user where usename = current_user
