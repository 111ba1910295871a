//! What is wrong with a list of hosts.

use crate::diagnose::code::Code;
use crate::diagnose::finding::{Finding, Side};

pub fn lists_differ(keyword: &'static str, count: usize, hosts: usize) -> Finding {
    let (what, whole) = match keyword {
        "port" => ("port numbers", "hosts"),
        _ => ("host names", "hostaddr values"),
    };
    let finding = Finding::new(Code::InputValueInvalid, format!("there are {count} {what} for {hosts} {whole}"))
        .because("host, hostaddr and port are lists with commas, and one place of each makes a host");
    let finding = if keyword == "port" {
        finding.fix(
            Side::Client,
            "give one port for all hosts, or one for each",
            ["port=5432", "host=A,B port=5432,5433"],
        )
    } else {
        finding.fix(Side::Client, "give an address for each name", ["host=A,B hostaddr=ADDRESS_OF_A,ADDRESS_OF_B"])
    };
    finding.evidence("keyword", keyword).evidence("count", count).evidence("hosts", hosts)
}

pub fn socket_path_too_long(longest: usize, source: &str) -> Finding {
    let summary = format!("the name of the Unix socket in the directory (from {source}) is too long");
    Finding::new(Code::InputValueInvalid, summary)
        .because(format!(
            "with `/.s.PGSQL.PORT` behind it, it may have {longest} bytes at most; the system allows no more"
        ))
        .fix(Side::Client, "reach the directory by a shorter name", ["ln -s /LONG/DIRECTORY /tmp/pg   # host=/tmp/pg"])
        .evidence("keyword", "host")
        .evidence("longest", longest)
        .evidence("source", source)
}

pub fn name_missing() -> Finding {
    Finding::new(Code::InputValueInvalid, "sslmode=verify-full needs a host name, and only hostaddr is given")
        .because("hostaddr says what is dialled; the certificate is compared with host, and with nothing else")
        .fix(
            Side::Client,
            "give the name that is in the certificate beside the address",
            ["host=NAME_IN_CERTIFICATE hostaddr=ADDRESS"],
        )
        .fix(Side::Client, "or verify the chain only", ["sslmode=verify-ca"])
        .evidence("keyword", "host")
}

pub fn left_out(place: usize, keyword: &'static str, last: bool) -> Finding {
    let (summary, reason) = if last {
        (format!("host {place} of the list, and all after it, are never dialled"), "libpq gives up there")
    } else {
        (format!("host {place} of the list is never dialled"), "libpq passes over it, and says so only if none answers")
    };
    Finding::new(Code::InputSettingIgnored, summary)
        .because(format!("its {keyword} is none that can be used; {reason}"))
        .advise(Side::Client, format!("correct place {place} of {keyword}, or take the host out of all lists"))
        .evidence("keyword", keyword)
        .evidence("place", place)
}
