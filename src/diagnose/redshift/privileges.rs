//! Stage privileges: in Redshift's SQL, and with what its catalogue shows an ordinary user.

use super::super::code::{Code, Confidence};
use super::super::finding::{Finding, Side, identifier};
use super::Case;

impl Case<'_> {
    pub(super) fn privileges(&self, finding: Finding) -> Finding {
        match finding.code {
            Code::PrivilegesSuperuser => self.superuser(finding),
            Code::PrivilegesNoTables => finding
                .because("of external tables and datashares a user is shown what he has a privilege on (svv_all_tables), and nothing else")
                .confidence(Confidence::Likely)
                .fix(Side::Server, "see what there is (as a superuser)", ["SELECT database_name, schema_name, table_name FROM svv_all_tables;"]),
            Code::PrivilegesRowSecurity => finding.without(Side::Server).fix(
                Side::Server,
                "see the policies (as a superuser)",
                ["SELECT relschema, relname, polname, grantee FROM svv_rls_attached_policy;"],
            ),
            Code::PrivilegesFutureTables => rewrite(finding, |line| line.replace(" FOR ROLE ", " FOR USER ")),
            Code::PrivilegesCanWrite => {
                let mut finding = rewrite(finding, |line| line.replace(", TRUNCATE ON", " ON"));
                finding.because = vec!["it has INSERT, UPDATE or DELETE on them".to_owned()];
                finding
            }
            Code::PrivilegesNoReply => self.unanswered(finding),
            _ => finding,
        }
    }

    fn superuser(&self, finding: Finding) -> Finding {
        let seen = self.trace.privileges.iter().flat_map(|seen| &seen.schemas);
        let grants = seen.filter(|schema| schema.tables > 0).flat_map(|schema| {
            let name = identifier(&schema.name);
            [
                format!("GRANT USAGE ON SCHEMA {name} TO reader;"),
                format!("GRANT SELECT ON ALL TABLES IN SCHEMA {name} TO reader;"),
            ]
        });
        finding
            .with_reasons(["usesuper is set in pg_user; whoever gets these credentials owns the data of all users"])
            .without_fixes()
            .fix(
                Side::Server,
                "use a user of its own that can only read (put a password of upper and lower case letters and digits)",
                std::iter::once("CREATE USER reader PASSWORD '…';".to_owned()).chain(grants),
            )
    }
}

fn rewrite(mut finding: Finding, line: impl Fn(&str) -> String) -> Finding {
    for fix in &mut finding.fixes {
        fix.lines = fix.lines.iter().map(|text| line(text)).collect();
    }
    finding
}
