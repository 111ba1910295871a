//! Where an Azure-hosted platform's connections come from, by region.
//!
//! Source: the platform's documentation, "IP address allow list" (help/sources/ip-address-allow-list), as it stood on
//! [`AS_OF`]. The lists change, and copies of them differ: dated data, never the truth.

/// When the lists were read.
pub const AS_OF: &str = "2026-11-22";

/// Where the list in force is.
pub const PAGE: &str = "https://experienceleague.adobe.com/en/docs/experience-platform/sources/ip-address-allow-list";

/// A region and its ranges.
pub const REGIONS: [(&str, &[&str]); 4] = [
    (
        "VA7",
        &[
            "20.42.2.0/23",
            "20.42.4.0/26",
            "20.42.64.0/28",
            "20.49.111.0/29",
            "40.71.14.32/28",
            "40.78.229.96/28",
            "20.41.2.0/23",
            "20.41.4.0/26",
            "20.44.17.80/28",
            "20.49.102.16/29",
            "40.70.148.160/28",
            "52.167.107.224/28",
        ],
    ),
    (
        "NLD2",
        &[
            "13.69.67.192/28",
            "13.69.107.112/28",
            "13.69.112.128/28",
            "40.74.24.192/26",
            "40.74.26.0/23",
            "40.113.176.232/29",
            "52.236.187.112/28",
        ],
    ),
    (
        "AUS5",
        &[
            "13.70.74.144/28",
            "20.37.193.0/25",
            "20.37.193.128/26",
            "20.37.198.224/29",
            "20.53.45.0/24",
            "20.53.46.0/26",
            "40.79.163.80/28",
            "40.79.171.160/28",
        ],
    ),
    (
        "CAN2",
        &[
            "13.71.175.80/28",
            "20.38.147.224/28",
            "20.48.201.0/26",
            "20.116.47.72/29",
            "52.228.80.128/25",
            "52.228.81.0/26",
            "52.228.86.144/29",
            "52.246.155.224/28",
        ],
    ),
];

#[cfg(test)]
mod tests {
    use ipnet::Ipv4Net;

    use super::*;

    #[test]
    fn every_range_is_one() {
        for range in REGIONS.iter().flat_map(|(_, ranges)| *ranges) {
            let parsed: Result<Ipv4Net, _> = range.parse();
            assert!(parsed.is_ok_and(|net| net.trunc() == net), "{range}");
        }
    }
}
