//! Sharing a data key so that a number of shares together give it back: Shamir's scheme over GF(2^8), byte by byte, as
//! Vault and SOPS have it. A share has one byte more than the key, its x-coordinate at the end.

use zeroize::Zeroizing;

use crate::entropy::Entropy;

/// A share. Wiped when dropped.
pub(crate) type Share = Zeroizing<Vec<u8>>;

/// Splits a secret into `parts` shares, any `threshold` of which give it back. `None` for numbers that make no sense.
pub(crate) fn split(
    secret: &[u8],
    parts: usize,
    threshold: usize,
    entropy: &mut dyn Entropy,
) -> Option<Vec<Share>> {
    let parts = u8::try_from(parts).ok().filter(|parts| *parts < u8::MAX)?;
    if threshold < 2 || threshold > usize::from(parts) || secret.is_empty() {
        return None;
    }
    let mut shares: Vec<Share> = (1..=parts)
        .map(|_| Zeroizing::new(Vec::with_capacity(secret.len() + 1)))
        .collect();
    let mut polynomial = Zeroizing::new(vec![0; threshold]);
    for byte in secret {
        entropy.fill(&mut polynomial[1..]);
        polynomial[0] = *byte;
        for (x, share) in (1..).zip(&mut shares) {
            let y = polynomial
                .iter()
                .rev()
                .fold(0, |sum, factor| multiply(sum, x) ^ factor);
            share.push(y);
        }
    }
    for (x, share) in (1..).zip(&mut shares) {
        share.push(x);
    }
    Some(shares)
}

/// Puts shares together. `None` when they cannot belong together; too few or wrong ones give another secret.
pub(crate) fn combine(shares: &[Share]) -> Option<Zeroizing<Vec<u8>>> {
    let length = shares.first()?.len();
    let xs: Vec<u8> = shares.iter().filter_map(|share| share.last().copied()).collect();
    let distinct = xs
        .iter()
        .enumerate()
        .all(|(i, x)| *x != 0 && !xs[..i].contains(x));
    if shares.len() < 2 || length < 2 || !distinct || shares.iter().any(|share| share.len() != length) {
        return None;
    }
    let mut secret = Zeroizing::new(Vec::with_capacity(length - 1));
    for at in 0..length - 1 {
        // Lagrange's interpolation at zero.
        let byte = shares.iter().zip(&xs).fold(0, |sum, (share, x)| {
            let others = xs.iter().filter(|other| *other != x);
            let basis = others.fold(1, |product, other| {
                multiply(product, multiply(*other, invert(other ^ x)))
            });
            sum ^ multiply(share[at], basis)
        });
        secret.push(byte);
    }
    Some(secret)
}

/// Multiplies in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1, in the same time for all values.
fn multiply(a: u8, b: u8) -> u8 {
    (0..8).rev().fold(0, |product: u8, bit| {
        let reduced = (product << 1) ^ ((product >> 7).wrapping_neg() & 0x1b);
        reduced ^ (((b >> bit) & 1).wrapping_neg() & a)
    })
}

/// Returns the inverse: the 254th power.
fn invert(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = multiply(multiply(power, power), a);
    }
    multiply(power, power)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::FixedEntropy;
    use proptest::prelude::*;

    #[test]
    fn the_field_is_that_of_vault() {
        // hashicorp/vault shamir_test.go: TestField_Mult, TestField_Divide.
        assert_eq!((multiply(3, 7), multiply(3, 0), multiply(0, 3)), (9, 0, 0));
        assert_eq!((multiply(6, invert(3)), multiply(0, invert(7))), (2, 0));
        for a in 1..=u8::MAX {
            assert_eq!(multiply(a, invert(a)), 1, "{a}");
        }
    }

    #[test]
    fn numbers_that_make_no_sense_are_refused() {
        let mut entropy = FixedEntropy::new(1);
        for (parts, threshold) in [(1, 1), (2, 1), (2, 3), (0, 0), (300, 2)] {
            assert!(split(&[1; 32], parts, threshold, &mut entropy).is_none());
        }
        let shares = split(&[1; 32], 3, 2, &mut entropy).unwrap();
        assert_eq!(shares[0].len(), 33);
        assert!(combine(&shares[..1]).is_none());
        assert!(combine(&[shares[0].clone(), shares[0].clone()]).is_none());
        let cut = Zeroizing::new(shares[1][..32].to_vec());
        assert!(combine(&[shares[0].clone(), cut]).is_none());
    }

    proptest! {
        #[test]
        fn enough_shares_give_the_secret_and_fewer_do_not(
            secret in proptest::collection::vec(any::<u8>(), 32),
            seed in any::<u64>(),
            parts in 2_usize..7,
            threshold in 2_usize..7,
        ) {
            prop_assume!(threshold <= parts);
            let shares = split(&secret, parts, threshold, &mut FixedEntropy::new(seed)).unwrap();
            for start in 0..=parts - threshold {
                let some = &shares[start..start + threshold];
                prop_assert_eq!(&*combine(some).unwrap(), &secret);
            }
            prop_assert_eq!(&*combine(&shares).unwrap(), &secret);
            if threshold > 2 {
                prop_assert_ne!(&*combine(&shares[..threshold - 1]).unwrap(), &secret);
            }
        }
    }
}
