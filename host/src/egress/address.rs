//! Which addresses may be reached: public ones.
//!
//! From the IANA special-purpose address registries for IPv4 (RFC 6890 and
//! later entries) and IPv6, and from the ways in which an IPv6 address can
//! carry an IPv4 one (RFC 4291, RFC 6052, RFC 8215, RFC 3056, RFC 4380).

use ipnet::{Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is, if it is not public.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Special {
    /// In words.
    pub(super) what: &'static str,
    /// Whether `allow-private-addresses` lets it through.
    pub(super) private: bool,
}

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// First match wins; `true` is what an operator may allow.
const V4: [(Ipv4Net, &str, bool); 17] = [
    (
        v4(169, 254, 0, 0, 16),
        "link-local, where clouds serve their metadata",
        false,
    ),
    (v4(0, 0, 0, 0, 8), "this network", false),
    (v4(10, 0, 0, 0, 8), "private", true),
    // Alibaba Cloud.
    (v4(100, 100, 100, 200, 32), "a cloud's metadata", false),
    (v4(100, 64, 0, 0, 10), "shared (carrier-grade NAT)", true),
    (v4(127, 0, 0, 0, 8), "loopback", true),
    // Azure.
    (v4(168, 63, 129, 16, 32), "a cloud's own service", false),
    (v4(172, 16, 0, 0, 12), "private", true),
    (v4(192, 0, 0, 0, 24), "for protocol assignments", false),
    (v4(192, 0, 2, 0, 24), "for documentation", false),
    (v4(192, 88, 99, 0, 24), "a 6to4 relay", false),
    (v4(192, 168, 0, 0, 16), "private", true),
    (v4(198, 18, 0, 0, 15), "for benchmarking", false),
    (v4(198, 51, 100, 0, 24), "for documentation", false),
    (v4(203, 0, 113, 0, 24), "for documentation", false),
    (v4(224, 0, 0, 0, 4), "multicast", false),
    (v4(240, 0, 0, 0, 4), "reserved", false),
];

const fn v6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    let [a, b, c, d, e, f, g, h] = segments;
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix)
}

const V6: [(Ipv6Net, &str, bool); 19] = [
    (v6([0, 0, 0, 0, 0, 0, 0, 1], 128), "loopback", true),
    (v6([0, 0, 0, 0, 0, 0, 0, 0], 128), "unspecified", false),
    // Clouds put their own services among the private addresses: Amazon (also
    // its name server and clock), Google, Oracle, Scaleway, Akamai, Alibaba.
    (
        v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0], 32),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254], 128),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfd00, 0xc1, 0, 0, 0, 0, 0xa9fe, 0xa9fe], 128),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42], 128),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfd00, 0xa9fe, 0xa9fe, 0, 0, 0, 0, 1], 128),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfd00, 0x100, 0, 0, 0, 0, 0x100, 0x200], 128),
        "a cloud's metadata",
        false,
    ),
    (
        v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
        "private (unique local)",
        true,
    ),
    (v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), "link-local", false),
    (v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), "site-local", false),
    (v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), "multicast", false),
    (v6([0x0100, 0, 0, 0, 0, 0, 0, 0], 64), "discarded", false),
    (
        v6([0x2001, 0x0db8, 0, 0, 0, 0, 0, 0], 32),
        "for documentation",
        false,
    ),
    (
        v6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        "for documentation",
        false,
    ),
    (
        v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),
        "Teredo, which hides another address",
        false,
    ),
    (
        v6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),
        "for protocol assignments",
        false,
    ),
    (
        v6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),
        "segment routing",
        false,
    ),
    (
        v6([0, 0, 0, 0, 0, 0, 0, 0], 96),
        "IPv4-compatible, which hides another address",
        false,
    ),
];

/// Prefixes under which an IPv6 address stands for the IPv4 address in it.
const EMBEDDING: [(Ipv6Net, u32); 3] = [
    // IPv4-mapped: the last 32 bits.
    (v6([0, 0, 0, 0, 0, 0xffff, 0, 0], 96), 0),
    // NAT64, well-known prefix: the last 32 bits.
    (v6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96), 0),
    // 6to4: the 32 bits after the prefix.
    (v6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16), 80),
];

/// What is special about an address; none if it is public.
pub(super) fn special(address: IpAddr) -> Option<Special> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<Special> {
    V4.iter()
        .find(|(net, _, _)| net.contains(&address))
        .map(|&(_, what, private)| Special { what, private })
}

fn special_v6(address: Ipv6Addr) -> Option<Special> {
    for (net, shift) in EMBEDDING {
        if net.contains(&address) {
            let bits = (address.to_bits() >> shift) & u128::from(u32::MAX);
            let inner = u32::try_from(bits).unwrap_or_default();
            return special_v4(Ipv4Addr::from_bits(inner));
        }
    }
    // NAT64 with a local prefix (RFC 8215): where the IPv4 address is depends
    // on the network, so it cannot be judged.
    if v6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48).contains(&address) {
        return Some(Special {
            what: "local-use NAT64, which hides another address",
            private: false,
        });
    }
    V6.iter()
        .find(|(net, _, _)| net.contains(&address))
        .map(|&(_, what, private)| Special { what, private })
        .or_else(|| {
            // Only 2000::/3 is given out as public.
            (!v6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3).contains(&address)).then_some(Special {
                what: "not given out",
                private: false,
            })
        })
}
