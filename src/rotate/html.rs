//! The history as one page: a timeline of each key's values, and every record. It loads nothing:
//! no script, no picture, no font, and its policy forbids them. Every text of a record is escaped.

use super::history::{History, Key, details};
use super::status::next_word;
use crate::ledger::state::{State, Value};
use crate::output::escape;
use jiff::Timestamp;
use std::fmt::Write as _;

/// The drawing's width in its own units, that of the labels in front, and the height of a row.
const WIDTH: i64 = 900;
const FRONT: i64 = 170;
const ROW: i64 = 26;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8886;--use:#2b7a4b;--new:#3b6fb5;--bad:#b3261e;--old:#9a6b00}\
body{font:15px/1.45 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.15rem;margin:2.2rem 0 .3rem}\
p.of{margin:.1rem 0 .6rem;opacity:.75}code{font:13px/1.4 ui-monospace,monospace;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.3rem .6rem .3rem 0;\
border-top:1px solid var(--line)}th{font-weight:600}td ul{margin:0;padding-left:1.1rem}\
li{overflow-wrap:anywhere}td.kind{white-space:nowrap;font-weight:600}td.time,td code{white-space:nowrap}\
.exposed td.kind,.revoked td.kind,.verification-failed td.kind,.no{color:var(--bad)}\
.deployed td.kind,.adopted td.kind,.yes{color:var(--use)}\
svg{width:100%;height:auto}svg text{font:12px ui-monospace,monospace;fill:currentColor}\
.axis{stroke:var(--line)}.use{fill:var(--use)}.new{fill:var(--new)}.old{fill:var(--old)}\
.mark{fill:var(--bad)}.key span{display:inline-block;width:.8em;height:.8em;margin:0 .35em 0 1em}\
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,svg{break-inside:avoid}}";

/// Text for between tags and in quoted attributes.
fn text(raw: &str) -> String {
    let mut safe = String::with_capacity(raw.len());
    for character in escape(raw).chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// The page.
pub(super) fn page(history: &History<'_>) -> String {
    let mut page = String::from(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"referrer\" content=\"no-referrer\">\n<title>Key rotation history</title>\n",
    );
    let _ =
        writeln!(page, "<style>{STYLE}</style>\n</head>\n<body>\n<h1>Key rotation history</h1>");
    let _ = match &history.head {
        Some(head) => writeln!(
            page,
            "<p>Made {}. <strong class=\"yes\">The chain was verified</strong>; the ledger's head is \
             <code>{}</code></p>",
            text(&history.time),
            text(head)
        ),
        None => writeln!(
            page,
            "<p>Made {}. <strong class=\"no\">The chain was not verified</strong>: no ledger key was \
             given.</p>",
            text(&history.time)
        ),
    };
    page.push_str(
        "<p class=\"key\"><span style=\"background:var(--new)\"></span>being rotated in\
         <span style=\"background:var(--use)\"></span>in production\
         <span style=\"background:var(--old)\"></span>in production beside its successor\
         <span style=\"background:var(--bad)\"></span>exposed</p>\n",
    );
    if history.keys.is_empty() {
        page.push_str("<p>No key is in the ledger.</p>\n");
    }
    for key in &history.keys {
        section(&mut page, key, &history.time);
    }
    page.push_str("</body>\n</html>\n");
    page
}

fn section(page: &mut String, key: &Key<'_>, now: &str) {
    let state = State::of(key.records);
    let _ = writeln!(page, "<h2>{}</h2>", text(key.name));
    let next = match next_word(&state) {
        Some(word @ ("abort" | "start")) => {
            format!("rotation to an exposed value under way, next step {word}")
        }
        Some(word) => format!("rotation under way, next step {word}"),
        None => "no rotation under way".to_owned(),
    };
    let count = key.records.len();
    let records = if count == 1 { "record" } else { "records" };
    let _ = writeln!(page, "<p class=\"of\">{}, {count} {records}, {next}</p>", text(&state.class));
    timeline(page, key, &state, now);
    page.push_str(
        "<table>\n<tr><th>#</th><th>Time</th><th>What</th><th>Value</th><th>Actor</th>\
         <th>Particulars</th></tr>\n",
    );
    for record in key.records {
        let _ = write!(
            page,
            "<tr class=\"{kind}\"><td>{}</td><td class=\"time\">{}</td><td class=\"kind\">{kind}</td>\
             <td><code>{}</code></td><td>{}</td><td>",
            record.seq,
            text(&record.time),
            text(&record.fingerprint),
            text(&record.actor),
            kind = record.kind.name(),
        );
        let details = details(record);
        if !details.is_empty() {
            page.push_str("<ul>");
            for (what, detail) in details {
                let _ = write!(page, "<li>{what}: {}</li>", text(&detail));
            }
            page.push_str("</ul>");
        }
        page.push_str("</td></tr>\n");
    }
    page.push_str("</table>\n");
}

/// Seconds since 1970.
fn second(time: &str) -> Option<i64> {
    time.parse::<Timestamp>().ok().map(Timestamp::as_second)
}

/// From the first record to now, and where in it a time stands.
struct Scale {
    first: i64,
    last: i64,
}

impl Scale {
    fn at(&self, second: i64) -> i64 {
        let span = (self.last - self.first).max(1);
        let room = WIDTH - FRONT - 10;
        // In 128 bits: seconds of centuries times the room are too many for 64.
        let along = i128::from(second - self.first) * i128::from(room) / i128::from(span);
        FRONT + i64::try_from(along).unwrap_or(0).clamp(0, room)
    }
}

/// One row a value: when it was rotated in, in production, beside its successor.
fn timeline(page: &mut String, key: &Key<'_>, state: &State, now: &str) {
    let times = key.records.iter().filter_map(|record| second(&record.time));
    let all: Vec<i64> = times.chain(second(now)).collect();
    let (Some(&first), Some(&last)) = (all.iter().min(), all.iter().max()) else { return };
    let scale = Scale { first, last };
    let rows = i64::try_from(state.values.len()).unwrap_or(0);
    let height = ROW * rows + 24;
    let _ = writeln!(
        page,
        "<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"timeline of {}\">",
        text(key.name)
    );
    for (row, value) in (0..).zip(&state.values) {
        bars(page, &scale, ROW * row, value, successor(state, value));
    }
    let (bottom, right) = (ROW * rows + 2, WIDTH - 10);
    // Of a short time the days alone would say nothing.
    let form = if last - first < 3 * 24 * 3600 { "%F %R" } else { "%F" };
    let day = |second: i64| {
        Timestamp::from_second(second)
            .map(|time| time.strftime(form).to_string())
            .unwrap_or_default()
    };
    let _ = writeln!(
        page,
        "<line class=\"axis\" x1=\"{FRONT}\" y1=\"{bottom}\" x2=\"{right}\" y2=\"{bottom}\"/>\
         <text x=\"{FRONT}\" y=\"{y}\">{}</text>\
         <text x=\"{right}\" y=\"{y}\" text-anchor=\"end\">{}</text>\n</svg>",
        day(first),
        day(last),
        y = bottom + 16,
    );
}

/// When the value after this one came to production.
fn successor(state: &State, value: &Value) -> Option<i64> {
    let after = state.values.iter().skip_while(|one| one.fingerprint != value.fingerprint).skip(1);
    after.filter_map(|later| second(later.deployed.as_deref()?)).min()
}

fn bars(page: &mut String, scale: &Scale, top: i64, value: &Value, successor: Option<i64>) {
    let of = |time: &Option<String>| time.as_deref().and_then(second);
    let end = of(&value.revoked).unwrap_or(scale.last);
    let deployed = of(&value.deployed);
    let mut bar = |class: &str, from: i64, to: i64| {
        // One that lasted no time at this scale is seen all the same.
        let (x, width) = (scale.at(from), (scale.at(to) - scale.at(from)).max(3));
        let _ = writeln!(
            page,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{}\" width=\"{width}\" height=\"14\" rx=\"2\"/>",
            top + 6
        );
    };
    if let Some(started) = of(&value.started) {
        bar("new", started, deployed.or(of(&value.aborted)).unwrap_or(scale.last));
    }
    if let Some(deployed) = deployed {
        let alone = successor.unwrap_or(end).clamp(deployed, end.max(deployed));
        bar("use", deployed, alone);
        if alone < end {
            bar("old", alone, end);
        }
    }
    if let Some(exposed) = value.exposed.as_ref().and_then(|exposed| second(&exposed.time)) {
        let _ = writeln!(
            page,
            "<circle class=\"mark\" cx=\"{}\" cy=\"{}\" r=\"6\"/>",
            scale.at(exposed),
            top + 13
        );
    }
    let _ = writeln!(page, "<text x=\"0\" y=\"{}\">{}</text>", top + 17, text(&value.fingerprint));
}
