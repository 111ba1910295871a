-- External tables, and those of datashares; in the last column whatever is listed of a schema. An ordinary user is
-- shown those tables only that it has a privilege on, so they count as readable.
select schema_name, 't', sum(elsewhere), sum(elsewhere), null, null, 0, null, count(*)
  from (select schema_name,
               case when upper(table_type) like '%EXTERNAL%' or upper(table_type) like '%SHARED%'
                    then 1 else 0 end as elsewhere
          from svv_all_tables
         where database_name = current_database()
           and schema_name not like 'pg!_%' escape '!'
           and schema_name not in ('information_schema', 'catalog_history')) as listed
 group by schema_name
 order by schema_name
