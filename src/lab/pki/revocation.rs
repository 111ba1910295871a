//! Lists of revoked certificates (RFC 5280, section 5).

use openssl::asn1::{Asn1Object, Asn1OctetString, Asn1OctetStringRef};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::x509::{X509CrlBuilder, X509Extension, X509RevokedBuilder};

use super::{Identity, days_from_now};

/// INTEGER 1, in DER.
const FIRST: [u8; 3] = [0x02, 0x01, 0x01];

impl Identity {
    /// The list of this authority, PEM: signed a day ago, or a day before it ended, if that is earlier.
    pub fn revocation_list(&self, revoked: &[&Self], ends_in_days: i32) -> Result<String, ErrorStack> {
        let mut list = X509CrlBuilder::new()?;
        list.set_issuer_name(self.certificate.subject_name())?;
        list.set_last_update(days_from_now(ends_in_days.min(0) - 1)?.as_ref())?;
        list.set_next_update(days_from_now(ends_in_days)?.as_ref())?;
        for identity in revoked {
            let mut entry = X509RevokedBuilder::new()?;
            entry.set_serial_number(identity.certificate.serial_number())?;
            entry.set_revocation_date(days_from_now(-1)?.as_ref())?;
            list.add_revoked(entry.build())?;
        }
        let key = self.certificate.subject_key_id().map_or(&[][..], Asn1OctetStringRef::as_slice);
        let length = u8::try_from(key.len()).unwrap_or(u8::MAX - 2);
        // SEQUENCE of keyIdentifier, which is the first of its elements.
        let issuer_key = [&[0x30, length + 2, 0x80, length], key].concat();
        list.append_extension(extension("2.5.29.35", &issuer_key)?)?;
        list.append_extension(extension("2.5.29.20", &FIRST)?)?;
        list.sort()?;
        list.sign(&self.key, MessageDigest::sha256())?;
        Ok(String::from_utf8_lossy(&list.build()?.to_pem()?).into_owned())
    }
}

fn extension(number: &str, der: &[u8]) -> Result<X509Extension, ErrorStack> {
    X509Extension::new_from_der(&*Asn1Object::from_str(number)?, false, &*Asn1OctetString::new_from_bytes(der)?)
}
