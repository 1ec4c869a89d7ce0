//! The lists that rules ask for by placeholder, consistent with the generated company.

use std::fmt::Write as _;

use crate::accounts::Accounts;
use crate::company::Company;
use crate::vocabulary::{Role, Shift};

/// Service accounts' own network.
pub(crate) const DATA_CENTRE: &str = "10.200.0.0/16";

impl Company {
    /// Files for a context directory: (file name, content). One value per line, `#` starts a comment.
    ///
    /// | file | values |
    /// |---|---|
    /// | `watchlist.txt` | `target.id` of short handles, exchanges and celebrities |
    /// | `corporate_networks.txt` | CIDR of the offices and the data centre |
    /// | `leavers.txt` | `actor.id` of people who have given notice or have left |
    /// | `service_accounts.txt` | `actor.id` of programs |
    /// | `night_shift.txt` | `actor.id` of people whose shift is the night |
    /// | `on_call.txt` | `actor.id` of people who may be called at night |
    /// | `vip_desk.txt` | `actor.id` of the desk for protected customers |
    /// | `joiners.txt` | `actor.id` of people who start during the simulation |
    pub fn context_files(&self) -> Vec<(&'static str, String)> {
        let watchlist = Accounts::watchlist().map(|it| self.accounts.id(it).to_string());
        let networks = self.sites.iter().map(|it| it.network.to_owned()).chain([DATA_CENTRE.to_owned()]);
        let services = self.services.iter().map(|it| it.id.clone());
        let people = |wanted: fn(&crate::Person) -> bool| self.people.iter().filter(move |it| wanted(it)).map(|it| it.id.clone());
        vec![
            ("watchlist.txt", list("Protected customers: account ids", watchlist)),
            ("corporate_networks.txt", list("Networks of offices and data centre", networks)),
            ("leavers.txt", list("People who have given notice or have left", people(|it| it.leaves_day.is_some()))),
            ("service_accounts.txt", list("Programs", services)),
            ("night_shift.txt", list("People whose shift is the night", people(|it| it.shift == Shift::Night))),
            ("on_call.txt", list("People who may be called at night", people(|it| it.role == Role::Sre))),
            ("vip_desk.txt", list("The desk for protected customers", people(|it| it.is_vip_desk))),
            ("joiners.txt", list("People who start during the simulation", people(|it| it.joins_day > 0))),
        ]
    }
}

fn list(title: &str, values: impl Iterator<Item = String>) -> String {
    let mut text = format!("# {title}\n");
    for value in values {
        writeln!(text, "{value}").expect("writing to a string cannot fail");
    }
    text
}
