//! Values that can be made for a development set-up: those that nobody else has to issue.

use crate::contract::model::{Encoding, Generate, Kind, Row};
use crate::generate;
use crate::mode::Mode;
use crate::secret::Secret;
use crate::validate::format;

/// Classes whose values another party issues: one made here would only look like one.
const ISSUED: [&str; 2] = ["provider-api-key", "database"];
/// Random bytes of a text without a length of its own: 256 bits.
const BYTES: u32 = 32;

/// How a value of this row is made; `None` where it cannot be, or is of no use until a feature
/// is wanted.
pub(super) fn maker(row: &Row) -> Option<Generate> {
    if !row.secret || row.part {
        return None;
    }
    if row.generate.is_some() {
        return row.generate;
    }
    // A prefix is the mark of an issuer.
    let issued = row.class.is_some_and(|class| ISSUED.contains(&class));
    if issued || row.format.prefix.is_some() || row.feature.is_some() || row.template.is_some() {
        return None;
    }
    let least = row.format.min_bytes;
    let (kind, bytes) = match row.format.kind {
        Kind::Hex { bytes } => {
            (Encoding::LowerHex, bytes.or(least.map(|least| least.div_ceil(2))).unwrap_or(BYTES))
        }
        Kind::Base64 { bytes } => (Encoding::PaddedBase64, bytes.or(least).unwrap_or(BYTES)),
        // As many random bytes as the text is to have: the text is a third longer.
        Kind::Text { .. } | Kind::Ascii => (Encoding::UrlBase64, least?.max(BYTES)),
        _ => return None,
    };
    Some(Generate { kind, bytes: u16::try_from(bytes).ok()? })
}

/// A value that the contract has nothing against; `None` where none comes of it.
pub(super) fn make(row: &Row) -> Option<Secret> {
    let value = generate::value(maker(row)?)?;
    let mut sound = true;
    format::check(row, Mode::Development, value.expose(), &mut |_, _| sound = false);
    sound.then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin::CONTRACT;

    #[test]
    fn the_built_in_contract_has_four_that_can_be_made() {
        let rows: Vec<_> = CONTRACT.rows.iter().filter(|row| maker(row).is_some()).collect();
        let names: Vec<_> = rows.iter().map(|row| row.name).collect();
        assert_eq!(
            names,
            [
                "JWT_SECRET",
                "NEXIS_ENCRYPTION_KEY",
                "NEXIS_API_HMAC_SECRET",
                "NEXIS_WEBHOOK_SIGNING_KEY"
            ]
        );
        for row in rows {
            let value = make(row).unwrap_or_else(|| panic!("{}", row.name));
            assert!(!value.same_as(&make(row).unwrap()), "{}", row.name);
        }
    }

    #[test]
    fn what_another_party_issues_is_not_made() {
        let known = |name: &str| CONTRACT.row(CONTRACT.known(name.as_bytes()).unwrap().row);
        for name in ["OPENAI_API_KEY", "DATABASE_URL", "NEXIS_DATABASE_PASSWORD", "JWT_ISSUER"] {
            assert!(make(known(name)).is_none(), "{name}");
        }
        let mut row = *known("NEXIS_API_HMAC_SECRET");
        row.format.prefix = Some("pk-");
        assert!(make(&row).is_none());
    }

    #[test]
    fn a_value_that_its_own_contract_would_refuse_is_none() {
        let mut row = *CONTRACT.row(CONTRACT.known(b"NEXIS_API_HMAC_SECRET").unwrap().row);
        row.format.max_bytes = Some(40);
        assert!(maker(&row).is_some() && make(&row).is_none());
    }
}
