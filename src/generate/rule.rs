//! Which rows of a contract a value can be made for, and values that the row has nothing against.
//!
//! The row's `generate:` says how, else its format does: hex and base64 of their length, else
//! text of base64url digits after the prefix. What another party issues, or what is no random
//! text at all, is refused.

use super::value;
use crate::contract::generated::{self, LEAST};
use crate::contract::model::{Contract, Encoding, Generate, Kind, Row};
use crate::contract::words;
use crate::mode::Mode;
use crate::secret::Secret;
use crate::validate::format;

/// Random bytes of a value without a length of its own: 256 bits.
const BYTES: usize = 32;
/// The class of keys that a provider issues.
const ISSUED: &str = "provider-api-key";
/// Values that are tried before the row is held to refuse all of them: chance alone seldom makes
/// one that looks weak.
const TRIES: usize = 8;

/// Why no value is made, and what to do instead.
#[derive(Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Completes `cannot generate NAME: …`.
    pub why: String,
    /// What to do instead.
    pub instead: String,
    /// Whether the contract contradicts itself.
    pub contradiction: bool,
}

impl Refusal {
    fn new(why: impl Into<String>, instead: impl Into<String>) -> Refusal {
        Refusal { why: why.into(), instead: instead.into(), contradiction: false }
    }

    /// Of a row that refuses what it asks for.
    fn contradiction(row: &Row) -> Refusal {
        let why = format!("its contract row refuses what it asks for, {}", words::format(row));
        let instead = "correct `generate`, `format` or `rejects` of the row in the contract";
        Refusal { contradiction: true, ..Refusal::new(why, instead) }
    }
}

/// A value for the row that production would take; `Ok(None)` where the operating system has no
/// random bytes to give.
///
/// # Errors
/// [`Refusal`], where a value made here would be none, or is none by the row's own rules.
pub fn make(contract: &Contract, row: &Row) -> Result<Option<Secret>, Refusal> {
    derive(contract, row)?.sound(row)
}

/// The value that a launch in development makes by the row's `generate`; `None` where there is no
/// such, none that the row takes, or no random byte to be had.
pub fn ephemeral(row: &Row) -> Option<Secret> {
    How::asked(row, row.generate?).ok()?.sound(row).ok()?
}

/// Random digits of an encoding, so many of them, with something put before or over them.
struct How {
    /// The digits.
    generate: Generate,
    /// The characters of the whole, where the encoding has more.
    most: usize,
    /// What it begins with.
    prefix: &'static str,
    /// Whether the prefix takes the place of digits.
    over: bool,
}

impl How {
    /// As the row's `generate` says.
    fn asked(row: &Row, generate: Generate) -> Result<How, Refusal> {
        if generated::fault(&row.format, generate).is_some() {
            return Err(Refusal::contradiction(row));
        }
        Ok(How::new(row, generate, usize::MAX))
    }

    fn new(row: &Row, generate: Generate, most: usize) -> How {
        let prefix = row.format.prefix.unwrap_or_default();
        How { generate, most, prefix, over: generated::prefix_replaces(row.format.kind) }
    }

    /// A value that the row has nothing against.
    fn sound(&self, row: &Row) -> Result<Option<Secret>, Refusal> {
        for _ in 0..TRIES {
            let Some(made) = self.value() else { return Ok(None) };
            let mut sound = true;
            format::check(row, Mode::Production, made.expose(), &mut |_, _| sound = false);
            if sound {
                return Ok(Some(made));
            }
        }
        Err(Refusal::contradiction(row))
    }

    fn value(&self) -> Option<Secret> {
        let digits = value(self.generate)?;
        let skipped = if self.over { self.prefix.len() } else { 0 };
        let rest = digits.expose().get(skipped..).unwrap_or_default();
        let rest = rest.get(..self.most.saturating_sub(self.prefix.len())).unwrap_or(rest);
        let mut text = Vec::with_capacity(self.prefix.len() + rest.len());
        text.extend_from_slice(self.prefix.as_bytes());
        text.extend_from_slice(rest);
        Some(Secret::new(text))
    }
}

fn derive(contract: &Contract, row: &Row) -> Result<How, Refusal> {
    if let Some(generate) = row.generate {
        return How::asked(row, generate);
    }
    refused(contract, row)?;
    let prefix = row.format.prefix.unwrap_or_default();
    let least = row.format.min_bytes.unwrap_or(0) as usize;
    let most = row.format.max_bytes.map_or(usize::MAX, |most| most as usize);
    let free = most.saturating_sub(prefix.len());
    // What a prefix takes the place of is random no more.
    let (kind, bytes, random) = match row.format.kind {
        Kind::Hex { bytes } => {
            let bytes = bytes.map_or(BYTES.max(least.div_ceil(2)).min(most / 2), |it| it as usize);
            (Encoding::LowerHex, bytes, generated::left(Encoding::LowerHex, bytes, prefix.len()))
        }
        Kind::Base64 { bytes } => {
            let wanted = BYTES.max(least.div_ceil(4) * 3).min(most / 4 * 3);
            let bytes = bytes.map_or(wanted, |it| it as usize);
            let left = generated::left(Encoding::PaddedBase64, bytes, prefix.len());
            (Encoding::PaddedBase64, bytes, left)
        }
        _ => {
            // As many random bytes as the text is to have, up to what it may have: the digits are
            // a third longer, and what is too much is left off.
            let bytes = BYTES.max(least).min(free);
            (Encoding::UrlBase64, bytes, (free / 4 * 3).min(bytes))
        }
    };
    if random < LEAST {
        return Err(Refusal::new(
            format!("its form, {}, has no room for 128 random bits", words::format(row)),
            "allow a longer value in the contract, or set it to what its other side demands",
        ));
    }
    let bytes = u16::try_from(bytes).map_err(|_| {
        let why = format!("its form, {}, is longer than any value", words::format(row));
        Refusal::new(why, "a value has 64 KiB at most; correct the contract")
    })?;
    Ok(How::new(row, Generate { kind, bytes }, most))
}

/// Whether a value made here would be none.
fn refused(contract: &Contract, row: &Row) -> Result<(), Refusal> {
    let form = words::format(row);
    if !row.secret {
        let why = "it is a setting and no secret";
        return Err(Refusal::new(why, format!("set it yourself: {form}")));
    }
    if row.class == Some(ISSUED) {
        return Err(Refusal::new(
            "its provider issues it",
            format!(
                "create a key at the provider and store it where the launcher finds it, such as \
                 the file {} of a secrets directory",
                words::file_name(row)
            ),
        ));
    }
    match row.format.kind {
        Kind::Text { .. } | Kind::Ascii | Kind::Hex { .. } | Kind::Base64 { .. } => Ok(()),
        Kind::Url { .. } => {
            let parts = row.template.iter().flat_map(|template| template.parts);
            let parts = parts.map(|&part| contract.row(part)).filter(|part| part.secret);
            let names: Vec<String> = parts.map(|part| part.name.to_owned()).collect();
            let instead = if names.is_empty() {
                "generate the password that stands in it by other means and give the whole URL"
                    .to_owned()
            } else {
                format!(
                    "generate {} and set the other parts; the URL is composed of them",
                    words::and(&names)
                )
            };
            Err(Refusal::new("it is an address that only its server's operator knows", instead))
        }
        _ => Err(Refusal::new(
            format!("its form, {form}, is none of a random value"),
            "set it yourself",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin::CONTRACT;
    use crate::contract::model::{Format, List};

    fn row(name: &str) -> Row {
        *CONTRACT.row(CONTRACT.known(name.as_bytes()).unwrap().row)
    }

    fn of(format: Format) -> Row {
        Row { format, class: None, ..row("NEXIS_API_HMAC_SECRET") }
    }

    fn format(kind: Kind) -> Format {
        Format { kind, min_bytes: None, max_bytes: None, prefix: None }
    }

    fn text(row: &Row) -> String {
        let value = make(&CONTRACT, row).unwrap_or_else(|it| panic!("{it:?}")).unwrap();
        String::from_utf8(value.expose().to_vec()).unwrap()
    }

    #[test]
    fn a_value_has_the_form_of_its_row() {
        let free = Kind::Text { single_line: false };
        let hex = |bytes| format(Kind::Hex { bytes });
        let base64 = |bytes| format(Kind::Base64 { bytes });
        for (format, length, prefix) in [
            (format(free), 43, ""),
            (format(Kind::Ascii), 43, ""),
            (Format { min_bytes: Some(64), ..format(free) }, 86, ""),
            (Format { max_bytes: Some(24), ..format(free) }, 24, ""),
            (Format { min_bytes: Some(40), max_bytes: Some(40), ..format(free) }, 40, ""),
            (Format { prefix: Some("pk-"), ..format(Kind::Ascii) }, 46, "pk-"),
            (Format { prefix: Some("pk-"), max_bytes: Some(30), ..format(Kind::Ascii) }, 30, "pk-"),
            (hex(None), 64, ""),
            (hex(Some(16)), 32, ""),
            (Format { prefix: Some("ab"), ..hex(Some(32)) }, 64, "ab"),
            (Format { min_bytes: Some(81), ..hex(None) }, 82, ""),
            (Format { max_bytes: Some(41), ..hex(None) }, 40, ""),
            (base64(None), 44, ""),
            (base64(Some(24)), 32, ""),
            (Format { min_bytes: Some(61), ..base64(None) }, 64, ""),
            (Format { max_bytes: Some(30), ..base64(None) }, 28, ""),
        ] {
            let made = text(&of(format));
            assert_eq!(made.len(), length, "{format:?}");
            assert!(made.starts_with(prefix), "{format:?}");
            assert_ne!(made, text(&of(format)));
        }
    }

    #[test]
    fn the_built_in_contracts_secrets_are_made_or_refused_by_class() {
        for row in CONTRACT.rows.iter().filter(|row| row.secret) {
            let made = make(&CONTRACT, row);
            let url = matches!(row.format.kind, Kind::Url { .. });
            assert_eq!(made.is_err(), url || row.class == Some(ISSUED), "{}", row.name);
        }
        let url = make(&CONTRACT, &row("DATABASE_URL")).unwrap_err();
        assert!(url.instead.contains("NEXIS_DATABASE_PASSWORD"), "{url:?}");
        assert!(!url.instead.contains("NEXIS_DATABASE_HOST"), "{url:?}");
        assert!(make(&CONTRACT, &row("NEXIS_LOG_LEVEL")).is_err());
    }

    /// What the contract's own arithmetic says of a row, and what is said of the values made by it.
    #[test]
    fn a_generate_is_refused_where_its_values_are() {
        use Encoding::{LowerHex, PaddedBase64, UrlBase64};
        let of_url =
            Kind::Url { schemes: List(&["https"]), loopback_schemes: List::EMPTY, user_info: true };
        let kinds = [
            Kind::Text { single_line: false },
            Kind::Text { single_line: true },
            Kind::Ascii,
            Kind::Hex { bytes: None },
            Kind::Hex { bytes: Some(33) },
            Kind::Base64 { bytes: None },
            Kind::Base64 { bytes: Some(33) },
            of_url,
            Kind::Flag,
            Kind::Integer { min: 0, max: i64::MAX },
            Kind::SocketAddress,
            Kind::Origins,
            Kind::Enum { values: List(&["one", "two"]) },
        ];
        let prefixes =
            [None, Some("ab"), Some("pk-"), Some("a+b/"), Some(" a"), Some("a\nb"), Some("ä")];
        let prefixes = prefixes.into_iter().chain([Some("a\u{1}"), Some("https://a.test/")]);
        let mut taken = 0;
        for (kind, prefix) in kinds.iter().flat_map(|&it| prefixes.clone().map(move |of| (it, of)))
        {
            for (min_bytes, max_bytes) in
                [(None, None), (Some(66), Some(66)), (Some(67), None), (None, Some(65))]
            {
                let format = Format { kind, min_bytes, max_bytes, prefix };
                let row = of(format);
                for (kind, bytes) in [LowerHex, PaddedBase64, UrlBase64]
                    .into_iter()
                    .flat_map(|kind| [32, 33, 49].map(|bytes| (kind, bytes)))
                {
                    let generate = Generate { kind, bytes };
                    let fault = generated::fault(&format, generate);
                    let made = How::new(&row, generate, usize::MAX).sound(&row);
                    // The alphabets may fail to mix, by chance alone.
                    let mixes = matches!(row.format.kind, Kind::Base64 { .. })
                        && prefix.is_some_and(|it| it.contains(['+', '-']));
                    let said = (fault.is_some(), made.is_err());
                    assert!(
                        said.0 == said.1 || mixes && said == (true, false),
                        "{format:?} {generate:?}: {fault:?}"
                    );
                    taken += usize::from(made.is_ok());
                }
            }
        }
        assert!(taken > 100, "{taken}");
    }

    #[test]
    fn what_has_no_room_for_128_bits_is_refused() {
        let free = Kind::Text { single_line: false };
        for format in [
            Format { max_bytes: Some(20), ..format(free) },
            Format { max_bytes: Some(24), prefix: Some("long-"), ..format(free) },
            format(Kind::Hex { bytes: Some(15) }),
            Format { prefix: Some("aa"), ..format(Kind::Hex { bytes: Some(16) }) },
            format(Kind::Base64 { bytes: Some(8) }),
            Format { max_bytes: Some(2), ..format(Kind::Base64 { bytes: None }) },
            format(Kind::Flag),
        ] {
            assert!(make(&CONTRACT, &of(format)).is_err(), "{format:?}");
        }
        // The same of a row that says how: digits under a prefix are random no more.
        let asked = |prefix, kind, encoding, bytes| {
            let format = Format { prefix: Some(prefix), ..format(kind) };
            Row { generate: Some(Generate { kind: encoding, bytes }), ..of(format) }
        };
        let (hex, base64) = (Kind::Hex { bytes: None }, Kind::Base64 { bytes: None });
        for (row, taken) in [
            (asked("0123456789abcdef0123456789ab", hex, Encoding::LowerHex, 16), false),
            (asked("0", hex, Encoding::LowerHex, 16), false),
            (asked("01", hex, Encoding::LowerHex, 17), true),
            (asked("ABCDE", base64, Encoding::PaddedBase64, 19), false),
            (asked("ABCD", base64, Encoding::PaddedBase64, 19), true),
            (asked("pk-", Kind::Ascii, Encoding::LowerHex, 16), true),
        ] {
            assert_eq!(make(&CONTRACT, &row).is_ok(), taken, "{:?}", row.format);
            assert_eq!(ephemeral(&row).is_some(), taken, "{:?}", row.format);
        }
    }

    #[test]
    fn a_row_that_refuses_all_it_asks_for_is_a_contradiction() {
        let mut odd = row("JWT_SECRET");
        odd.format.max_bytes = Some(20);
        assert!(make(&CONTRACT, &odd).unwrap_err().contradiction);
    }
}
