//! A manifest as it is read back: no more of it than a trace needs.

use memchr::memmem;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt;

/// Text that is borrowed from the line where it has no escape.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
pub(super) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

impl std::ops::Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// A record of a launch (interface section 6). What is absent is empty: an old or a foreign record
/// is still one.
#[derive(Debug, Deserialize)]
pub(super) struct Record<'a> {
    #[serde(borrow)]
    pub schema: Text<'a>,
    #[serde(borrow, default)]
    pub launch: Text<'a>,
    #[serde(borrow, default)]
    pub time: Text<'a>,
    #[serde(borrow, default)]
    pub outcome: Text<'a>,
    #[serde(borrow, default)]
    pub error: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub mode: Text<'a>,
    #[serde(borrow, default)]
    pub fingerprint_key_id: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub labels: Labels<'a>,
    #[serde(borrow, default)]
    pub program: Option<Program<'a>>,
    #[serde(borrow, default)]
    pub process: Process<'a>,
    #[serde(borrow, default)]
    pub variables: Vec<Variable<'a>>,
}

/// The program.
#[derive(Debug, Deserialize)]
pub(super) struct Program<'a> {
    #[serde(borrow, default)]
    pub path: Text<'a>,
}

/// The process.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Process<'a> {
    #[serde(default)]
    pub pid: u64,
    #[serde(default)]
    pub uid: u64,
    #[serde(borrow, default)]
    pub host: Text<'a>,
    #[serde(borrow, default)]
    pub invocation: Option<Text<'a>>,
}

/// A variable.
#[derive(Debug, Deserialize)]
pub(super) struct Variable<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow, default)]
    pub state: Text<'a>,
    #[serde(default)]
    pub secret: bool,
    #[serde(borrow, default)]
    pub fingerprint: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub sub: Vec<Sub<'a>>,
}

/// A secret inside a variable's value.
#[derive(Debug, Deserialize)]
pub(super) struct Sub<'a> {
    #[serde(borrow)]
    pub name: Text<'a>,
    #[serde(borrow)]
    pub fingerprint: Text<'a>,
}

impl Variable<'_> {
    /// Whether a process got a secret by it.
    pub fn is_held(&self) -> bool {
        self.secret && matches!(&*self.state, "delivered" | "generated")
    }
}

/// Labels in their order.
#[derive(Debug, Default)]
pub(super) struct Labels<'a>(pub Vec<(Text<'a>, Text<'a>)>);

impl<'de: 'a, 'a> Deserialize<'de> for Labels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Labels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Labels<'de>, A::Error> {
                let mut labels = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    labels.push(pair);
                }
                Ok(Labels(labels))
            }

            fn visit_unit<E: de::Error>(self) -> Result<Labels<'de>, E> {
                Ok(Labels::default())
            }
        }

        deserializer.deserialize_any(Pairs)
    }
}

/// The strings of a JSON value, names left out, that have this in them.
#[derive(Debug, Default)]
pub(super) struct Strings(pub Vec<String>);

/// What a string has to have to be taken.
pub(super) const WANTED: &str = "nexis-launch";

impl<'de> Deserialize<'de> for Strings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut strings = Strings::default();
        (&mut strings).deserialize(deserializer)?;
        Ok(strings)
    }
}

impl<'de> DeserializeSeed<'de> for &mut Strings {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut Strings {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<(), E> {
        if memmem::find(text.as_bytes(), WANTED.as_bytes()).is_some() {
            self.0.push(text.to_owned());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<IgnoredAny>()?.is_some() {
            map.next_value_seed(&mut *self)?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E: de::Error>(self) -> Result<(), E> {
        Ok(())
    }
}
