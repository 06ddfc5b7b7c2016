//! How a count is written for people: in messages, plans and reports alike.

/// Returns a number with a space between thousands: `1 204`.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        for (count, text) in
            [(0, "0"), (999, "999"), (3999, "3 999"), (65_536, "65 536"), (1_000_000, "1 000 000")]
        {
            assert_eq!(number(count), text);
        }
        assert_eq!(number(u64::MAX), "18 446 744 073 709 551 615");
    }
}
