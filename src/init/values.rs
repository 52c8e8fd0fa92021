//! Values that can be made for a development set-up: those that nobody else has to issue.

use crate::contract::model::{Contract, Kind, Row};
use crate::generate::rule;
use crate::secret::Secret;

/// Classes whose values another party issues: one made here would only look like one.
const ISSUED: [&str; 2] = ["provider-api-key", "database"];

/// Whether a value of this row can be made here, and is of use before a feature is wanted.
fn is_made(row: &Row) -> bool {
    if !row.secret || row.part {
        return false;
    }
    if row.generate.is_some() {
        return true;
    }
    // A prefix is the mark of an issuer.
    let issued = row.class.is_some_and(|class| ISSUED.contains(&class));
    if issued || row.format.prefix.is_some() || row.feature.is_some() || row.template.is_some() {
        return false;
    }
    match row.format.kind {
        Kind::Hex { .. } | Kind::Base64 { .. } => true,
        Kind::Text { .. } | Kind::Ascii => row.format.min_bytes.is_some(),
        _ => false,
    }
}

/// A value that the contract has nothing against; `None` where none comes of it.
pub(super) fn make(contract: &Contract, row: &Row) -> Option<Secret> {
    is_made(row).then(|| rule::make(contract, row).ok().flatten())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin::CONTRACT;

    #[test]
    fn the_built_in_contract_has_four_that_can_be_made() {
        let rows: Vec<_> = CONTRACT.rows.iter().filter(|row| is_made(row)).collect();
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
            let value = make(&CONTRACT, row).unwrap_or_else(|| panic!("{}", row.name));
            assert!(!value.same_as(&make(&CONTRACT, row).unwrap()), "{}", row.name);
        }
    }

    #[test]
    fn what_another_party_issues_is_not_made() {
        let known = |name: &str| CONTRACT.row(CONTRACT.known(name.as_bytes()).unwrap().row);
        for name in ["OPENAI_API_KEY", "DATABASE_URL", "NEXIS_DATABASE_PASSWORD", "JWT_ISSUER"] {
            assert!(make(&CONTRACT, known(name)).is_none(), "{name}");
        }
        let mut row = *known("NEXIS_API_HMAC_SECRET");
        row.format.prefix = Some("pk-");
        assert!(make(&CONTRACT, &row).is_none());
    }

    #[test]
    fn a_value_that_its_own_contract_would_refuse_is_none() {
        let mut row = *CONTRACT.row(CONTRACT.known(b"NEXIS_API_HMAC_SECRET").unwrap().row);
        row.format.max_bytes = Some(40);
        assert_eq!(make(&CONTRACT, &row).unwrap().len(), 40);
        row.format.max_bytes = Some(15);
        assert!(is_made(&row) && make(&CONTRACT, &row).is_none());
    }
}
