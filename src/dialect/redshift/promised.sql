-- What default privileges let this user read of the tables of tomorrow: an ordinary user is shown its own only.
select schema_name, owner_name
  from svv_default_privileges
 where object_type = 'RELATION'
   and privilege_type = 'SELECT'
