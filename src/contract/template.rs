//! Skeletons for the places values are set in: names and demands, never a value.

use super::model::{Contract, Deliver, Kind, Row};
use super::words;
use std::fmt::Write;

/// Where the values are to be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An env file.
    Env,
    /// A directory with one file a secret.
    SecretsDir,
    /// A compose file's secrets.
    Compose,
    /// A Kubernetes Secret.
    Kubernetes,
    /// A systemd unit's credentials.
    Systemd,
}

impl Form {
    /// Every form with its word.
    pub const ALL: &'static [(&'static str, Form)] = &[
        ("env", Form::Env),
        ("secrets-dir", Form::SecretsDir),
        ("compose", Form::Compose),
        ("kubernetes", Form::Kubernetes),
        ("systemd", Form::Systemd),
    ];
}

/// The skeleton. Each is valid for its system as printed, and inert: nothing in it sets a value
/// until somebody fills it in.
pub fn render(contract: &Contract, form: Form) -> String {
    match form {
        Form::Env => env(contract),
        Form::SecretsDir => secrets_dir(contract),
        Form::Compose => compose(contract),
        Form::Kubernetes => kubernetes(contract),
        Form::Systemd => systemd(contract),
    }
}

/// Purpose, form and necessity of a row, each a comment after `indent`.
fn comments(contract: &Contract, row: &Row, indent: &str, text: &mut String) {
    let mut line = |words: &str| {
        let _ = writeln!(text, "{indent}# {words}");
    };
    if !row.purpose.is_empty() {
        line(row.purpose);
    }
    line(&format!("form: {}; required: {}", words::format(row), words::required(contract, row)));
    if let Some(newline) = words::final_newline(row) {
        line(&format!("final newline of a file: {newline}"));
    }
    let parts = words::parts(contract, row);
    if !parts.is_empty() {
        line(&format!("or composed of {}", parts.join(", ")));
    }
}

/// Secret rows, variables before parts.
fn secrets(contract: &Contract) -> impl Iterator<Item = &'static Row> {
    contract.rows.0.iter().filter(|row| row.secret)
}

/// The name a deployment sets: the first alias, else the row's own.
pub fn set_name(row: &Row) -> &'static str {
    row.aliases.first().copied().unwrap_or(row.name)
}

fn env(contract: &Contract) -> String {
    let head = format!(
        "# {}: an env file. Take the # and the space from a line and set its value.\n\
         # Secrets are better mounted as files.\n",
        contract.name
    );
    env_file(contract, head, |_| None)
}

/// An env file that begins with `head`. Each row has its demands and the line that `line` has for
/// it, or a line without a value that is commented out.
pub fn env_file(
    contract: &Contract,
    head: String,
    line: impl Fn(&Row) -> Option<String>,
) -> String {
    let mut text = head;
    type Belongs = fn(&Row) -> bool;
    let groups: [(&str, Belongs); 3] = [
        ("Secrets", |row| row.secret && !row.part),
        ("Settings", |row| !row.secret && !row.part),
        ("Parts, where a URL is not set whole", |row| row.part),
    ];
    for (title, belongs) in groups {
        let rows: Vec<&Row> = contract.rows.iter().filter(|row| belongs(row)).collect();
        if rows.is_empty() {
            continue;
        }
        let _ = write!(text, "\n# {title}\n");
        for row in rows {
            text.push('\n');
            comments(contract, row, "", &mut text);
            let _ = match line(row) {
                Some(line) => writeln!(text, "{line}"),
                // What is delivered as a path has to come from one.
                None if row.deliver == Deliver::AsFile => {
                    writeln!(text, "# {}_FILE=", set_name(row))
                }
                None => writeln!(text, "# {}=", set_name(row)),
            };
        }
    }
    text
}

fn secrets_dir(contract: &Contract) -> String {
    let mut text = format!(
        "# {}: one file a secret, holding the value alone, in /run/secrets/nexis, /run/secrets\n\
         # or a directory named by --secrets-dir. One final newline is taken off{}.\n",
        contract.name,
        match secrets(contract).any(|row| words::final_newline(row).is_some()) {
            true => " where nothing else is said",
            false => "",
        }
    );
    for row in secrets(contract) {
        let _ = write!(text, "\n{}\n", words::file_name(row));
        let _ = writeln!(text, "  # {}", row.name);
        comments(contract, row, "  ", &mut text);
    }
    text
}

fn compose(contract: &Contract) -> String {
    let mut text = format!(
        "# {}: secrets of a compose file. Compose mounts each at /run/secrets/NAME, where it is\n\
         # found without further settings. Name your image, and take the # and the space from both\n\
         # lines secrets: and from those you use, here and below.\n\
         services:\n  {}:\n    image: {}\n    # secrets:\n",
        contract.name,
        yaml_name(contract.name),
        yaml_name(&dns_name(contract.name)),
    );
    for row in secrets(contract) {
        let _ = writeln!(text, "    #   - {}", yaml_name(&words::file_name(row)));
    }
    text.push_str("\n# secrets:\n");
    for row in secrets(contract) {
        let name = words::file_name(row);
        let _ = write!(text, "\n# {}, at /run/secrets/{name}\n", row.name);
        comments(contract, row, "", &mut text);
        let _ = write!(text, "#   {}:\n#     file: ./secrets/{name}\n", yaml_name(&name));
    }
    text
}

fn kubernetes(contract: &Contract) -> String {
    let mut text = format!(
        "# {}: a Secret to mount as a directory at /run/secrets/nexis. Take the # and the space\n\
         # from the keys you use and set their values.\n\
         apiVersion: v1\nkind: Secret\nmetadata:\n  name: {}\ntype: Opaque\nstringData:\n",
        contract.name,
        yaml_name(&dns_name(contract.name)),
    );
    for row in secrets(contract) {
        let _ = write!(text, "\n  # {}\n", row.name);
        comments(contract, row, "  ", &mut text);
        let _ = writeln!(text, "  # {}: \"\"", yaml_name(&words::file_name(row)));
    }
    text
}

/// A name that YAML reads as text, in quotes where it is also a word of YAML 1.1 or begins as a
/// number does.
fn yaml_name(name: &str) -> String {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let plain = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic())
        && !WORDS.iter().any(|word| name.eq_ignore_ascii_case(word));
    if plain { name.to_owned() } else { format!("\"{name}\"") }
}

/// A contract's name as objects of Kubernetes and images are named (RFC 1123 labels and dots).
fn dns_name(name: &str) -> String {
    let name = name.to_ascii_lowercase().replace('_', "-");
    let labels: Vec<&str> = name.split('.').map(|label| label.trim_matches('-')).collect();
    labels.into_iter().filter(|label| !label.is_empty()).collect::<Vec<_>>().join(".")
}

fn systemd(contract: &Contract) -> String {
    let mut text = format!(
        "# {}: credentials of a unit, as a drop-in (UNIT.service.d/10-nexis-launch.conf). Each is\n\
         # the name and the path of the file that holds the value; LoadCredentialEncrypted= takes\n\
         # the same. Take the # and the space from those you use.\n\
         [Service]\n",
        contract.name
    );
    for row in secrets(contract) {
        let _ = write!(text, "\n# {}\n", row.name);
        comments(contract, row, "", &mut text);
        let _ = writeln!(text, "# LoadCredential={}:", words::file_name(row));
    }
    let settings = contract.rows.iter().filter(|row| !row.secret && !row.part);
    for row in settings.filter(|row| !row.required.is_empty() || row.format.kind == Kind::ModeName)
    {
        text.push('\n');
        comments(contract, row, "", &mut text);
        let _ = writeln!(text, "# Environment={}=", set_name(row));
    }
    text
}
