//! Whether bytes have the outer form of exactly one X.509 certificate. It looks no deeper, and says nothing about validity.

const SEQUENCE: u8 = 0x30;
const BIT_STRING: u8 = 0x03;

/// `SEQUENCE { SEQUENCE tbsCertificate, SEQUENCE signatureAlgorithm, BIT STRING signatureValue }` in DER and not a byte more
/// (RFC 5280 section 4.1). Other bytes than the certificate's own would be another thumbprint of the same certificate.
pub(super) fn is_one_certificate(bytes: &[u8]) -> bool {
    let is = || {
        let (certificate, []) = element(bytes, SEQUENCE)? else { return None };
        let (_, rest) = element(certificate, SEQUENCE)?;
        let (_, rest) = element(rest, SEQUENCE)?;
        let (_, []) = element(rest, BIT_STRING)? else { return None };
        Some(())
    };
    is().is_some()
}

/// The contents of the element that the bytes begin with, and what follows it. Lengths are written in one way only (X.690
/// sections 10.1 and 8.1.3).
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let [own, first, rest @ ..] = bytes else { return None };
    if *own != tag {
        return None;
    }
    if *first < 0x80 {
        return rest.split_at_checked(usize::from(*first));
    }
    // A certificate of 16 MB and more is none; 0x80 would be BER's indefinite length.
    let digits = usize::from(first & 0x7f);
    if !(1..=3).contains(&digits) {
        return None;
    }
    let (digits, rest) = rest.split_at_checked(digits)?;
    let length = digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit));
    let shortest = digits.first() != Some(&0) && length >= 0x80;
    if shortest { rest.split_at_checked(length) } else { None }
}
