use crate::egress::address::{Special, special};
use proptest::prelude::*;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, and whether an operator may allow it; none if public.
type Verdict = Option<(&'static str, bool)>;

fn verdict(address: IpAddr) -> Verdict {
    special(address).map(|Special { what, private }| (what, private))
}

/// The ranges that are not public: first and last address inside, and the
/// verdicts inside, just before and just after. Written down from the IANA
/// registries, not derived from the code.
struct Range {
    first: &'static str,
    last: &'static str,
    inside: Verdict,
    before: Verdict,
    after: Verdict,
}

const PUBLIC: Verdict = None;
const PRIVATE: Verdict = Some(("private", true));
const SHARED: Verdict = Some(("shared (carrier-grade NAT)", true));
const LOOPBACK: Verdict = Some(("loopback", true));
const UNIQUE_LOCAL: Verdict = Some(("private (unique local)", true));
const LINK_LOCAL: Verdict = Some(("link-local", false));
const LINK_LOCAL_V4: Verdict = Some(("link-local, where clouds serve their metadata", false));
const SITE_LOCAL: Verdict = Some(("site-local", false));
const METADATA: Verdict = Some(("a cloud's metadata", false));
const DOCUMENTATION: Verdict = Some(("for documentation", false));
const PROTOCOLS: Verdict = Some(("for protocol assignments", false));
const MULTICAST: Verdict = Some(("multicast", false));
const RESERVED: Verdict = Some(("reserved", false));
const NOT_GIVEN_OUT: Verdict = Some(("not given out", false));
const COMPATIBLE: Verdict = Some(("IPv4-compatible, which hides another address", false));
const TEREDO: Verdict = Some(("Teredo, which hides another address", false));
const LOCAL_NAT64: Verdict = Some(("local-use NAT64, which hides another address", false));

const fn range(
    first: &'static str,
    last: &'static str,
    inside: Verdict,
    [before, after]: [Verdict; 2],
) -> Range {
    Range {
        first,
        last,
        inside,
        before,
        after,
    }
}

#[rustfmt::skip]
const V4: [Range; 17] = [
    range("0.0.0.0", "0.255.255.255", Some(("this network", false)), [PUBLIC; 2]),
    range("10.0.0.0", "10.255.255.255", PRIVATE, [PUBLIC; 2]),
    range("100.64.0.0", "100.100.100.199", SHARED, [PUBLIC, METADATA]),
    range("100.100.100.200", "100.100.100.200", METADATA, [SHARED; 2]),
    range("100.100.100.201", "100.127.255.255", SHARED, [METADATA, PUBLIC]),
    range("127.0.0.0", "127.255.255.255", LOOPBACK, [PUBLIC; 2]),
    range("168.63.129.16", "168.63.129.16", Some(("a cloud's own service", false)), [PUBLIC; 2]),
    range("169.254.0.0", "169.254.255.255", LINK_LOCAL_V4, [PUBLIC; 2]),
    range("172.16.0.0", "172.31.255.255", PRIVATE, [PUBLIC; 2]),
    range("192.0.0.0", "192.0.0.255", PROTOCOLS, [PUBLIC; 2]),
    range("192.0.2.0", "192.0.2.255", DOCUMENTATION, [PUBLIC; 2]),
    range("192.88.99.0", "192.88.99.255", Some(("a 6to4 relay", false)), [PUBLIC; 2]),
    range("192.168.0.0", "192.168.255.255", PRIVATE, [PUBLIC; 2]),
    range("198.18.0.0", "198.19.255.255", Some(("for benchmarking", false)), [PUBLIC; 2]),
    range("198.51.100.0", "198.51.100.255", DOCUMENTATION, [PUBLIC; 2]),
    range("203.0.113.0", "203.0.113.255", DOCUMENTATION, [PUBLIC; 2]),
    range("224.0.0.0", "239.255.255.255", MULTICAST, [PUBLIC, RESERVED]),
];

#[rustfmt::skip]
const V6: [Range; 28] = [
    range("::1", "::1", LOOPBACK, [Some(("unspecified", false)), COMPATIBLE]),
    range("::2", "::ffff:ffff", COMPATIBLE, [LOOPBACK, NOT_GIVEN_OUT]),
    // Between what is IPv4-compatible and what is IPv4-mapped.
    range("::1:0:0", "::fffe:ffff:ffff", NOT_GIVEN_OUT, [COMPATIBLE, Some(("this network", false))]),
    range("::1:0:0:0", "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [RESERVED, Some(("this network", false))]),
    range("64:ff9b::1:0:0", "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [RESERVED, LOCAL_NAT64]),
    range("64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", LOCAL_NAT64, [NOT_GIVEN_OUT; 2]),
    range("100::", "100::ffff:ffff:ffff:ffff", Some(("discarded", false)), [NOT_GIVEN_OUT; 2]),
    range("100:0:0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [Some(("discarded", false)), PUBLIC]),
    range("2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff", TEREDO, [PUBLIC, PROTOCOLS]),
    // Benchmarking (2001:2::/48), ORCHID and drones among them.
    range("2001:1::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", PROTOCOLS, [TEREDO, PUBLIC]),
    range("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", DOCUMENTATION, [PUBLIC; 2]),
    range("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", DOCUMENTATION, [PUBLIC; 2]),
    range("4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [PUBLIC, Some(("segment routing", false))]),
    range("5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", Some(("segment routing", false)), [NOT_GIVEN_OUT; 2]),
    range("5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [Some(("segment routing", false)), UNIQUE_LOCAL]),
    range("fc00::", "fd00:42::41", UNIQUE_LOCAL, [NOT_GIVEN_OUT, METADATA]),
    range("fd00:42::42", "fd00:42::42", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd00:c1::a9fe:a9fe", "fd00:c1::a9fe:a9fe", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd00:100::100:200", "fd00:100::100:200", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd00:ec2::", "fd00:ec2:ffff:ffff:ffff:ffff:ffff:ffff", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd00:a9fe:a9fe::1", "fd00:a9fe:a9fe::1", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd20:ce::254", "fd20:ce::254", METADATA, [UNIQUE_LOCAL; 2]),
    range("fd20:ce::255", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", UNIQUE_LOCAL, [METADATA, NOT_GIVEN_OUT]),
    range("fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NOT_GIVEN_OUT, [UNIQUE_LOCAL, LINK_LOCAL]),
    range("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", LINK_LOCAL, [NOT_GIVEN_OUT, SITE_LOCAL]),
    range("fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", SITE_LOCAL, [LINK_LOCAL, MULTICAST]),
    // The last of all: nothing comes after.
    range("ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe", MULTICAST, [SITE_LOCAL, MULTICAST]),
    range("ff02::1", "ff02::1", MULTICAST, [MULTICAST; 2]),
];

fn v4(text: &str) -> u32 {
    text.parse::<Ipv4Addr>().unwrap().to_bits()
}

fn v6(text: &str) -> u128 {
    text.parse::<Ipv6Addr>().unwrap().to_bits()
}

#[test]
fn each_ipv4_range_holds_its_first_and_last_address_and_not_its_neighbours() {
    let of = |bits: u32| verdict(Ipv4Addr::from_bits(bits).into());
    for range in &V4 {
        let (first, last) = (v4(range.first), v4(range.last));
        assert_eq!(of(first), range.inside, "{}", range.first);
        assert_eq!(of(last), range.inside, "{}", range.last);
        if let Some(before) = first.checked_sub(1) {
            assert_eq!(of(before), range.before, "before {}", range.first);
        }
        assert_eq!(of(last + 1), range.after, "after {}", range.last);
    }
    assert_eq!(of(v4("240.0.0.0")), RESERVED);
    assert_eq!(of(v4("255.255.255.255")), RESERVED);
}

#[test]
fn each_ipv6_range_holds_its_first_and_last_address_and_not_its_neighbours() {
    let of = |bits: u128| verdict(Ipv6Addr::from_bits(bits).into());
    for range in &V6 {
        let (first, last) = (v6(range.first), v6(range.last));
        assert_eq!(of(first), range.inside, "{}", range.first);
        assert_eq!(of(last), range.inside, "{}", range.last);
        assert_eq!(of(first - 1), range.before, "before {}", range.first);
        assert_eq!(of(last + 1), range.after, "after {}", range.last);
    }
    assert_eq!(of(0), Some(("unspecified", false)));
    assert_eq!(of(u128::MAX), MULTICAST);
}

#[test]
fn public_addresses_pass() {
    for address in [
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "93.184.216.34",
        "145.97.39.155",
        "192.0.1.1",
        "223.255.255.255",
        "2000::",
        "2001:4860:4860::8888",
        "2606:4700::1111",
        "2a02:898:0:20::1",
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
    ] {
        assert_eq!(verdict(address.parse().unwrap()), PUBLIC, "{address}");
    }
}

/// The IPv6 addresses that stand for an IPv4 address: IPv4-mapped, NAT64, and
/// 6to4 with what follows its 48 bits.
fn embeddings(bits: u32, rest: u128) -> [IpAddr; 3] {
    let low = u128::from(bits);
    [
        (0xffff << 32) | low,
        v6("64:ff9b::") | low,
        v6("2002::") | (low << 80) | (rest >> 48),
    ]
    .map(|bits| Ipv6Addr::from_bits(bits).into())
}

#[test]
fn an_address_that_stands_for_an_ipv4_address_is_judged_as_that_one() {
    for (address, expected) in [
        ("::ffff:127.0.0.1", LOOPBACK),
        ("::ffff:169.254.169.254", LINK_LOCAL_V4),
        ("::ffff:100.100.100.200", METADATA),
        ("::ffff:8.8.8.8", PUBLIC),
        ("64:ff9b::10.0.0.1", PRIVATE),
        ("64:ff9b::a9fe:a9fe", LINK_LOCAL_V4),
        ("64:ff9b::8.8.8.8", PUBLIC),
        ("2002:c0a8:0101::1", PRIVATE),
        ("2002:7f00:1:ffff:ffff:ffff:ffff:ffff", LOOPBACK),
        ("2002:808:808::", PUBLIC),
        // Hidden in ways that are refused whatever is hidden.
        ("::8.8.8.8", COMPATIBLE),
        ("::ffff:0:8.8.8.8", NOT_GIVEN_OUT),
        ("64:ff9b:1::8.8.8.8", LOCAL_NAT64),
        ("2001:0:808:808::", TEREDO),
    ] {
        assert_eq!(verdict(address.parse().unwrap()), expected, "{address}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn no_address_inside_an_ipv4_range_is_public(at in 0..V4.len(), offset: u32, rest: u128) {
        let range = &V4[at];
        let (first, last) = (v4(range.first), v4(range.last));
        let bits = match (last - first).checked_add(1) {
            Some(size) => first + offset % size,
            None => offset,
        };
        prop_assert_eq!(verdict(Ipv4Addr::from_bits(bits).into()), range.inside);
        for address in embeddings(bits, rest) {
            prop_assert_eq!(verdict(address), range.inside, "{}", address);
        }
    }

    #[test]
    fn no_address_inside_an_ipv6_range_is_public(at in 0..V6.len(), offset: u128) {
        let range = &V6[at];
        let (first, last) = (v6(range.first), v6(range.last));
        let address = Ipv6Addr::from_bits(first + offset % (last - first + 1));
        let verdict = verdict(address.into());
        // A few single addresses in the wide ranges are worse than those.
        prop_assert!(verdict == range.inside || verdict == METADATA, "{}: {:?}", address, verdict);
    }

    #[test]
    fn any_ipv4_address_is_judged_the_same_in_all_its_forms(bits: u32, rest: u128) {
        let plain = verdict(Ipv4Addr::from_bits(bits).into());
        for address in embeddings(bits, rest) {
            prop_assert_eq!(verdict(address), plain, "{}", address);
        }
    }
}
