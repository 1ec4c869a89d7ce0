//! What an error of a transaction means: librdkafka says what may be done about it, and only that is done.

use rdkafka::error::{KafkaError as ClientError, RDKafkaErrorCode as Code};

/// What has to be done about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// The same call is made again.
    Again(String),
    /// The transaction is aborted, and what was in it goes into another one.
    Abort(String),
    /// The producer is of no use any more. Fenced: somebody else has its transactional id, or it was away for longer than a transaction
    /// may last.
    Fatal { reason: String, is_fenced: bool },
    /// No repetition will help: we may not write or commit there, or the record can't be stored.
    Refused(String),
    /// Not an error: the runtime has ended meanwhile.
    Ended,
}

impl Fault {
    pub(super) fn of(error: &ClientError) -> Self {
        let reason = error.to_string();
        let code = error.rdkafka_error_code();
        if code.is_some_and(is_refusal) {
            return Self::Refused(reason);
        }
        match error {
            ClientError::Transaction(it) if it.is_fatal() => Self::Fatal { reason, is_fenced: is_fencing(it.code()) },
            ClientError::Transaction(it) if it.txn_requires_abort() => Self::Abort(reason),
            ClientError::Transaction(it) if it.is_retriable() => Self::Again(reason),
            ClientError::Flush(_) | ClientError::MessageProduction(Code::QueueFull) => Self::Again(reason),
            // The transaction has failed already, and takes no more records.
            ClientError::MessageProduction(Code::State | Code::PurgeQueue | Code::PurgeInflight) => Self::Abort(reason),
            ClientError::MessageProduction(Code::Fatal | Code::Fenced) => Self::Fatal { reason, is_fenced: true },
            ClientError::MessageProduction(_) => Self::Refused(reason),
            _ => Self::Fatal { reason, is_fenced: false },
        }
    }
}

fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::TransactionalIdAuthorizationFailed
            | Code::MessageSizeTooLarge
            | Code::InvalidTransactionTimeout
            | Code::UnsupportedVersion
            | Code::UnsupportedFeature
    )
}

/// A record that was not stored for such a reason never will be.
pub(super) fn is_lasting(code: Code) -> bool {
    let is_wrong = matches!(
        code,
        Code::UnknownTopic
            | Code::UnknownPartition
            | Code::UnknownTopicOrPartition
            | Code::InvalidTopic
            | Code::InvalidRecord
            | Code::PolicyViolation
    );
    is_wrong || is_refusal(code)
}

fn is_fencing(code: Code) -> bool {
    matches!(code, Code::Fenced | Code::ProducerFenced | Code::InvalidProducerEpoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &ClientError, expected: fn(String) -> Fault) {
        assert_eq!(Fault::of(error), expected(error.to_string()));
    }

    #[test]
    fn what_passes_is_tried_again() {
        check(&ClientError::Flush(Code::OperationTimedOut), Fault::Again);
        check(&ClientError::MessageProduction(Code::QueueFull), Fault::Again);
    }

    #[test]
    fn a_transaction_that_takes_no_more_records_is_aborted() {
        check(&ClientError::MessageProduction(Code::State), Fault::Abort);
    }

    #[test]
    fn what_will_never_be_allowed_is_not_tried_again() {
        check(&ClientError::MessageProduction(Code::MessageSizeTooLarge), Fault::Refused);
        check(&ClientError::MessageProduction(Code::TopicAuthorizationFailed), Fault::Refused);
        check(&ClientError::MessageProduction(Code::UnknownTopic), Fault::Refused);
    }

    #[test]
    fn a_fenced_producer_is_of_no_use() {
        let fault = Fault::of(&ClientError::MessageProduction(Code::Fenced));
        assert!(matches!(fault, Fault::Fatal { is_fenced: true, .. }));
    }
}
