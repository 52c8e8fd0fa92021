//! The stable codes of findings, with severity, exit status, cause and mend of each.

use crate::error::Status;
use crate::mode::Mode;

/// Whether a finding stops the launch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Said, and the program starts.
    Warning,
    /// The program does not start.
    Error,
}

impl Severity {
    /// The word in manifests and contracts.
    pub const fn name(self) -> &'static str {
        match self {
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The default severities in development, staging and production, in the letters of the
/// interface's table: e error, w warning, `-` none.
const fn severities(letters: &[u8; 3]) -> [Option<Severity>; 3] {
    const fn one(letter: u8) -> Option<Severity> {
        match letter {
            b'e' => Some(Severity::Error),
            b'w' => Some(Severity::Warning),
            _ => None,
        }
    }
    let [development, staging, production] = *letters;
    [one(development), one(staging), one(production)]
}

macro_rules! codes {
    ($($variant:ident $name:literal $letters:literal $status:ident $cause:literal $mend:literal)*) => {
        /// A stable code. Its name never changes its meaning.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code {
            $(#[doc = $cause] $variant,)*
        }

        impl Code {
            /// Every code, in the order they are documented.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The name in manifests, contracts and options.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// The severities in development, staging and production.
            pub const fn severities(self) -> [Option<Severity>; 3] {
                match self { $(Code::$variant => severities($letters),)* }
            }

            /// The exit status that an error of this code leads to.
            pub const fn status(self) -> Status {
                match self { $(Code::$variant => Status::$status,)* }
            }

            /// How it comes about.
            pub const fn cause(self) -> &'static str {
                match self { $(Code::$variant => $cause,)* }
            }

            /// How it is mended.
            pub const fn mend(self) -> &'static str {
                match self { $(Code::$variant => $mend,)* }
            }
        }
    };
}

codes! {
    MissingRequired "missing-required" b"eee" NotMet
        "the mode or a feature that is on requires the variable, and no source holds a value"
        "supply it through one of its sources; `explain VARIABLE` lists them in order"
    BlankValue "blank-value" b"eee" NotMet
        "a source holds an empty or all-blank value, which counts as absent; a warning where another source supplies the variable or it is optional"
        "remove the blank setting, or give it a value"
    Conflict "conflict" b"wee" NotMet
        "two sources hold different values for one variable, or two settings contradict each other"
        "keep one of the two"
    IncompleteTemplate "incomplete-template" b"eee" NotMet
        "some of the parts that compose the variable are set, and others that are needed are absent"
        "set the absent parts, or set the variable itself"
    Placeholder "placeholder" b"wee" NotMet
        "the value is a placeholder from an example, or a value that is public in the program's own source"
        "generate a value and store it in your secret manager"
    UnresolvedReference "unresolved-reference" b"eee" NotMet
        "the value is a reference that a tool before the launcher should have replaced by the secret"
        "let that tool resolve it before the launch, or mount the secret as a file"
    TooShort "too-short" b"wee" NotMet
        "the secret has fewer bytes than its contract row demands"
        "generate a longer one, for example with openssl rand -base64 48"
    LowEntropy "low-entropy" b"wee" NotMet
        "the secret has fewer than 10 distinct bytes, one run over half of it, or is a sequence"
        "generate it with a cryptographic generator"
    BadFormat "bad-format" b"eee" NotMet
        "the value does not have the form that the program reads"
        "correct the value; `explain VARIABLE` shows the form"
    BadScheme "bad-scheme" b"eee" NotMet
        "the URL has a scheme that the program does not take"
        "use one of the schemes of the contract row"
    SurroundingSpace "surrounding-space" b"eee" NotMet
        "the value begins or ends with white space or a byte order mark, which the program would take as part of it"
        "remove it; write secret files without a second newline, for example with printf %s"
    SurroundingQuotes "surrounding-quotes" b"eee" NotMet
        "the value stands in quotes, which the program would take as part of it"
        "remove the quotes"
    NotUtf8 "not-utf8" b"eee" NotMet
        "the value is not UTF-8, which the program takes as unset"
        "store it as text, for example in base64"
    ContainsNul "contains-nul" b"eee" NotMet
        "the value has a NUL byte, which no environment variable can hold"
        "store it as text, for example in base64"
    TooLarge "too-large" b"eee" NotMet
        "the source holds more than 64 KiB, or more than its contract row allows"
        "mount the value itself and not a container of it"
    SourceUnreadable "source-unreadable" b"eee" NotMet
        "the file that a source names is missing or cannot be opened"
        "correct the path, or let the launcher's user read the file"
    SourceRefused "source-refused" b"eee" NotMet
        "the source is a directory, device, socket, or a pipe that was not named explicitly or gave nothing in time"
        "name a regular file"
    InsecurePermissions "insecure-permissions" b"wwe" NotMet
        "another user could write the file or the directory it stands in"
        "let root or the launcher's user own it, or name its owner in trusted_owners, and remove the others' right to write: chmod go-w"
    InsecureContract "insecure-contract" b"eee" NotMet
        "another user could write a contract that names providers, a file it extends, or the program of a provider, and so choose what the launcher runs; no provider was run"
        "let root or the launcher's user own them and the directories above, and remove the others' right to write: chmod go-w"
    ProviderFailed "provider-failed" b"eee" Temporary
        "a provider of the contract gave no value: it failed, took too long, wrote too much, nothing, or not what its form is; 78 where its program is missing or cannot be executed"
        "run its command by hand as the launcher's user, with the variables of its environment alone"
    SecretReused "secret-reused" b"wee" NotMet
        "one value stands under two secret names"
        "generate a value for each"
    SecretInArguments "secret-in-arguments" b"wee" NotMet
        "a secret stands in an argument of the program, which every user of the host can read"
        "let the program read it from its environment"
    UnknownVariable "unknown-variable" b"www" NotMet
        "a name with the program's prefix that nothing reads"
        "correct the spelling, or remove it"
    NotReadByProgram "not-read-by-program" b"www" NotMet
        "the program is known not to read this name"
        "do not rely on it"
    UndeclaredSecret "undeclared-secret" b"www" NotMet
        "an inherited name says that it is a secret, and the contract has no row for it"
        "declare it in an operator's contract, or start with --inherit contract"
    UnknownMode "unknown-mode" b"eee" NotMet
        "the mode is none of development, staging, production and the contract's spellings; the rest is judged as production"
        "set the mode to one of them"
    ModeConflict "mode-conflict" b"eee" NotMet
        "NEXIS_ENV asks for a stricter mode than the one in force (a warning where the command line chose the mode), or is set twice, to different values"
        "let both say the same"
    ModeUnset "mode-unset" b"--w" NotMet
        "nothing says the mode, so production is assumed"
        "set NEXIS_ENV, or use `nexis-launch dev` on a laptop"
    ModeNotRead "mode-not-read" b"www" NotMet
        "a directory of secrets or credentials has a file of the mode's name, and the mode is read from no file"
        "set it in the environment or in an env file, or remove the file"
    EphemeralSecret "ephemeral-secret" b"w--" NotMet
        "no source has a value, so one was generated that is gone with the process"
        "set a value to keep sessions over a restart; `nexis-launch init` writes one"
    InsecureTransport "insecure-transport" b"-ww" NotMet
        "the URL crosses a network without TLS"
        "ask for TLS in the URL: sslmode=require or stricter, for MySQL ssl-mode=REQUIRED in a whole URL, rediss://, https://"
    InsecureSetting "insecure-setting" b"www" NotMet
        "a setting is allowed and weakens the program"
        "see the finding's own hint"
    NoFileToDeliver "no-file-to-deliver" b"eee" NotMet
        "the contract delivers a path, and the value did not come from a file"
        "mount the value as a file"
    DebugInProduction "debug-in-production" b"--e" NotMet
        "the log level is debug or trace, at which the program logs credentials"
        "use info or a stricter level"
    MalformedEnvironment "malformed-environment" b"www" NotMet
        "an inherited entry has no name, or a name occurs twice; the first of two is used"
        "look at what starts the launcher"
    EnvFileInvalid "env-file-invalid" b"eee" Data
        "a line of an env file is not NAME=VALUE"
        "write NAME=VALUE, without spaces around =; the README has the rules under Env files"
    NotExpanded "not-expanded" b"www" NotMet
        "a value of an env file has $NAME, ${ or $( as a shell would expand it; nothing is expanded"
        "write the value itself; in single quotes the $ is meant"
    KeyInvalid "key-invalid" b"eee" Data
        "a key file does not hold 64 hex digits"
        "make a key with: openssl rand -hex 32"
    FileMissing "file-missing" b"eee" NoInput
        "a file or directory named by an option or setting is missing or cannot be read"
        "correct the path, or let the launcher's user read what it leads to"
    ProgramNotFound "program-not-found" b"eee" NotFound
        "the program does not exist, or is in no absolute entry of PATH"
        "check that it is installed, or give its path; one without a slash is looked for in PATH alone"
    ProgramNotExecutable "program-not-executable" b"eee" NotExecutable
        "the program exists and cannot be executed"
        "check its mode, its format and its interpreter"
    PrivilegesNotDropped "privileges-not-dropped" b"eee" NoPermission
        "the user that the program is to run as does not exist, or the launcher may not become it"
        "start the launcher as root or with CAP_SETUID and CAP_SETGID, and name a user that /etc/passwd lists, or its number"
    OutputNotMasked "output-not-masked" b"eee" Usage
        "--mask-output was asked for where the program's output is a terminal, or where the program is process 1 of a container"
        "send the output to a pipe or a file, start an init before the launcher, or leave --mask-output out"
    SecretNotMasked "secret-not-masked" b"www" NotMet
        "--mask-output does not look for secrets of fewer than 8 bytes, which would shred the output"
        "give the secret more bytes"
    EnvironmentTooLarge "environment-too-large" b"eee" NotExecutable
        "the environment or an argument is larger than the kernel takes (execve(2), limits on size)"
        "mount large values as files"
    AcceptanceUnused "acceptance-unused" b"www" NotMet
        "an --accept matches no error, or its last day is past"
        "remove it, or correct its code, its variable or its day"
    PlaintextSecret "plaintext-secret" b"wee" NotMet
        "a file of the deployment holds a secret, or a default for it, in plain text"
        "take it out, replace the value, and mount it as a file from your secret manager"
    SecretInEnvironment "secret-in-environment" b"www" NotMet
        "the deployment passes a secret by the environment, where child processes and crash reports see it"
        "mount it as a file: a Secret volume, `secrets:` of compose, LoadCredential="
    NotMapped "not-mapped" b"eee" NotMet
        "the deployment sets a name that only the launcher reads, and starts the program without the launcher"
        "start the program by nexis-launch run --, or set the runtime name"
    LauncherMissing "launcher-missing" b"eee" NotMet
        "the deployment's command starts the program without the launcher"
        "put nexis-launch run -- before the program, or leave the command to the image"
    UnpinnedImage "unpinned-image" b"www" NotMet
        "the image has the tag latest or none, so two starts can be two programs"
        "name a version, or better a digest"
    ServiceLinks "service-links" b"www" NotMet
        "Kubernetes adds variables for every service of the namespace, under names that nobody chose"
        "set enableServiceLinks: false in the pod"
    NothingToCheck "nothing-to-check" b"www" NotMet
        "none of the deployment's files starts the program, holds its secrets or is an env file"
        "name the rendered files; see what `check --deployment` reads in the README"
    ForbiddenVariable "forbidden-variable" b"eee" NotMet
        "the contract's policy forbids the variable, and a source holds it"
        "take VARIABLE out of that source"
    ModeForbidden "mode-forbidden" b"eee" NotMet
        "the contract's policy allows other modes than the one in force"
        "start in a mode that the contract allows"
    ReportForbidden "report-forbidden" b"eee" Usage
        "--enforce report is asked for, and the contract's policy has enforce: refuse"
        "take --enforce and NEXIS_LAUNCH_ENFORCE out, and mend what is found"
    RotationDue "rotation-due" b"www" NotMet
        "the last fifth of the value's rotation window has begun, or its successor is deployed"
        "rotate it: `nexis-launch rotate plan VARIABLE` lists the steps; restart what still holds an old value"
    RotationOverdue "rotation-overdue" b"www" NotMet
        "the value is older than the rotation window of its class, past its own end, or past the end of the migration to its successor"
        "rotate it: `nexis-launch rotate plan VARIABLE` lists the steps; restart what still holds an old value"
    ValueExposed "value-exposed" b"www" NotMet
        "the ledger says that the value is suspected to be exposed; an error once its successor is recorded as deployed"
        "deploy its successor, restart with it, and revoke the exposed value"
    ValueRevoked "value-revoked" b"eee" NotMet
        "the ledger says that the value was revoked; this is never accepted"
        "supply the value in production; `nexis-launch rotate history VARIABLE` says when and by whom the other was revoked"
    NotInLedger "not-in-ledger" b"www" NotMet
        "the ledger has the variable and not this value, or its fingerprints were made under another key"
        "record the rotation that brought the value, or launch with the fingerprint key of the ledger"
    LedgerInvalid "ledger-invalid" b"eee" Data
        "a file of the ledger is damaged, or is no file of a ledger"
        "`nexis-launch ledger verify` says more; restore it from the copy that is kept elsewhere"
    AcceptanceInvalid "acceptance-invalid" b"eee" Usage
        "an --accept names a code that cannot be accepted, or a day that is too far ahead"
        "see `explain CODE`; at most 30 days ahead"
}

impl Code {
    /// The code of this name.
    pub fn parse(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether an error of this code is never accepted, whatever it is about: what was revoked,
    /// what others could have written, a mode under which other demands would be asked, and what
    /// is no demand of the contract.
    pub const fn is_never_accepted(self) -> bool {
        matches!(self, Code::ValueRevoked | Code::InsecureContract | Code::ModeForbidden)
            || !matches!(self.status(), Status::NotMet | Status::Temporary)
    }

    /// The severity in this mode, before a contract's override.
    pub const fn severity(self, mode: Mode) -> Option<Severity> {
        let [development, staging, production] = self.severities();
        match mode {
            Mode::Development => development,
            Mode::Staging => staging,
            Mode::Production => production,
        }
    }
}
