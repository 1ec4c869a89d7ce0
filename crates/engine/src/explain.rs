//! Why a rule matches an event or does not, told by the code that decides it.
