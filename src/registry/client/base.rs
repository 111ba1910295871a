//! `--platform` and `--ims`: base URLs that a secret may be sent to.

use std::net::IpAddr;

use reqwest::Url;

/// The paths of the Flow Service begin with it.
const FLOW_SERVICE: &str = "/data/foundation/flowservice";

/// `https`, or `http` to this machine; without user information, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    url: Url,
    is_loopback: bool,
}

/// Why a URL is none. The URL itself is not quoted: a password may stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseError {
    /// It cannot be read.
    #[error("is not a URL such as https://platform.adobe.io")]
    NotUrl,
    /// Neither of the two schemes.
    #[error("has to begin with https://")]
    Scheme,
    /// A token would cross a network unencrypted.
    #[error("has to begin with https://, because the host is not this machine")]
    Plain,
    /// A user or a password.
    #[error("has a user or password in it; leave them out")]
    User,
    /// A query or a fragment.
    #[error("has a query or fragment; leave out everything from the ? or # on")]
    Query,
}

impl Base {
    /// Reads and judges it.
    pub fn parse(text: &str) -> Result<Self, BaseError> {
        let url = Url::parse(text.trim()).map_err(|_| BaseError::NotUrl)?;
        let host = url.host_str().filter(|host| !host.is_empty()).ok_or(BaseError::NotUrl)?;
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        let is_loopback = match address {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host.eq_ignore_ascii_case("localhost"),
        };
        match url.scheme() {
            "https" => {}
            "http" if is_loopback => {}
            "http" => return Err(BaseError::Plain),
            _ => return Err(BaseError::Scheme),
        }
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err(BaseError::User);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BaseError::Query);
        }
        Ok(Self { url, is_loopback })
    }

    /// Whether it is this machine, which no proxy stands before.
    pub fn is_loopback(&self) -> bool {
        self.is_loopback
    }

    /// Host and port, to be shown.
    pub fn place(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// A path of the Flow Service, with its query. Whoever gives the whole base of the service is understood.
    pub(super) fn flow_service(&self, path: &str) -> Option<Url> {
        let base = self.url.as_str().trim_end_matches('/');
        let base = base.strip_suffix(FLOW_SERVICE).unwrap_or(base);
        Url::parse(&format!("{base}{FLOW_SERVICE}{path}")).ok()
    }

    /// Where IMS gives tokens.
    pub(super) fn token(&self) -> Option<Url> {
        Url::parse(&format!("{}/ims/token/v3", self.url.as_str().trim_end_matches('/'))).ok()
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test says by panicking what did not hold")]
mod tests {
    use super::*;

    #[test]
    fn a_secret_goes_out_encrypted_or_not_at_all() {
        let rows = [
            ("https://platform.adobe.io", Ok(false)),
            (" https://platform.adobe.io/ ", Ok(false)),
            ("HTTPS://Platform.Adobe.IO:8443/behind", Ok(false)),
            ("http://127.0.0.1:8642", Ok(true)),
            ("http://127.8.0.1", Ok(true)),
            ("http://[::1]:8642", Ok(true)),
            ("http://[::ffff:127.0.0.1]:8642", Ok(true)),
            ("http://localhost:8642", Ok(true)),
            ("https://localhost", Ok(true)),
            ("http://platform.adobe.io", Err(BaseError::Plain)),
            ("http://0.0.0.0:8642", Err(BaseError::Plain)),
            ("http://localhost.example.com", Err(BaseError::Plain)),
            ("http://127.0.0.1.example.com", Err(BaseError::Plain)),
            ("ftp://platform.adobe.io", Err(BaseError::Scheme)),
            ("platform.adobe.io", Err(BaseError::NotUrl)),
            ("https://", Err(BaseError::NotUrl)),
            ("", Err(BaseError::NotUrl)),
            ("https://token:x@platform.adobe.io", Err(BaseError::User)),
            ("https://@platform.adobe.io", Err(BaseError::User)),
            ("https://platform.adobe.io?token=x", Err(BaseError::Query)),
            ("https://platform.adobe.io/#x", Err(BaseError::Query)),
        ];
        for (text, expected) in rows {
            assert_eq!(Base::parse(text).map(|base| base.is_loopback()), expected, "{text}");
        }
    }

    #[test]
    fn paths_are_put_behind_the_base_once() {
        let rows = [
            ("https://platform.adobe.io", "https://platform.adobe.io"),
            ("https://platform.adobe.io/data/foundation/flowservice/", "https://platform.adobe.io"),
            ("http://localhost:1/behind/", "http://localhost:1/behind"),
        ];
        for (text, base) in rows {
            let url = Base::parse(text).unwrap().flow_service("/connections?limit=1").unwrap();
            assert_eq!(url.as_str(), format!("{base}/data/foundation/flowservice/connections?limit=1"));
        }
        let ims = Base::parse("https://ims-na1.adobelogin.com").unwrap().token().unwrap();
        assert_eq!(ims.as_str(), "https://ims-na1.adobelogin.com/ims/token/v3");
    }
}
