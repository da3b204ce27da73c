//! Between the scheme and the path.

use super::refuse;

#[test]
fn user_information_is_refused() {
    let why = "it has user information";
    refuse(&[
        ("https://anna@party.test/", why),
        ("https://anna:secret@party.test/", why),
        ("https://:@party.test/", why),
        ("https://@party.test/", why),
        ("https://party.test@evil.test/", why),
        ("https://party.test:443@evil.test/", why),
        ("https://a@b@party.test/", why),
        (
            "https://party.test%40evil.test/",
            "invalid international domain name",
        ),
    ]);
}

#[test]
fn an_ipv4_address_is_written_with_four_decimal_numbers() {
    let means = |written: &str, address: &str| {
        let url = format!("http://{written}/");
        let why = format!("its host is written {written} but means {address}");
        refuse(&[(&url, &why)]);
        refuse(&[(&format!("http://{written}:8080/a"), &why)]);
    };
    for (written, address) in [
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0X7F000001", "127.0.0.1"),
        ("017700000001", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("0x7f.0.0.1", "127.0.0.1"),
        ("0x7f.0.0.0x1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.1", "127.0.0.1"),
        ("127.65535", "127.0.255.255"),
        ("127.0.0.01", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("0", "0.0.0.0"),
        ("0x", "0.0.0.0"),
        ("0xA9FEA9FE", "169.254.169.254"),
        ("2852039166", "169.254.169.254"),
        ("169.254.43518", "169.254.169.254"),
        ("%31%32%37.0.0.1", "127.0.0.1"),
        ("127.0.0.%31", "127.0.0.1"),
    ] {
        means(written, address);
    }
    let why = "invalid IPv4 address";
    refuse(&[
        ("http://256.0.0.1/", why),
        ("http://1.2.3.4.5/", why),
        ("http://4294967296/", why),
        ("http://0x100000000/", why),
        ("http://127.0.0.08/", why),
        ("http://party.test.1/", why),
    ]);
}

#[test]
fn an_ipv6_address_is_written_in_its_shortest_form() {
    refuse(&[
        (
            "http://[0:0:0:0:0:0:0:1]/",
            "its host is written [0:0:0:0:0:0:0:1] but means [::1]",
        ),
        (
            "http://[::0001]/",
            "its host is written [::0001] but means [::1]",
        ),
        (
            "http://[::ffff:127.0.0.1]/",
            "its host is written [::ffff:127.0.0.1] but means [::ffff:7f00:1]",
        ),
        (
            "http://[::127.0.0.1]/",
            "its host is written [::127.0.0.1] but means [::7f00:1]",
        ),
        ("http://[fe80::1%25eth0]/", "invalid IPv6 address"),
        ("http://[fe80::1%eth0]/", "invalid IPv6 address"),
        ("http://[::1/", "invalid IPv6 address"),
        ("http://::1/", "empty host"),
        ("http://[1::2::3]/", "invalid IPv6 address"),
    ]);
}

#[test]
fn a_host_is_written_as_it_is_looked_up() {
    refuse(&[
        ("https://party.test./", "its host ends in a dot"),
        ("https://party.test.:443/", "its host ends in a dot"),
        ("https://./", "its host ends in a dot"),
        (
            "https://p%61rty.test/",
            "its host is written p%61rty.test but means party.test",
        ),
        (
            "https://party%2etest/",
            "its host is written party%2etest but means party.test",
        ),
        ("https://party.test%2e/", "its host ends in a dot"),
        (
            "https://party%00.test/",
            "invalid international domain name",
        ),
        (
            "https://party%2f.test/",
            "invalid international domain name",
        ),
        ("https://party<.test/", "invalid international domain name"),
        ("https://xn--/", "invalid international domain name"),
        ("https://xn--a/", "invalid international domain name"),
        ("https://party.test:80:81/", "invalid port number"),
        ("https://party.test:65536/", "invalid port number"),
        ("https://party.test:-1/", "invalid port number"),
    ]);
}
