//! Signatures as numbers: just enough arithmetic on big-endian bytes to put a signature outside its range.

/// The order of P-256 (FIPS 186-4, D.1.2.3).
pub(crate) const P256_ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa,
    0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
];

/// The order of the group of Ed25519, little-endian (RFC 8032, 5.1).
pub(crate) const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0x00, 0x00, 0x00,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10,
];

/// `left - right`, both big-endian and of one length, for `left >= right`.
pub(crate) fn subtract(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut borrow = 0;
    let mut difference: Vec<u8> = Vec::with_capacity(left.len());
    for (left, right) in left.iter().rev().zip(right.iter().rev()) {
        let value = i16::from(*left) - i16::from(*right) - borrow;
        borrow = i16::from(value < 0);
        difference.push(value.to_le_bytes()[0]);
    }
    difference.reverse();
    difference
}

/// `left + right`, both little-endian and of one length; the sum must fit.
pub(crate) fn add_little_endian(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let sum = left.iter().zip(right).map(|(left, right)| {
        let value = u16::from(*left) + u16::from(*right) + carry;
        carry = value >> 8;
        value.to_le_bytes()[0]
    });
    let sum = sum.collect();
    assert_eq!(carry, 0, "the sum does not fit");
    sum
}

/// An ECDSA signature in DER, as everything but JWT writes it.
pub(crate) fn der(signature: &[u8]) -> Vec<u8> {
    let integer = |number: &[u8]| {
        let digits: Vec<u8> = number.iter().copied().skip_while(|byte| *byte == 0).collect();
        let sign: &[u8] = if digits.first().is_some_and(|byte| *byte >= 0x80) { &[0] } else { &[] };
        let length = u8::try_from(sign.len() + digits.len()).unwrap_or(u8::MAX);
        [&[2, length], sign, &digits].concat()
    };
    let (r, s) = signature.split_at(signature.len() / 2);
    let body = [integer(r), integer(s)].concat();
    [&[0x30, u8::try_from(body.len()).unwrap_or(u8::MAX)], body.as_slice()].concat()
}
