//! The element types of ONNX tensors, and what a number becomes in each.

use std::fmt;

/// An element type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F32,
    F64,
    F16,
    Bf16,
    F8E4M3Fn,
    F8E4M3Fnuz,
    F8E5M2,
    F8E5M2Fnuz,
    F4E2M1,
    I64,
    I32,
    I16,
    I8,
    I4,
    I2,
    U64,
    U32,
    U16,
    U8,
    U4,
    U2,
    Bool,
}

/// `TensorProto.DataType` by element type.
const NUMBERS: [(i64, Element); 22] = [
    (1, Element::F32),
    (2, Element::U8),
    (3, Element::I8),
    (4, Element::U16),
    (5, Element::I16),
    (6, Element::I32),
    (7, Element::I64),
    (9, Element::Bool),
    (10, Element::F16),
    (11, Element::F64),
    (12, Element::U32),
    (13, Element::U64),
    (16, Element::Bf16),
    (17, Element::F8E4M3Fn),
    (18, Element::F8E4M3Fnuz),
    (19, Element::F8E5M2),
    (20, Element::F8E5M2Fnuz),
    (21, Element::U4),
    (22, Element::I4),
    (23, Element::F4E2M1),
    (25, Element::U2),
    (26, Element::I2),
];

/// A binary float narrower than f32: one sign bit, exponent bits, mantissa bits.
#[derive(Clone, Copy)]
struct Narrow {
    exponent_bits: u32,
    mantissa_bits: u32,
    bias: i32,
    greatest: f64,
    special: Special,
}

/// The bit patterns of a narrow float that are no finite numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Special {
    /// The greatest exponent is for infinities and NaNs.
    Ieee,
    /// All ones is a NaN; there is no infinity.
    Ones,
    /// The bits of −0 are a NaN; there is no infinity.
    MinusZero,
    /// There are finite numbers only.
    None,
}

impl Element {
    /// The type of this `TensorProto.DataType`; `None` for strings, complex numbers and others.
    pub(crate) fn from_onnx(number: i64) -> Option<Self> {
        NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, element)| *element)
    }

    /// Whether its numbers are floats.
    pub(crate) const fn is_real(self) -> bool {
        matches!(self, Self::F32 | Self::F64) || self.narrow().is_some()
    }

    /// Bits of a number in a file.
    pub(crate) const fn bits(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 64,
            Self::F32 | Self::I32 | Self::U32 => 32,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 16,
            Self::I4 | Self::U4 | Self::F4E2M1 => 4,
            Self::I2 | Self::U2 => 2,
            _ => 8,
        }
    }

    /// Whether its integers have a sign.
    pub(crate) const fn is_signed(self) -> bool {
        matches!(self, Self::I64 | Self::I32 | Self::I16 | Self::I8 | Self::I4 | Self::I2)
    }

    /// The least and the greatest integer.
    pub(crate) const fn range(self) -> (i128, i128) {
        if matches!(self, Self::Bool) {
            return (0, 1);
        }
        let bits = self.bits();
        if self.is_signed() {
            (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
        } else {
            (0, (1 << bits) - 1)
        }
    }

    /// The integer this type stores as `stored`.
    pub(crate) const fn widened(self, stored: i64) -> i128 {
        match self {
            Self::U64 => stored.cast_unsigned() as i128,
            _ => stored as i128,
        }
    }

    /// An integer as this type stores it: modulo two to the number of bits.
    pub(crate) const fn wrapped(self, number: i128) -> i64 {
        if matches!(self, Self::Bool) {
            return (number != 0) as i64;
        }
        let unused = 128 - self.bits();
        let moved = number << unused;
        #[expect(clippy::cast_possible_truncation, reason = "the bits above were cut off")]
        if self.is_signed() {
            (moved >> unused) as i64
        } else {
            (moved.cast_unsigned() >> unused) as i64
        }
    }

    /// An integer of this type from its bits, the others zero.
    pub(crate) const fn whole(self, bits: u64) -> i64 {
        if matches!(self, Self::Bool) {
            return (bits != 0) as i64;
        }
        let unused = 64 - self.bits();
        let moved = bits << unused;
        if self.is_signed() {
            moved.cast_signed() >> unused
        } else {
            (moved >> unused).cast_signed()
        }
    }

    /// The nearest number of a float type, ties to even; beyond the greatest, an infinity, or the
    /// greatest where there is no infinity.
    pub(crate) fn rounded(self, number: f64) -> f64 {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "this is the rounding")]
            Self::F32 => f64::from(number as f32),
            _ => self.narrow().map_or(number, |narrow| narrow.rounded(number)),
        }
    }

    /// As a cast gives it: with `saturate`, what is beyond the greatest of an eight-bit float
    /// becomes the greatest; without, a NaN or an infinity. Where there is no NaN, one becomes −0.
    pub(crate) fn cast(self, number: f64, saturate: bool) -> f64 {
        let Some(narrow) = self.narrow().filter(|_| self.bits() <= 8) else {
            return self.rounded(number);
        };
        let rounded = narrow.to_precision(number);
        if number.is_nan() && narrow.special == Special::None {
            return -0.0;
        }
        if number.is_nan() || rounded.abs() <= narrow.greatest {
            return narrow.rounded(number);
        }
        match (saturate, narrow.special) {
            (false, Special::Ieee) => f64::INFINITY.copysign(number),
            (false, Special::Ones | Special::MinusZero) => f64::NAN,
            _ => narrow.greatest.copysign(number),
        }
    }

    /// The number that these bits of a file are.
    pub(crate) fn real(self, bits: u64) -> f64 {
        match self {
            #[expect(clippy::cast_possible_truncation, reason = "the bits of an f32")]
            Self::F32 => f64::from(f32::from_bits(bits as u32)),
            _ => self.narrow().map_or_else(|| f64::from_bits(bits), |narrow| narrow.decoded(bits)),
        }
    }

    const fn narrow(self) -> Option<Narrow> {
        let (exponent_bits, mantissa_bits, bias, greatest, special) = match self {
            Self::F16 => (5, 10, 15, 65_504.0, Special::Ieee),
            Self::Bf16 => (8, 7, 127, 3.389_531_389_251_535_5e38, Special::Ieee),
            Self::F8E4M3Fn => (4, 3, 7, 448.0, Special::Ones),
            Self::F8E4M3Fnuz => (4, 3, 8, 240.0, Special::MinusZero),
            Self::F8E5M2 => (5, 2, 15, 57_344.0, Special::Ieee),
            Self::F8E5M2Fnuz => (5, 2, 16, 57_344.0, Special::MinusZero),
            Self::F4E2M1 => (2, 1, 1, 6.0, Special::None),
            _ => return None,
        };
        Some(Narrow { exponent_bits, mantissa_bits, bias, greatest, special })
    }
}

impl Narrow {
    /// The nearest number of this precision, as if exponents had no upper bound.
    fn to_precision(self, number: f64) -> f64 {
        if number == 0.0 || !number.is_finite() {
            return number;
        }
        let exponent = libm::ilogb(number).max(1 - self.bias);
        let last = exponent - self.mantissa_bits.cast_signed();
        libm::scalbn(libm::rint(libm::scalbn(number, -last)), last)
    }

    fn rounded(self, number: f64) -> f64 {
        let rounded = self.to_precision(number);
        if rounded.abs() > self.greatest {
            return match self.special {
                Special::Ieee => f64::INFINITY.copysign(number),
                _ => self.greatest.copysign(number),
            };
        }
        if self.special == Special::MinusZero { rounded + 0.0 } else { rounded }
    }

    fn decoded(self, bits: u64) -> f64 {
        let mantissa = bits & ((1 << self.mantissa_bits) - 1);
        let exponent = (bits >> self.mantissa_bits) & ((1 << self.exponent_bits) - 1);
        let negative = (bits >> (self.mantissa_bits + self.exponent_bits)) & 1 == 1;
        let ones = exponent == (1 << self.exponent_bits) - 1;
        let last_mantissa = mantissa == (1 << self.mantissa_bits) - 1;
        let sign = if negative { -1.0 } else { 1.0 };
        match self.special {
            Special::Ieee if ones && mantissa == 0 => return sign * f64::INFINITY,
            Special::Ieee if ones => return f64::NAN,
            Special::Ones if ones && last_mantissa => return f64::NAN,
            Special::MinusZero if negative && exponent == 0 && mantissa == 0 => return f64::NAN,
            _ => {}
        }
        let [mantissa, exponent] =
            [mantissa, exponent].map(|bits| i32::try_from(bits).unwrap_or(0));
        let steps = self.mantissa_bits.cast_signed();
        let (whole, exponent) = match exponent {
            0 => (mantissa, 1 - self.bias),
            exponent => (mantissa + (1 << steps), exponent - self.bias),
        };
        sign * libm::scalbn(f64::from(whole), exponent - steps)
    }
}

impl fmt::Display for Element {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&format!("{self:?}").to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_floats_round_to_even_and_overflow_as_stated() {
        for (element, number, expected) in [
            (Element::F16, 1.0 + 1.0 / 2048.0, 1.0),
            (Element::F16, 1.0 + 3.0 / 2048.0, 1.0 + 2.0 / 1024.0),
            (Element::F16, 65_519.0, 65_504.0),
            (Element::F16, 65_520.0, f64::INFINITY),
            (Element::F16, 3e-8, 5.960_464_477_539_063e-8),
            (Element::Bf16, 1.003_906_25, 1.0),
            (Element::F8E4M3Fn, 500.0, 448.0),
            (Element::F4E2M1, 5.0, 4.0),
        ] {
            assert_eq!(element.rounded(number).to_bits(), f64::to_bits(expected), "{element}");
        }
        assert_eq!(Element::F8E5M2.cast(1e6, false), f64::INFINITY);
        assert!(Element::F8E4M3Fn.cast(1e6, false).is_nan());
    }

    #[test]
    fn all_bits_of_narrow_floats_come_back() {
        for element in [Element::F16, Element::Bf16, Element::F8E4M3Fn, Element::F8E5M2Fnuz] {
            for bits in 0..1_u64 << element.bits() {
                let number = element.real(bits);
                let again = element.rounded(number);
                assert!(number.is_nan() || again.to_bits() == number.to_bits(), "{element} {bits}");
            }
        }
    }

    #[test]
    fn integers_wrap() {
        assert_eq!(Element::I8.wrapped(200), -56);
        assert_eq!(Element::U8.wrapped(-1), 255);
        assert_eq!(Element::U64.widened(Element::U64.wrapped(-1)), i128::from(u64::MAX));
        assert_eq!(Element::Bool.wrapped(7), 1);
    }
}
