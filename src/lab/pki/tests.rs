#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

use openssl::stack::Stack;
use openssl::x509::X509StoreContext;
use openssl::x509::X509VerifyResult;
use openssl::x509::store::X509StoreBuilder;
use openssl::x509::verify::X509VerifyFlags;

use super::*;

/// OpenSSL's verdict on a chain, at its strictest.
fn verify(root: &Identity, leaf: &Identity, sent: &[X509]) -> X509VerifyResult {
    let mut store = X509StoreBuilder::new().unwrap();
    store.add_cert(root.certificate.clone()).unwrap();
    store.set_flags(X509VerifyFlags::X509_STRICT).unwrap();
    let mut chain = Stack::new().unwrap();
    for certificate in sent {
        chain.push(certificate.clone()).unwrap();
    }
    let mut context = X509StoreContext::new().unwrap();
    let store = store.build();
    context
        .init(&store, &leaf.certificate, &chain, |context| {
            context.verify_cert()?;
            Ok(context.error())
        })
        .unwrap()
}

fn code(result: X509VerifyResult) -> i32 {
    result.as_raw()
}

fn root() -> Identity {
    Identity::self_signed(&Spec::root("root")).unwrap()
}

#[test]
fn a_leaf_verifies_against_its_root_with_every_kind_of_key() {
    for key in [KeyKind::P256, KeyKind::Rsa2048, KeyKind::Ed25519] {
        let root = Identity::self_signed(&Spec { key, ..Spec::root("root") }).unwrap();
        let leaf = root.issue(&Spec { key, ..Spec::leaf("leaf") }).unwrap();
        assert_eq!(code(verify(&root, &leaf, &[])), 0, "{key:?}");
    }
}

#[test]
fn a_chain_verifies_when_the_intermediate_is_sent_and_only_then() {
    let root = root();
    let leaf = root.issue(&Spec::root("intermediate")).unwrap().issue(&Spec::leaf("leaf")).unwrap();
    assert_eq!(leaf.intermediates().len(), 1);
    assert_eq!(code(verify(&root, &leaf, leaf.intermediates())), 0);
    assert_eq!(code(verify(&root, &leaf, &[])), 20); // unable to get local issuer certificate
}

#[test]
fn each_defect_has_its_own_verify_code() {
    let root = root();
    let issue = |spec: &Spec| root.issue(spec).unwrap();
    let sound = Spec::leaf("leaf");

    let expired = issue(&Spec { starts_in_days: -60, ends_in_days: -30, ..sound.clone() });
    assert_eq!(code(verify(&root, &expired, &[])), 10); // certificate has expired

    let early = issue(&Spec { starts_in_days: 30, ends_in_days: 60, ..sound.clone() });
    assert_eq!(code(verify(&root, &early, &[])), 9); // certificate is not yet valid

    let own = Identity::self_signed(&Spec { authority: true, ..sound.clone() }).unwrap();
    assert_eq!(code(verify(&root, &own, &[])), 18); // self-signed certificate

    let foreign = Identity::self_signed(&Spec::root("another")).unwrap().issue(&sound).unwrap();
    assert_eq!(code(verify(&root, &foreign, &[])), 20);

    let not_an_authority = issue(&sound);
    let leaf = not_an_authority.issue(&Spec::leaf("below")).unwrap();
    assert_eq!(code(verify(&root, &leaf, leaf.intermediates())), 79); // invalid CA certificate
}

#[test]
fn names_key_sizes_and_digests_are_as_asked() {
    let root = root();
    let spec = Spec {
        dns_names: vec!["localhost".to_owned(), "*.lab.test".to_owned()],
        ip_addresses: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
        key: KeyKind::Rsa1024,
        digest: SignatureDigest::Sha1,
        ..Spec::leaf("leaf")
    };
    let leaf = root.issue(&spec).unwrap();
    let names = leaf.certificate().subject_alt_names().unwrap();
    let dns: Vec<_> = names.iter().filter_map(|name| name.dnsname()).collect();
    let ips: Vec<_> = names.iter().filter_map(|name| name.ipaddress()).map(<[u8]>::len).collect();
    assert_eq!(dns, ["localhost", "*.lab.test"]);
    assert_eq!(ips, [4, 16]);
    assert_eq!(leaf.certificate().public_key().unwrap().bits(), 1024);
    assert_eq!(leaf.certificate().signature_algorithm().object().nid(), Nid::ECDSA_WITH_SHA1);
    assert_eq!(
        leaf.certificate().authority_key_id().unwrap().as_slice(),
        root.certificate().subject_key_id().unwrap().as_slice()
    );
}

#[test]
fn the_pem_forms_are_read_back() {
    let leaf = root().issue(&Spec::root("intermediate")).unwrap().issue(&Spec::leaf("leaf")).unwrap();
    let chain = X509::stack_from_pem(leaf.chain_pem().unwrap().as_bytes()).unwrap();
    assert_eq!(chain.len(), 2);
    let key = leaf.key_pem().unwrap();
    assert!(key.starts_with("-----BEGIN PRIVATE KEY-----"));
    let key = PKey::private_key_from_pem(key.as_bytes()).unwrap();
    assert!(key.public_eq(&leaf.certificate().public_key().unwrap()));
}
