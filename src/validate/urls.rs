//! The values that should be URLs, each read once for all who ask: the needles, the judge and the
//! manifest. Reading them for each was 70,000 of a launch's 490,000 instructions.

use crate::contract::model::{Contract, Display, Kind, RowId};
use crate::resolve::Resolution;
use crate::url::{self, Inspected};

/// What counts of each row of kind URL, sorted by row. There is no `Debug`.
pub struct Urls<'a>(Vec<(RowId, Inspected<'a>)>);

/// What may be shown of each such row, sorted by row.
#[derive(Default)]
pub struct Displays(Vec<(RowId, Option<String>)>);

impl<'a> Urls<'a> {
    /// Reads the winner of each row of kind URL.
    pub fn read(contract: &Contract, resolution: &'a Resolution) -> Self {
        let with_value = resolution.with_value().filter_map(|row| Some((row.id, row.value()?)));
        let urls = with_value
            .filter(|(id, _)| matches!(contract.row(*id).format.kind, Kind::Url { .. }))
            .map(|(id, value)| (id, Inspected::new(value.expose())));
        Urls(urls.collect())
    }

    /// What is known of the row's value; `None` where the row is of another kind or has none.
    pub fn get(&self, id: RowId) -> Option<&Inspected<'a>> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at).map(|(_, url)| url)
    }

    /// What may be shown of each, by its row.
    pub fn displays(&self, contract: &Contract) -> Displays {
        let display = |(id, inspected): &(RowId, Inspected<'_>)| {
            let row = contract.row(*id);
            let how = if row.secret { row.display } else { Display::Location };
            (*id, url::display_inspected(inspected, how))
        };
        Displays(self.0.iter().map(display).collect())
    }
}

impl Displays {
    /// What may be shown of the row's value.
    pub fn get(&self, id: RowId) -> Option<&str> {
        let at = self.0.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.0.get(at)?.1.as_deref()
    }
}
