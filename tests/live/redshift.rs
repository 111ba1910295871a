//! The questions that a Redshift is asked, put to PostgreSQL, from which it was made: its catalogue and functions are
//! there to this day. The views that only Redshift has are stood in for, with the columns of its manual.

use pgpreflight::dialect::REDSHIFT;

use crate::server::servers;
use crate::session::Session;

/// A schema with a table for alice, one without, and what looks like the table behind a materialized view.
const TABLES: &str = "create role redshift_etl; create schema rs_sales authorization redshift_etl; \
    create schema rs_secret; create table rs_secret.t (i int); create table rs_sales.mv_tbl__x__0 (i int); \
    create table rs_sales.o (i int); alter table rs_sales.o owner to redshift_etl; create table rs_sales.\"a\"\"b\" (i int); \
    grant usage on schema rs_sales to redshift_alice; grant select, insert on rs_sales.o to redshift_alice; \
    alter role redshift_alice set statement_timeout = 60000; alter role redshift_alice set search_path = rs_sales, public;";

/// As Redshift's manual has them ("SVV_ALL_TABLES", "SVV_ALL_COLUMNS", "SVV_DEFAULT_PRIVILEGES").
const VIEWS: &str = "create view rs_sales.svv_all_tables as \
    select current_database()::varchar as database_name, 'spectrum'::varchar as schema_name, \
           ('t' || i)::varchar as table_name, null::varchar as table_acl, 'EXTERNAL TABLE'::varchar as table_type, \
           null::varchar as remarks from generate_series(1, 3) as i \
    union all select current_database(), 'rs_sales', 'o', null, 'TABLE', null \
    union all select 'other', 'shared', 'o', null, 'SHARED TABLE', null; \
    create view rs_sales.svv_all_columns as \
    select current_database()::varchar as database_name, 'spectrum'::varchar as schema_name, 't1'::varchar as table_name, \
           name::varchar as column_name, place as ordinal_position, type::varchar as data_type \
      from (values ('tags', 2, 'array<int>'), ('id', 1, 'bigint')) as columns (name, place, type); \
    create view rs_sales.svv_default_privileges as \
    select 'rs_sales'::text as schema_name, 'RELATION'::text as object_type, 100 as owner_id, 'etl'::text as owner_name, \
           'user'::text as owner_type, 'SELECT'::text as privilege_type; \
    grant select on rs_sales.svv_all_tables, rs_sales.svv_all_columns, rs_sales.svv_default_privileges to redshift_alice;";

#[test]
fn a_redshift_is_asked_what_its_ancestor_understands() {
    for server in servers() {
        let settings = server.role("redshift_alice", "by_scram").set("dbname", "redshift_ancestor");
        server
            .cluster
            .sql(&format!("create database redshift_ancestor;\n\\connect redshift_ancestor\n{TABLES}\n{VIEWS}"));
        let mut session = Session::open(&settings);
        let mut answers = REDSHIFT.questions().into_iter().map(|(name, sql)| (name, session.ask(&format!("{sql};"))));
        let mut answer = |asked: &str| {
            let (name, answer) = answers.next().expect("a question more");
            assert_eq!(name, asked);
            answer
        };
        let version = answer("session");
        assert!(version.starts_with("PostgreSQL ") && version.contains("|f|f||||"), "{version}");
        assert_eq!(
            answer("settings"),
            "statement_timeout|60000|t|f|1min\nsearch_path|rs_sales, public|t|f|rs_sales, public"
        );
        assert_eq!(answer("large").len(), 8192);
        assert_eq!(answer("role"), "f|f");
        let schemas = answer("schemas");
        let rows: Vec<&str> = schemas.lines().filter(|row| row.starts_with("rs_")).collect();
        let sales = r#"rs_sales|t|5|4|["a\"b","a\"b"]||1|["postgres","redshift_etl"]"#;
        assert_eq!(rows, [sales, r#"rs_secret|f|1|0|["t","t"]||0|"#], "PostgreSQL {}", server.major);
        assert_eq!(answer("elsewhere"), "rs_sales|t|0|0|||0||1\nspectrum|t|3|3|||0||3");
        assert_eq!(answer("promised"), "rs_sales|etl");
        looks_around(&mut session);
    }
}

fn looks_around(session: &mut Session) {
    let catalog = REDSHIFT.catalog;
    let mut ask = |sql: &str| session.ask(&format!("{sql};"));
    let listed = catalog.tables.iter().map(|sql| ask(sql)).collect::<Vec<_>>();
    let own: Vec<&str> = listed[0].lines().filter(|row| row.starts_with("rs_") && !row.contains("svv_")).collect();
    assert_eq!(own, ["rs_sales.\"a\"\"b\"|f", "rs_sales.o|t"]);
    assert_eq!(listed[1], "spectrum.t1|t\nspectrum.t2|t\nspectrum.t3|t");
    let mut columns = |path| catalog.columns(path).map(|sql| ask(&sql)).collect::<Vec<_>>();
    assert_eq!(columns("rs_sales.o"), ["i|int4|rs_sales|o", ""]);
    assert_eq!(columns("rs_sales.\"a\"\"b\""), ["i|int4|rs_sales|a\"b", ""]);
    assert_eq!(columns("spectrum.t1"), ["", "id|bigint|spectrum|t1\ntags|array<int>|spectrum|t1"]);
    assert_eq!(columns("rs_secret.t"), ["", ""]);
}
