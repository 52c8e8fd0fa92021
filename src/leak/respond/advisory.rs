//! The draft of an advisory: what happened and what to do, without a value or a place.

use super::{Incident, Standing, count, plain, quoted};
use crate::manifest::Shown;
use std::fmt::Write as _;

/// What those who have to act are told, as a draft.
pub fn advisory(incident: &Incident) -> String {
    let mut out = String::with_capacity(1024);
    let class = incident.class.as_ref().map_or_else(String::new, |it| format!(" ({})", plain(it)));
    let day = incident.time.as_str().get(..10).unwrap_or_default();
    let _ = write!(
        out,
        "# Draft: exposure of a key{class}\n\n\
         *Fill in what stands in capitals, take out what does not apply, and publish it privately \
         first. It holds no value; keep it so.*\n\n\
         ## What happened\n\n\
         On {day} we learnt that the key {} could be read by others than us. HOW, SINCE WHEN.\n\n\
         ## What it lets others do\n\n{}\n\n\
         ## What we did\n\n",
        quoted(&incident.name),
        reach(incident.class.as_ref().map(Shown::as_str)),
    );
    let state = match incident.standing {
        Standing::Revoked => "The key is revoked.",
        Standing::Replaced => "Another key is in use. The exposed one is revoked at TIME.",
        Standing::InProduction | Standing::Unknown => {
            "The key is replaced at TIME and revoked at TIME."
        }
        Standing::NotDeployed => "The key was never in use. It is revoked at TIME.",
    };
    let _ = writeln!(out, "- {state}");
    let reviewed = match (&incident.traced, &incident.scanned) {
        (None, None) => "Logs and audit records are under review.".to_owned(),
        (traced, scanned) => {
            let launches = traced.as_ref().map(|it| count(it.count(), "launch", "launches"));
            let places = scanned.as_ref().map(|it| count(it.count(), "place", "places"));
            let both: Vec<String> = [
                launches.map(|it| format!("{it} of our services held it")),
                places.map(|it| format!("it stood in {it} that we looked through")),
            ]
            .into_iter()
            .flatten()
            .collect();
            let traced = traced.as_ref().map_or(0, |it| it.unread + it.undecided);
            // In capitals, as all that is to be settled before it is sent.
            let rest = match traced + scanned.as_ref().map_or(0, |it| it.unread) {
                0 => String::new(),
                many => format!("; {many} COULD NOT BE READ OR COMPARED"),
            };
            format!("We reviewed records and files: {}{rest}.", both.join("; "))
        }
    };
    let _ = write!(
        out,
        "- {reviewed}\n- SIGNS OF USE BY OTHERS, OR THAT NONE WERE FOUND AND UNTIL WHEN RECORDS REACH.\n\n\
         ## What you have to do\n\n{}\n\n\
         ## Contact\n\nWHO, HOW.\n",
        act(incident.class.as_ref().map(Shown::as_str)),
    );
    out
}

fn reach(class: Option<&str>) -> &'static str {
    match class {
        Some("jwt-signing") => "Whoever has it can sign tokens for any user until it is revoked.",
        Some("encryption") => "Whoever has it and a copy of the stored data can read that data.",
        Some("webhook-hmac") => "Whoever has it can sign messages that look like ours.",
        Some("database") => "Whoever has it and reaches the server can read and change its data.",
        Some("provider-api-key") => "Whoever has it can call the provider on our account.",
        _ => "WHAT IT OPENS.",
    }
}

fn act(class: Option<&str>) -> &'static str {
    match class {
        Some("jwt-signing") => "Sign in again: every session has ended.",
        Some("webhook-hmac") => "Take the new key, and refuse messages signed with the old one.",
        Some("encryption") | Some("database") => {
            "Treat the data that DATA covers as read by others: ACTIONS."
        }
        _ => "Nothing, unless: ACTIONS.",
    }
}
