//! Programs: the same thing at the same interval, in bursts no human has.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::act::{Act, ActorIndex, Extra, Place, Queue, Session, Subject};
use crate::company::Company;
use crate::config::DAY_MS;
use crate::seed;
use crate::shared::Shared;
use crate::vocabulary::{Action, Auth, Outcome, Reason, Role, SETTINGS, Tool, datasets_for};

/// What a service account is for. The order is that of the first services of every company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ServiceKind {
    /// Opens a ticket when a customer writes.
    Intake,
    /// Moves data into the warehouse.
    Etl,
    /// Exports invoices every night: bulk, and legitimate.
    Finance,
    /// Rolls out software.
    Deploy,
    /// Looks whether everything is alive, and opens a ticket when it is not.
    Monitor,
    /// Suspends spam accounts.
    Fraud,
    /// Gives and takes roles when people join and leave.
    Directory,
    /// Converts pictures.
    Media,
}

impl ServiceKind {
    const ALL: [Self; 8] =
        [Self::Intake, Self::Etl, Self::Finance, Self::Deploy, Self::Monitor, Self::Fraud, Self::Directory, Self::Media];

    pub(crate) fn nth(index: u32) -> Self {
        Self::ALL[index as usize % Self::ALL.len()]
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Intake => "helpdesk-intake",
            Self::Etl => "warehouse-etl",
            Self::Finance => "finance-export",
            Self::Deploy => "deploy",
            Self::Monitor => "monitor",
            Self::Fraud => "fraud-scan",
            Self::Directory => "directory-sync",
            Self::Media => "media-pool",
        }
    }

    fn period_ms(self) -> i64 {
        match self {
            Self::Media => 30_000,
            Self::Monitor => 60_000,
            Self::Fraud => 240_000,
            Self::Intake => 300_000,
            Self::Etl => 900_000,
            Self::Deploy => 1_200_000,
            Self::Directory => 3_600_000,
            Self::Finance => DAY_MS,
        }
    }
}

/// Session of a service: one for good, named after its number.
pub(crate) fn session_of(actor: ActorIndex, place: Place) -> Session {
    Session { id: actor.0, auth: Auth::Mtls, place }
}

/// The stream of one service account.
#[derive(Debug)]
pub(crate) struct ServiceStream {
    actor: ActorIndex,
    kind: ServiceKind,
    session: Session,
    next_ms: i64,
    rng: ChaCha8Rng,
}

impl ServiceStream {
    pub(crate) fn new(company: &Company, index: usize) -> Self {
        let service = &company.services[index];
        let actor = ActorIndex((company.people.len() + index) as u32);
        let mut rng = seed::stream(company.config.seed, u64::from(actor.0));
        let first_ms = match service.kind {
            // 02:10 UTC, when the books of the day are closed.
            ServiceKind::Finance => 7_800_000,
            kind => rng.random_range(0..kind.period_ms()),
        };
        let next_ms = company.config.start_ms + first_ms;
        Self { actor, kind: service.kind, session: session_of(actor, service.place), next_ms, rng }
    }

    /// Appends the next burst and sets the time of the one after it.
    pub(crate) fn refill(&mut self, company: &Company, shared: &mut Shared, out: &mut Vec<Act>) {
        match self.kind {
            ServiceKind::Intake | ServiceKind::Media => self.call("/internal/health", 1, out),
            ServiceKind::Monitor => self.call("/internal/probe", 1, out),
            ServiceKind::Etl => self.load_warehouse(out),
            ServiceKind::Finance => self.export_books(shared, out),
            ServiceKind::Deploy => self.deploy(out),
            ServiceKind::Fraud => self.scan(company, out),
            ServiceKind::Directory => self.sync_roles(company, out),
        }
        let burst_end_ms = out.last().map_or(self.next_ms, |it| it.at_ms + 1);
        let period_ms = match self.kind {
            ServiceKind::Finance => DAY_MS,
            kind => (kind.period_ms() as f64 / company.config.activity) as i64,
        };
        let jitter_ms = self.rng.random_range(-period_ms / 50..=period_ms / 50);
        self.next_ms = (self.next_ms + period_ms + jitter_ms).max(burst_end_ms);
    }

    fn act(&self, at_ms: i64, action: Action, tool: Tool, subject: Subject, extra: Extra) -> Act {
        Act {
            at_ms,
            actor: self.actor,
            action,
            outcome: Outcome::Success,
            tool,
            subject,
            ticket: None,
            reason: None,
            session: self.session,
            extra,
            label: None,
        }
    }

    fn call(&mut self, path: &'static str, calls: u32, out: &mut Vec<Act>) {
        let mut at_ms = self.next_ms;
        for _ in 0..calls {
            let host = Subject::Host(self.rng.random_range(0..400));
            out.push(self.act(at_ms, Action::ApiCall, Tool::ProdAccess, host, Extra::Path(path)));
            at_ms += self.rng.random_range(15..90);
        }
    }

    fn load_warehouse(&mut self, out: &mut Vec<Act>) {
        let mut at_ms = self.next_ms;
        for _ in 0..self.rng.random_range(2..=6) {
            let dataset = self.rng.random_range(datasets_for("product"));
            let rows = Extra::Rows(self.rng.random_range(2_000..9_000));
            out.push(self.act(at_ms, Action::DataQuery, Tool::DataWarehouse, Subject::Dataset(dataset), rows));
            at_ms += self.rng.random_range(80..600);
        }
    }

    fn export_books(&mut self, shared: &mut Shared, out: &mut Vec<Act>) {
        let ticket = shared.number(Queue::Internal);
        let mut at_ms = self.next_ms;
        for dataset in datasets_for("billing") {
            let rows = Extra::Rows(self.rng.random_range(400_000..2_500_000));
            let export = self.act(at_ms, Action::DataExport, Tool::DataWarehouse, Subject::Dataset(dataset), rows);
            out.push(Act { ticket: Some(ticket), reason: Some(Reason::Analysis), ..export });
            at_ms += self.rng.random_range(60_000..240_000);
        }
    }

    fn deploy(&mut self, out: &mut Vec<Act>) {
        let mut at_ms = self.next_ms;
        let setting = Subject::Setting(self.rng.random_range(0..SETTINGS.len() as u8));
        out.push(self.act(at_ms, Action::ConfigChange, Tool::ProdAccess, setting, Extra::Nothing));
        for _ in 0..self.rng.random_range(2..=6) {
            at_ms += self.rng.random_range(700..4_000);
            let host = Subject::Host(self.rng.random_range(0..400));
            out.push(self.act(at_ms, Action::ApiCall, Tool::ProdAccess, host, Extra::Path("/internal/rollout")));
        }
    }

    fn scan(&mut self, company: &Company, out: &mut Vec<Act>) {
        let calls = self.rng.random_range(6..30);
        self.call("/internal/abuse/score", calls, out);
        let at_ms = out.last().map_or(self.next_ms, |it| it.at_ms + 40);
        if self.rng.random_bool(0.6) {
            let account = Subject::Account(company.accounts.any_untagged(&mut self.rng));
            let suspend = self.act(at_ms, Action::Suspend, Tool::AdminPanel, account, Extra::Nothing);
            out.push(Act { reason: Some(Reason::SpamNetwork), ..suspend });
        }
    }

    fn sync_roles(&mut self, company: &Company, out: &mut Vec<Act>) {
        self.call("/internal/directory", 2, out);
        let day = ((self.next_ms - company.config.start_ms) / DAY_MS) as i32;
        let hour_of_day = (self.next_ms / 3_600_000) % 24;
        if hour_of_day != 5 {
            return;
        }
        let mut at_ms = out.last().map_or(self.next_ms, |it| it.at_ms + 50);
        for (index, person) in company.people.iter().enumerate() {
            let action = match (person.joins_day == day && day > 0, person.leaves_day == Some(day - 1)) {
                (true, _) => Action::RoleGrant,
                (_, true) => Action::RoleRevoke,
                _ => continue,
            };
            let grantee = ActorIndex(index as u32);
            let grant = Extra::Grant { role: person.role, grantee };
            let change = self.act(at_ms, action, Tool::Idp, Subject::Actor(grantee), grant);
            out.push(Act { reason: Some(Reason::AccessRequest), ..change });
            at_ms += self.rng.random_range(50..200);
        }
    }
}

/// A role that a request may ask for besides the requester's own.
pub(crate) const EXTRA_ROLES: [Role; 3] = [Role::SupportT2, Role::DataAnalyst, Role::TrustSafety];
