//! What was seen at each stage, under the names of the report.

use serde_json::{Map, Value, json};

use super::millis;
use crate::diagnose::resolve::{servers, sinkhole};
use crate::diagnose::{certificate, connect, hosts, privileges, product, refusal, tls};
use crate::probe::certificate::Certificate;
use crate::probe::trace::{DriverSeen, Failure, LoginFailure, Resolved, SslReply, Stage, Trace};
use crate::target::{ProtocolVersion, Target, Verification};

/// The facts of one stage.
pub fn of(stage: Stage, target: &Target, trace: &Trace) -> Map<String, Value> {
    let mut facts = match stage {
        Stage::Resolve => resolve(&target.candidate(trace.host), &trace.resolved),
        Stage::Connect => connect(target, trace),
        Stage::Tls => tls(&target.candidate(trace.host), trace),
        Stage::Login => login(trace),
        Stage::Session => session(&target.candidate(trace.host), trace),
        Stage::Privileges => privileges(trace),
        Stage::Input | Stage::Register => Map::new(),
    };
    facts.retain(|_, value| !value.is_null());
    facts
}

fn resolve(target: &Target, seen: &Resolved) -> Map<String, Value> {
    let addresses: Vec<String> = seen.addresses.iter().map(|address| address.ip().to_string()).collect();
    map(json!({
        "addresses": addresses,
        "canonical_name": seen.canonical_name,
        "search_domain": sinkhole::search_domain(target.endpoint.host(), seen),
        "hosts_line": seen.hosts_line,
        "name_servers": seen.dns.as_ref().map(|dns| servers::entries(&dns.asked)),
    }))
}

fn connect(target: &Target, trace: &Trace) -> Map<String, Value> {
    let seen = &trace.connected;
    let mut tried: Vec<&Trace> = trace.others.iter().chain([trace]).collect();
    tried.sort_by_key(|tried| tried.turn);
    let attempts: Vec<Value> = tried
        .iter()
        .flat_map(|tried| &tried.connected.attempts)
        .map(|attempt| {
            json!({
                "address": attempt.address,
                "outcome": connect::outcome_word(&attempt.outcome),
                "elapsed_ms": millis(attempt.elapsed),
            })
        })
        .collect();
    let several = tried.len() > 1 || !target.alternatives.is_empty();
    let hosts: Vec<Value> = tried.iter().map(|tried| host(target, tried)).collect();
    map(json!({
        "address": seen.address,
        "rtt_ms": seen.rtt.map(millis),
        "syn_retransmits": (seen.syn_retransmits > 0).then_some(seen.syn_retransmits),
        "attempts": attempts,
        "hosts": several.then_some(hosts),
    }))
}

/// One of several hosts and addresses that were tried: the code of its failure, or `connects`.
fn host(target: &Target, tried: &Trace) -> Value {
    let endpoint = target.candidate(tried.host).endpoint;
    let outcome = hosts::outcome(target, tried).map_or("connects", |found| found.code.as_str());
    let mut entry = map(json!({
        "host": endpoint.host(),
        "port": endpoint.port(),
        "address": tried.connected.address,
        "outcome": outcome,
        "elapsed_ms": millis(tried.elapsed_here()),
    }));
    entry.retain(|_, value| !value.is_null());
    Value::Object(entry)
}

fn tls(target: &Target, trace: &Trace) -> Map<String, Value> {
    let seen = &trace.tls;
    let reply = seen.reply.as_ref().map(|reply| match reply {
        SslReply::Willing => "S",
        SslReply::Unwilling => "N",
        SslReply::Error => "E",
        SslReply::Stranger(stranger) => tls::stranger_word(*stranger),
    });
    let demanded = if target.endpoint.is_unix() { Verification::None } else { target.tls.verification() };
    let objections: Vec<&str> = certificate::objections(target, seen).iter().map(|code| code.as_str()).collect();
    map(json!({
        "negotiated": seen.negotiated,
        "server_reply": reply,
        "protocol": seen.protocol,
        "cipher": seen.cipher,
        "chain": seen.chain.iter().map(chain_entry).collect::<Vec<Value>>(),
        "verification": demanded.as_str(),
        "objections": objections,
    }))
}

fn chain_entry(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject,
        "issuer": certificate.issuer,
        "sans": certificate.names.iter().map(ToString::to_string).collect::<Vec<String>>(),
        "not_before": certificate.not_before.to_string(),
        "not_after": certificate.not_after.to_string(),
        "key": certificate.key,
        "signature": certificate.signature,
        "serial": certificate.serial,
        "sha256": certificate.sha256,
    })
}

fn login(trace: &Trace) -> Map<String, Value> {
    let seen = &trace.login;
    let refusal = match &trace.failure {
        Some(Failure::Login(LoginFailure::Refused(error))) => Some(error),
        _ => None,
    };
    let parameters: Map<String, Value> =
        seen.parameters.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    let notices: Vec<&str> = seen.notices.iter().map(|notice| notice.message.as_str()).collect();
    map(json!({
        "method": refusal::method(trace),
        "password_checked": seen.password_checked(),
        "protocol": seen.protocol.filter(|_| seen.authenticated).map(ProtocolVersion::as_str),
        "mechanisms": (!seen.mechanisms.is_empty()).then_some(&seen.mechanisms),
        "sqlstate": refusal.map(|error| &error.sqlstate),
        "routine": refusal.and_then(|error| error.routine.as_ref()),
        "server_message": refusal.map(|error| &error.message),
        "parameters": (!parameters.is_empty()).then_some(parameters),
        "notices": (!notices.is_empty()).then_some(notices),
        "driver": trace.driver.as_ref().map(driver),
    }))
}

fn driver(seen: &DriverSeen) -> Value {
    let mut facts = map(json!({ "connects": seen.failure.is_none(), "elapsed_ms": millis(seen.elapsed) }));
    if !seen.not_expressed.is_empty() {
        facts.insert("not_expressed".to_owned(), Value::from(seen.not_expressed.clone()));
    }
    Value::Object(facts)
}

fn session(target: &Target, trace: &Trace) -> Map<String, Value> {
    let Some(seen) = &trace.session else {
        return Map::new();
    };
    map(json!({
        "server_version": seen.server_version,
        "product": product::name(seen, &trace.login),
        "edition": product::edition(target, trace),
        "version": seen.version,
        "role": if seen.standby { "standby" } else { "primary" },
        "read_only": seen.read_only,
        "connections": seen.connections.map(|connections| json!({
            "used": connections.used,
            "limit": connections.limit,
            "reserved": connections.reserved,
        })),
        "round_trips": trace.round_trips,
    }))
}

fn privileges(trace: &Trace) -> Map<String, Value> {
    let Some(seen) = &trace.privileges else {
        return Map::new();
    };
    let usable: Vec<&str> =
        seen.schemas.iter().filter(|schema| schema.usage).map(|schema| schema.name.as_str()).collect();
    let visible: u32 = seen.schemas.iter().map(|schema| schema.tables).sum();
    let readable: u32 = seen.schemas.iter().map(crate::probe::trace::Schema::readable).sum();
    map(json!({
        "schemas": usable,
        "tables": { "visible": visible, "readable": readable },
        "superuser": seen.superuser,
        "row_security": privileges::secured(seen),
    }))
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}
