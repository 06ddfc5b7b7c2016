//! Whether a vendor may have made one name of another.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// How often a name may have been escaped.
const ESCAPES_MAX: usize = 3;

/// Whether a vendor may have made one name of the other: cut it, trimmed it, or changed its case.
pub(super) fn is_nearly(listed: &str, name: &str) -> bool {
    let plain = |text: &str| -> String {
        let visible = text.chars().filter(|c| !c.is_whitespace() && !c.is_control());
        visible.flat_map(char::to_lowercase).collect()
    };
    let (listed, name) = (plain(listed), plain(name));
    let listed = listed.trim_end_matches(['.', '…']);
    name.starts_with(listed) || name.ends_with(listed)
}

/// Whether one name holds the other, for whoever reads letters and digits only: the vendor may have escaped what is none,
/// left it out, replaced it, or put something around it.
pub(super) fn is_alike(listed: &str, name: &str) -> bool {
    let (listed, name) = (letters(listed), letters(name));
    name.contains(&listed) || listed.contains(&name)
}

fn letters(text: &str) -> String {
    let mut text = Cow::Borrowed(text);
    for _ in 0..ESCAPES_MAX {
        let plain = unescaped(&percent_decode_str(&text).decode_utf8_lossy());
        if plain == text {
            break;
        }
        text = Cow::Owned(plain);
    }
    text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A text without the escapes of HTML.
fn unescaped(text: &str) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let escape = after.split_once(';').and_then(|(name, after)| Some((character(name)?, after)));
        let (character, after) = escape.unwrap_or(('&', after));
        out.push(character);
        rest = after;
    }
    out + rest
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?);
    }
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => ' ',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_trimmed_or_recased_name_is_nearly_the_name() {
        let name = "p/Remote/hello@1#12";
        for near in [
            "p/remote/hello@1#12",
            " p/Remote/hello@1#12",
            "p/Remote/hello@1",
            "p/Remo…",
            "p/Rem...",
            "",
            "hello@1#12",
        ] {
            assert!(is_nearly(near, name), "{near}");
        }
        for other in
            ["p/Remote/hello@1#13", "p/Remote/hello@2#12", "p/Remote/hello@1#123", "q/Remote/hello@1#12"]
        {
            assert!(!is_nearly(other, name), "{other}");
        }
        assert!(is_nearly("双十一", "双十一大促 通知"));
    }

    #[test]
    fn an_escaped_embedded_or_otherwise_changed_name_is_alike() {
        let name = "p/促销 & Co/hello@1#12";
        for alike in [
            "p/促销 & Co/hello@1#12",
            "p_促销_co_hello_1_12",
            "p%2F%E4%BF%83%E9%94%80%20%26%20Co%2Fhello%401%2312",
            "p%252F%25E4%25BF%2583%25E9%2594%2580%2520%2526%2520Co%252Fhello%25401%252312",
            "p/&#20419;&#x9500; &amp; Co/hello@1#12",
            "p/促销 &amp;amp; Co/hello&#64;1#12",
            "[test] p/促销 & Co/hello@1#12 (1)",
            "促销 & Co/hello@1",
            "---",
        ] {
            assert!(is_alike(alike, name), "{alike}");
        }
        for other in ["p/促销 & Co/hello@1#13", "p/促销/hello@1#12", "other"] {
            assert!(!is_alike(other, name), "{other}");
        }
    }
}
