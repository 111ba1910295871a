//! The password, and the methods that ask somebody else.

use super::super::code::Code;
use super::super::finding::{Finding, Side, literal, scram_password};
use super::super::{client_certificate, login, provider, token};
use super::Refusal;
use crate::probe::trace::Method;

impl Refusal<'_> {
    pub(super) fn password_rejected(&self) -> Finding {
        let user = &self.target.user;
        let finding =
            Finding::new(Code::LoginPasswordRejected, format!("the server refused user {user:?} with this password"))
                .because("28P01 looks the same for all these causes, by design; likeliest first:");
        let finding = self
            .ranked_causes()
            .iter()
            .zip(1..)
            .fold(finding, |finding, (cause, rank)| finding.because(format!("{rank}. {cause}")));
        let finding = provider::names_users(finding, self.target)
            .because("which it is stands in the DETAIL after this message in the server's log, as quoted with each")
            .fix(
                Side::Server,
                "look at the role and how its password is stored",
                [format!(
                    "SELECT rolname, rolcanlogin, rolvaliduntil, left(rolpassword, 3) FROM pg_authid \
                     WHERE lower(rolname) = lower({});",
                    literal(user)
                )],
            )
            .fix(Side::Server, "if it is there, set its password anew (psql asks for it)", self.set_password())
            .fix(
                Side::Server,
                "if it has expired, let it last for ever",
                [format!("ALTER ROLE {} VALID UNTIL 'infinity';", self.user())],
            )
            .fix(
                Side::Server,
                "if it is not, create it",
                std::iter::once(format!("CREATE ROLE {} LOGIN;", self.user())).chain(self.set_password()),
            );
        let source = self.target.sources.get("password").cloned();
        let finding = match &source {
            Some(source) => {
                finding.advise(Side::Client, format!("check the password that was used; it came from {source}"))
            }
            None => finding,
        };
        finding.evidence("password_source", source)
    }

    /// Likeliest first, each with the DETAIL that the server's log has for it (`auth.c`, `crypt.c`, `auth-scram.c`).
    fn ranked_causes(&self) -> Vec<String> {
        let user = &self.target.user;
        let certificate = client_certificate::of_another(self.target, self.trace).map(|name| {
            format!("the rule has clientcert=verify-full, and the client certificate is of {name:?}, not of {user:?}")
        });
        // SASLFinal proves that the password is right; what is checked after it is the certificate.
        if let Some(certificate) = certificate.as_ref().filter(|_| self.trace.login.proven) {
            return vec![format!("{certificate}; SASLFinal had come, so the password is right")];
        }
        let wrong = "the password is wrong (also: blank or line end in it, or `$` eaten by a shell); DETAIL: only which \
                     line of pg_hba.conf matched, or `Password does not match for user`";
        let defaulted = self.target.sources.get("user").is_some_and(|source| source == "default");
        let capitals = user.chars().any(char::is_uppercase);
        let why = if defaulted {
            " (none was given; this is the operating system's user)"
        } else if capitals {
            ": unquoted names are folded to lower case when created, and this one has capitals"
        } else {
            ""
        };
        let missing = format!("there is no such role{why}; DETAIL: `Role \"{user}\" does not exist`");
        let (first, second) =
            if defaulted || capitals { (missing, wrong.to_owned()) } else { (wrong.to_owned(), missing) };
        let stored = match self.trace.login.method {
            Some(Method::Scram | Method::ScramPlus) => Some(
                "its password is stored as MD5, and the rule says scram-sha-256; DETAIL: `does not have a valid SCRAM \
                 secret` (`verifier` up to 13)",
            ),
            Some(Method::Md5) => Some(
                "its password is stored in no form that MD5 can check; DETAIL: `cannot be used with MD5 authentication`",
            ),
            _ => None,
        };
        [first, second]
            .into_iter()
            .chain(["the password has expired (VALID UNTIL); DETAIL: `has an expired password`".to_owned()])
            .chain(["the role has no password; DETAIL: `has no password assigned`".to_owned()])
            .chain(stored.map(str::to_owned))
            .chain(certificate)
            .collect()
    }

    /// For the rule that matched: one for SCRAM refuses a password that is stored as MD5.
    fn set_password(&self) -> Vec<String> {
        let scram = matches!(self.trace.login.method, Some(Method::Scram | Method::ScramPlus));
        if scram { scram_password(&self.target.user).into() } else { vec![format!("\\password {}", self.user())] }
    }

    /// The untranslated names of the methods stand in the message in every language (`auth.c`, `auth_failed`).
    fn external_method(&self) -> Option<&'static str> {
        let methods = ["Ident", "Peer", "PAM", "LDAP", "RADIUS", "BSD", "GSSAPI", "SSPI", "certificate", "OAuth"];
        methods.into_iter().find(|method| self.error.message.contains(method))
    }

    /// Redshift has 28000 for a wrong password, where PostgreSQL has 28P01.
    pub(super) fn is_password_of_redshift(&self) -> bool {
        let by_token = self.trace.login.method == Some(Method::RedshiftToken);
        self.trace.login.credentials_sent && self.external_method().is_none() && !by_token
    }

    pub(super) fn external(&self) -> Finding {
        let method = self.external_method();
        // Whose name is translated is `certificate`; `trust` stands for a trust rule with clientcert=verify-full.
        if let Some(shown) = self.trace.tls.shown_certificate()
            && self.trace.login.method.is_none()
            && matches!(method, None | Some("certificate"))
        {
            return client_certificate::of_another_user(shown, self.target);
        }
        let which = method.unwrap_or("external");
        let finding = Finding::new(
            Code::LoginExternalRefused,
            format!("{which} authentication refused user {:?}", self.target.user),
        )
        .because(format!("the server delegates the decision, and got a no: {}", self.error.message))
        .advise(Side::Server, "its log has the answer of that service; the line of pg_hba.conf that matched names it")
        .evidence("method", method);
        match method {
            Some("PAM") => token::doubts(finding, self.target),
            // These ask who the operating system's user is, and know no password.
            Some("Peer" | "Ident") => login::by_password(finding, self.target, self.trace),
            _ => finding,
        }
    }
}
