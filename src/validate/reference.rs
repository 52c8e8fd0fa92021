//! References that a tool before the launcher should have replaced by the secret.

use crate::contract::model::Row;

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

/// Whether the value begins as such a reference does.
pub fn is_unresolved(row: &Row, value: &[u8]) -> bool {
    let first = value.first();
    let begins =
        |prefix: &&str| prefix.as_bytes().first() == first && value.starts_with(prefix.as_bytes());
    PREFIXES.iter().any(begins) || is_vals(value) || is_own_name(row, value)
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
