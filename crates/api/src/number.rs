//! Numbers that come back in the form they were sent in.

use alloc::borrow::Cow;
use core::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};

/// A number as JSON has it: whole ones are written without a fraction (`1`), others in the shortest
/// form that reads back the same (`0.56`), whatever the client's spelling was (api.md 1.5).
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Number(f64);

/// Up to here every whole number is exact in a binary fraction.
const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;

impl Number {
    /// Zero.
    pub const ZERO: Self = Self(0.0);
    /// One.
    pub const ONE: Self = Self(1.0);

    /// From a finite fraction; `None` for the values JSON cannot write.
    #[must_use]
    pub const fn new(value: f64) -> Option<Self> {
        if value.is_finite() { Some(Self(value)) } else { None }
    }

    /// As a fraction.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }

    /// The nearest count of thousandths that it is, from 0 on: a time in seconds as milliseconds.
    #[must_use]
    pub fn thousandths(self) -> u32 {
        #[expect(clippy::cast_possible_truncation, reason = "rounded, and cut to the range")]
        #[expect(clippy::cast_sign_loss, reason = "rounded, and cut to the range")]
        let count = (self.0 * 1000.0 + 0.5) as u32;
        count
    }

    /// As a whole number, when it is one.
    #[must_use]
    pub fn whole(self) -> Option<i64> {
        if !(-WHOLE_MAX..=WHOLE_MAX).contains(&self.0) {
            return None;
        }
        #[expect(clippy::cast_possible_truncation, reason = "range checked above")]
        let whole = self.0 as i64;
        #[expect(clippy::cast_precision_loss, reason = "exact in this range")]
        let exact = whole as f64 == self.0;
        exact.then_some(whole)
    }
}

impl From<u32> for Number {
    fn from(whole: u32) -> Self {
        Self(f64::from(whole))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.whole() {
            Some(whole) => serializer.serialize_i64(whole),
            None => serializer.serialize_f64(self.0),
        }
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Finite;

        impl Visitor<'_> for Finite {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a finite number")
            }

            #[expect(clippy::cast_precision_loss, reason = "the nearest number JSON readers see")]
            fn visit_u64<E: Error>(self, value: u64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "the nearest number JSON readers see")]
            fn visit_i64<E: Error>(self, value: i64) -> Result<Number, E> {
                Ok(Number(value as f64))
            }

            fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
                Number::new(value).ok_or_else(|| E::custom("a number must be finite"))
            }
        }

        deserializer.deserialize_f64(Finite)
    }
}

impl JsonSchema for Number {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn whole_numbers_lose_their_fraction_and_fractions_stay_short() {
        for (sent, back) in [
            ("1", "1"),
            ("1.0", "1"),
            ("3e1", "30"),
            ("0", "0"),
            ("-0.0", "0"),
            ("0.56", "0.56"),
            ("0.10", "0.1"),
            ("-122.41941550000001", "-122.41941550000001"),
            ("9007199254740992", "9007199254740992"),
        ] {
            let number: Number = serde_json::from_str(sent).unwrap();
            assert_eq!(serde_json::to_string(&number).unwrap(), back, "{sent}");
        }
    }

    #[test]
    fn seconds_become_milliseconds() {
        for (value, count) in
            [(0.2, 200), (0.001, 1), (1.1, 1100), (60.0, 60_000), (-1.0, 0), (1e9, u32::MAX)]
        {
            assert_eq!(Number::new(value).unwrap().thousandths(), count, "{value}");
        }
    }

    #[test]
    fn only_whole_numbers_are_whole() {
        for (value, whole) in
            [(30.0, Some(30)), (-2.0, Some(-2)), (0.5, None), (1e300, None), (-1e300, None)]
        {
            assert_eq!(Number::new(value).unwrap().whole(), whole, "{value}");
        }
        assert_eq!(Number::new(f64::NAN), None);
        assert_eq!(Number::new(0.25).unwrap().to_string(), "0.25");
    }
}
