//! The closed sets of words that events are written in: actions, tools, roles and the like.

/// Declares an enum whose variants each have one spelling in the JSON.
macro_rules! closed_set {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis enum $name { $($(#[$doc])* $variant,)+ }

        impl $name {
            /// The spelling used in events.
            $vis fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ }
            }
        }
    };
}

closed_set! {
    pub(crate) enum Action {
        AccountLookup => "account.lookup",
        AccountSearch => "account.search",
        ViewEmail => "account.view_email",
        ViewPhone => "account.view_phone",
        ContactChange => "account.contact_change",
        MfaDisable => "account.mfa_disable",
        PasswordReset => "password.reset",
        SessionRevoke => "session.revoke",
        Suspend => "account.suspend",
        Deactivate => "account.deactivate",
        DmRead => "dm.read",
        ArchiveDownload => "archive.download",
        CustomerExport => "customer.export",
        DataQuery => "data.query",
        DataExport => "data.export",
        ProdLogin => "prod.login",
        ProdCommand => "prod.command",
        RoleGrant => "role.grant",
        RoleRevoke => "role.revoke",
        AuditLogDisable => "audit_log.disable",
        AuditLogDelete => "audit_log.delete",
        LogSinkDisable => "log_sink.disable",
        Login => "login",
        MfaEnroll => "login.mfa_enroll",
        TicketOpen => "ticket.open",
        TicketClose => "ticket.close",
        ConfigChange => "config.change",
        ApiCall => "api.call",
        SecurityReport => "security.report",
        AssistantAsk => "assistant.ask",
    }
}

closed_set! {
    pub(crate) enum Tool {
        AgentConsole => "agent-console",
        AdminPanel => "admin-panel",
        ProdAccess => "prod-access",
        DataWarehouse => "data-warehouse",
        Idp => "idp",
        // Where customers' own requests come in; people never act through it.
        Helpdesk => "helpdesk",
        // New in the middle of a tabletop exercise.
        Assistant => "assistant",
    }
}

closed_set! {
    pub(crate) enum Outcome {
        Success => "success",
        Failure => "failure",
        Denied => "denied",
    }
}

closed_set! {
    pub(crate) enum Auth {
        Webauthn => "webauthn",
        Totp => "totp",
        Sms => "sms",
        Mtls => "mtls",
    }
}

closed_set! {
    /// How an actor is employed (`actor.type`).
    pub enum ActorKind {
        /// On the payroll.
        Employee => "employee",
        /// Works for a supplier.
        Contractor => "contractor",
        /// A program.
        Service => "service",
    }
}

closed_set! {
    /// What an actor is there to do (`actor.role`).
    pub enum Role {
        /// First-line customer support.
        SupportT1 => "support_t1",
        /// Second-line support: contact changes, second factors, exports.
        SupportT2 => "support_t2",
        /// Reviews reports of abuse.
        TrustSafety => "trust_safety",
        /// Runs production.
        Sre => "sre",
        /// Writes software.
        Engineer => "engineer",
        /// Answers questions from product data.
        DataAnalyst => "data_analyst",
        /// Answers questions from advertising data.
        AdsAnalyst => "ads_analyst",
        /// Defends the company.
        Security => "security",
        /// Gives and takes access.
        ItAdmin => "it_admin",
        /// Leads people.
        Manager => "manager",
        /// A program's role.
        Service => "service",
    }
}

closed_set! {
    /// The part of the day that an actor works (`actor.shift`), in the local time of the site.
    pub enum Shift {
        /// About 09:00-17:30, Monday to Friday.
        Office => "office",
        /// 08:00-16:20, five days a week.
        Day => "day",
        /// 13:30-21:45, five days a week.
        Evening => "evening",
        /// 21:45-06:05, five nights a week.
        Night => "night",
        /// Programs never sleep.
        Always => "always",
    }
}

closed_set! {
    pub(crate) enum Reason {
        LoginIssue => "login_issue",
        GeneralHelp => "general_help",
        ContactUpdate => "contact_update",
        LostFactor => "lost_second_factor",
        CompromisedAccount => "compromised_account",
        AbuseReport => "abuse_report",
        SpamNetwork => "spam_network",
        PrivacyRequest => "privacy_request",
        VipRequest => "vip_request",
        Restore => "account_restore",
        Browsing => "none_given",
        Incident => "incident",
        Maintenance => "maintenance",
        AccessRequest => "access_request",
        Analysis => "analysis",
    }
}

impl Reason {
    /// `justification.reason`, as an agent would pick it from a list.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::LoginIssue => "customer cannot sign in",
            Self::GeneralHelp => "customer request",
            Self::ContactUpdate => "customer asked to change contact data",
            Self::LostFactor => "customer lost the second factor",
            Self::CompromisedAccount => "customer reports a stolen account",
            Self::AbuseReport => "review of an abuse report",
            Self::SpamNetwork => "review of a spam network",
            Self::PrivacyRequest => "data subject request",
            Self::VipRequest => "request of a protected customer",
            Self::Restore => "customer wants the account back",
            Self::Browsing => "",
            Self::Incident => "production incident",
            Self::Maintenance => "planned change",
            Self::AccessRequest => "access request approved by the manager",
            Self::Analysis => "recurring report",
        }
    }
}

/// The warehouse: name and purpose (`detail.dataset`, `detail.dataset_purpose`).
pub(crate) const DATASETS: [(&str, &str); 12] = [
    ("product.daily_active", "product"),
    ("product.timeline_events", "product"),
    ("product.signup_funnel", "product"),
    ("product.experiment_results", "product"),
    ("ads.impressions", "ads"),
    ("ads.campaigns", "ads"),
    ("ads.audiences", "ads"),
    ("billing.invoices", "billing"),
    ("billing.payouts", "billing"),
    ("security.login_history", "security"),
    ("security.mfa_phone_numbers", "security"),
    ("security.abuse_signals", "security"),
];

/// The part of [`DATASETS`] that serves `purpose`, as a range of indices.
pub(crate) fn datasets_for(purpose: &str) -> std::ops::Range<u8> {
    match purpose {
        "product" => 0..4,
        "ads" => 4..7,
        "billing" => 7..9,
        _ => 9..12,
    }
}

/// Settings that `config.change` touches.
pub(crate) const SETTINGS: [&str; 7] = [
    "rate_limits.login",
    "feature.timeline_rank",
    "edge.cache_ttl",
    "search.shards",
    "media.transcode_pool",
    "push.batch_size",
    "logging.sink_archive",
];

/// The one of [`SETTINGS`] that is about logging.
pub(crate) const LOG_SINK: u8 = 6;

/// Commands that `prod.command` runs.
pub(crate) const COMMANDS: [&str; 8] = [
    "systemctl status timeline.service",
    "journalctl -u edge --since '10 min ago'",
    "kubectl -n web get pods -o wide",
    "tail -n 200 /var/log/app/\"current\".log",
    "df -h /srv",
    "curl -s localhost:9990/admin/metrics",
    "ss -s",
    "kubectl -n web rollout restart deploy/gateway",
];
