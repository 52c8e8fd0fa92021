//! References that a tool before the launcher should have replaced by the secret.

use crate::contract::model::{Kind, Row};

/// How references begin: those of interface section 7, and what other tools leave behind. Each
/// has a character that no generated hexadecimal or base64 value begins with.
const PREFIXES: [&str; 41] = [
    // Templates: shell and compose, Kubernetes, mustache and Helm, supervisord, Spring, ERB,
    // Octopus.
    "${",
    "$(",
    "{{",
    "%(ENV_",
    "{cipher}",
    "<%",
    "#{",
    // Secret managers: 1Password, Vault, OpenBao, AWS, Azure, Google, Proton Pass, Bitwarden,
    // Infisical, Doppler, Keeper, Akeyless, Conjur, argocd-vault-plugin.
    "op://",
    "vault:",
    ">>vault:",
    "bao:",
    "arn:aws:secretsmanager",
    "arn:aws:ssm",
    "aws:secretsmanager:",
    "awssm://",
    "awsps://",
    "awsssm://",
    "secretsmanager://",
    "ssm://",
    "@Microsoft.KeyVault(",
    "akv:",
    "azure:keyvault:",
    "azurekeyvault://",
    "gcp:",
    "gcpsm://",
    "sm://",
    "pass://",
    "bws://",
    "infisical://",
    "doppler://",
    "keeper://",
    "akeyless:",
    "conjur:",
    "<path:",
    // Encrypted values: dotenvx, sops, jasypt, ejson, Ansible Vault, age, PGP.
    "encrypted:",
    "ENC[",
    "ENC(",
    "sops:",
    "EJ[1:",
    "$ANSIBLE_VAULT;",
    "-----BEGIN AGE ENCRYPTED FILE-----",
];

/// The places in [`PREFIXES`] of those that begin with each ASCII character, as bits. To look at
/// all of them took 500 instructions for each value.
const BY_FIRST: [u64; 128] = {
    let mut table = [0; 128];
    let mut at = 0;
    while at < PREFIXES.len() {
        // A constant's own table: an index outside it would not compile.
        #[allow(clippy::indexing_slicing, reason = "evaluated by the compiler")]
        {
            table[PREFIXES[at].as_bytes()[0] as usize] |= 1 << at;
        }
        at += 1;
    }
    table
};

/// Whether the value begins as such a reference does.
pub fn is_unresolved(row: &Row, value: &[u8]) -> bool {
    let first = usize::from(value.first().copied().unwrap_or_default());
    let mut candidates = BY_FIRST.get(first).copied().unwrap_or_default();
    let mut begins = false;
    while candidates != 0 && !begins {
        let prefix = PREFIXES.get(candidates.trailing_zeros() as usize);
        begins = prefix.is_some_and(|prefix| value.starts_with(prefix.as_bytes()));
        candidates &= candidates - 1;
    }
    begins || is_vals(value) || is_own_name(row, value) || is_stand_in(row, value)
}

/// Where secrets and their copies are mounted: a path below one of these is what a `_FILE` name was
/// meant for. A path's first five bytes begin one base64 value in a thousand million.
const DIRECTORIES: [&str; 12] = [
    "/run/",
    "/var/",
    "/etc/",
    "/mnt/",
    "/opt/",
    "/srv/",
    "/usr/",
    "/app/",
    "/tmp/",
    "/home/",
    "/secrets/",
    "/vault/",
];

/// What is plainly no secret, where the row's secrets are long and random: the path of a file whose
/// content was meant, and a name between marks that a pipeline should have replaced.
fn is_stand_in(row: &Row, value: &[u8]) -> bool {
    let between = |mark: &[u8]| {
        let inner = value.strip_prefix(mark).and_then(|rest| rest.strip_suffix(mark));
        inner.is_some_and(is_constant)
    };
    let stands_in = match value.first() {
        Some(b'/') => DIRECTORIES.iter().any(|above| value.starts_with(above.as_bytes())),
        Some(b'f') => value.starts_with(b"file:"),
        Some(b'$') => value.get(1..).is_some_and(is_constant),
        Some(b'_') => between(b"__"),
        Some(b'@') => between(b"@") || between(b"@@"),
        Some(b'%') => between(b"%") || between(b"%%"),
        _ => false,
    };
    let format = &row.format;
    let is_random = || {
        row.secret
            && (format.min_bytes.is_some()
                || matches!(format.kind, Kind::Hex { .. } | Kind::Base64 { .. }))
    };
    stands_in && is_random()
}

/// A name in capitals of several words: `JWT_SECRET`. A password that is one is none.
fn is_constant(text: &[u8]) -> bool {
    let name = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    text.len() >= 8
        && text.iter().all(name)
        && text.first().is_some_and(u8::is_ascii_uppercase)
        && text.contains(&b'_')
}

/// `ref+vault://…` of vals and helmfile. `ref+` alone begins one base64 value in 17 million; a
/// `:` none has.
fn is_vals(value: &[u8]) -> bool {
    let rest = value.strip_prefix(b"ref+").or_else(|| value.strip_prefix(b"secretref+"));
    rest.is_some_and(|rest| rest.contains(&b':'))
}

/// `$JWT_SECRET` as the value of JWT_SECRET: a shell that did not expand. Other names after a `$`
/// may be passwords.
fn is_own_name(row: &Row, value: &[u8]) -> bool {
    value.strip_prefix(b"$").is_some_and(|name| {
        name == row.name.as_bytes() || row.aliases.iter().any(|alias| name == alias.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::builtin;

    #[test]
    fn a_variable_of_its_own_name_is_a_shell_that_did_not_expand() {
        let row = *builtin::CONTRACT.row(builtin::CONTRACT.known(b"OPENAI_API_KEY").unwrap().row);
        for (text, unresolved) in [
            ("$OPENAI_API_KEY", true),
            ("$NEXIS_OPENAI_API_KEY", true),
            ("$OTHER_API_KEY", false),
            ("OPENAI_API_KEY", false),
        ] {
            assert_eq!(is_unresolved(&row, text.as_bytes()), unresolved, "{text}");
        }
    }

    #[test]
    fn what_stands_for_a_secret_is_known_where_secrets_are_random() {
        let row = |name: &[u8]| *builtin::CONTRACT.row(builtin::CONTRACT.known(name).unwrap().row);
        let random = [row(b"JWT_SECRET"), row(b"NEXIS_ENCRYPTION_KEY")];
        // What is no secret, or no random one, may be all of this.
        let others = [
            Row { secret: false, ..row(b"JWT_SECRET") },
            row(b"NEXIS_CSP_POLICY"),
            row(b"DATABASE_URL"),
        ];
        for text in [
            "/run/secrets/nexis-gateway/jwt-secret",
            "/etc/nexis/jwt",
            "file:///run/secrets/nexis-gateway/jwt-secret",
            "$NEXIS_GATEWAY_JWT_SECRET_PRODUCTION",
            "__JWT_SECRET_FROM_DEPLOY_PIPELINE_1__",
            "@@JWT_SECRET@@",
            "%JWT_SECRET%",
        ] {
            assert!(random.iter().all(|row| is_unresolved(row, text.as_bytes())), "{text}");
            assert!(!others.iter().any(|row| is_unresolved(row, text.as_bytes())), "{text}");
        }
        for text in [
            "/runZx8vQ2kLm5Rt7Yw9Nb3Hc6JdPq1Xs4",
            "$NEXISZx8vQ2kLm5Rt7Yw9Nb3Hc6JdPq1Xs4",
            "$NEXIS",
            "__Zx8vQ2kLm5Rt7Yw9Nb3Hc6JdPq1Xs4__",
            "%Zx8vQ2kLm5Rt7Yw9Nb3Hc6JdPq1Xs4%",
        ] {
            assert!(!random.iter().any(|row| is_unresolved(row, text.as_bytes())), "{text}");
        }
    }
}
