//! The customers: a few hundred protected accounts that are stored, and millions of ordinary ones that are computed from their index.

use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

use crate::json::push_uint;
use crate::names;
use crate::seed::mix;

const SHORT_HANDLES: usize = 90;
const EXCHANGES: usize = 40;
const CELEBRITIES: usize = 240;
const EMPLOYEES: usize = 60;
/// Every so-manieth of the people has an account as a customer.
const EMPLOYEE_STEP: usize = 7;

const VERIFIED: u8 = 1;
const SHORT_HANDLE: u8 = 1 << 1;
const HIGH_PROFILE: u8 = 1 << 2;
const EXCHANGE: u8 = 1 << 3;
const CELEBRITY: u8 = 1 << 4;
const DELETED: u8 = 1 << 5;
const EMPLOYEE: u8 = 1 << 6;

const TAG_NAMES: [&str; 7] = ["verified", "short_handle", "high_profile", "exchange", "celebrity", "deleted", "employee"];

/// A customer account: an index into [`Accounts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AccountIndex(u32);

#[derive(Debug, Clone)]
struct Special {
    id: u64,
    label: String,
    tags: u8,
}

/// All customers.
#[derive(Debug, Clone)]
pub(crate) struct Accounts {
    specials: Vec<Special>,
    ordinary: u32,
    seed: u64,
    /// 1: every customer writes as often as any other. Above: a few write often, most hardly ever.
    skew: f64,
}

impl Accounts {
    /// `ordinary` is how many customers there are besides the protected ones.
    pub(crate) fn generate(seed: u64, ordinary: u32, rng: &mut ChaCha8Rng) -> Self {
        let mut labels: Vec<String> = Vec::with_capacity(SHORT_HANDLES);
        for _ in 0..SHORT_HANDLES {
            labels.push(names::short_handle(rng, &labels));
        }
        let mut specials = Vec::with_capacity(SHORT_HANDLES + EXCHANGES + CELEBRITIES + EMPLOYEES);
        let mut id = 700;
        let mut add = |label: String, tags: u8, rng: &mut ChaCha8Rng| {
            // Protected accounts are old, so that their ids are small; steps keep them distinct.
            id += rng.random_range(37..9_000);
            specials.push(Special { id, label, tags });
        };
        for label in labels {
            let verified = if rng.random_bool(0.3) { VERIFIED } else { 0 };
            add(label, SHORT_HANDLE | verified, rng);
        }
        for index in 0..EXCHANGES {
            add(names::exchange_handle(index), VERIFIED | HIGH_PROFILE | EXCHANGE, rng);
        }
        for index in 0..CELEBRITIES {
            add(names::celebrity_handle(index), VERIFIED | HIGH_PROFILE | CELEBRITY, rng);
        }
        for index in 0..EMPLOYEES {
            add(format!("@{}", names::mail_name(index * EMPLOYEE_STEP).replace('.', "_")), EMPLOYEE, rng);
        }
        Self { specials, ordinary: ordinary.max(1_000), seed, skew: 1.0 }
    }

    /// The same customers, of whom a few are met far more often than others: the share of contacts that the most popular `q` of them
    /// have is `q^(1/skew)`.
    #[must_use]
    pub(crate) fn with_skew(self, skew: f64) -> Self {
        Self { skew, ..self }
    }

    /// The short handles, as accounts.
    pub(crate) fn short_handles() -> impl Iterator<Item = AccountIndex> {
        (0..SHORT_HANDLES as u32).map(AccountIndex)
    }

    /// The crypto exchanges.
    pub(crate) fn exchanges() -> impl Iterator<Item = AccountIndex> {
        (SHORT_HANDLES as u32..(SHORT_HANDLES + EXCHANGES) as u32).map(AccountIndex)
    }

    /// The famous.
    pub(crate) fn celebrities() -> impl Iterator<Item = AccountIndex> {
        let first = SHORT_HANDLES + EXCHANGES;
        (first as u32..(first + CELEBRITIES) as u32).map(AccountIndex)
    }

    /// Every account that only the desk for protected customers should meet.
    pub(crate) fn watchlist() -> impl Iterator<Item = AccountIndex> {
        Self::short_handles().chain(Self::exchanges()).chain(Self::celebrities())
    }

    /// A customer like millions of others; a few are verified, none is deleted.
    pub(crate) fn any_ordinary(&self, rng: &mut ChaCha8Rng) -> AccountIndex {
        loop {
            let account = self.draw(rng);
            if self.tags(account) & DELETED == 0 {
                return account;
            }
        }
    }

    /// A customer without any tag.
    pub(crate) fn any_untagged(&self, rng: &mut ChaCha8Rng) -> AccountIndex {
        loop {
            let account = self.draw(rng);
            if self.tags(account) == 0 {
                return account;
            }
        }
    }

    /// A customer who has left.
    pub(crate) fn any_deleted(&self, rng: &mut ChaCha8Rng) -> AccountIndex {
        loop {
            let account = self.draw(rng);
            if self.tags(account) & DELETED != 0 {
                return account;
            }
        }
    }

    /// A protected customer.
    pub(crate) fn any_watchlisted(&self, rng: &mut ChaCha8Rng) -> AccountIndex {
        let among = (SHORT_HANDLES + EXCHANGES + CELEBRITIES) as u32;
        let rank = self.any_rank(among, rng);
        // Ranks are dealt over the three groups: each of them has its stars.
        AccountIndex(if self.skew > 1.0 { (u64::from(rank) * 157 % u64::from(among)) as u32 } else { rank })
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> AccountIndex {
        AccountIndex(self.specials.len() as u32 + self.any_rank(self.ordinary, rng))
    }

    /// One of `0..among`, the popular ones first.
    fn any_rank(&self, among: u32, rng: &mut ChaCha8Rng) -> u32 {
        if self.skew > 1.0 {
            let share: f64 = rng.random();
            return ((share.powf(self.skew) * f64::from(among)) as u32).min(among - 1);
        }
        rng.random_range(0..among)
    }

    /// The private account of an employee, and the number of that employee among the people.
    pub(crate) fn of_employees() -> impl Iterator<Item = (AccountIndex, usize)> {
        const FIRST: usize = SHORT_HANDLES + EXCHANGES + CELEBRITIES;
        (0..EMPLOYEES).map(|index| (AccountIndex((FIRST + index) as u32), index * EMPLOYEE_STEP))
    }

    /// The number under which other systems know the account.
    pub(crate) fn id(&self, account: AccountIndex) -> u64 {
        match self.specials.get(account.0 as usize) {
            Some(special) => special.id,
            // Above every protected id, and distinct because the hash stays below the step.
            None => 20_000_000 + u64::from(account.0) * 433 + self.hash(account) % 433,
        }
    }

    fn hash(&self, account: AccountIndex) -> u64 {
        mix(self.seed, u64::from(account.0))
    }

    fn tags(&self, account: AccountIndex) -> u8 {
        match self.specials.get(account.0 as usize) {
            Some(special) => special.tags,
            None => match self.hash(account) >> 56 {
                0 => VERIFIED,
                1 => DELETED,
                _ => 0,
            },
        }
    }

    /// Appends the account as the JSON object of an event's `target`.
    pub(crate) fn push_target(&self, out: &mut Vec<u8>, account: AccountIndex) {
        out.extend_from_slice(br#"{"type":"account","id":""#);
        push_uint(out, self.id(account));
        out.extend_from_slice(br#"","label":""#);
        match self.specials.get(account.0 as usize) {
            Some(special) => out.extend_from_slice(special.label.as_bytes()),
            None => names::push_plain_handle(out, self.hash(account)),
        }
        out.extend_from_slice(br#"","tags":["#);
        let mut tags = self.tags(account);
        while tags != 0 {
            out.push(b'"');
            out.extend_from_slice(TAG_NAMES[tags.trailing_zeros() as usize].as_bytes());
            out.push(b'"');
            tags &= tags - 1;
            if tags != 0 {
                out.push(b',');
            }
        }
        out.extend_from_slice(b"]}");
    }
}
