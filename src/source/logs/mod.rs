//! A log group: every stream that a session wrote, be it while it ran or at its end.
//!
//! A stream grows while its session lives, and what DescribeLogStreams says of it lags behind ("LogStream": "typically less
//! than an hour, but in rare situations it might take longer"), so its times are part of its version and never proof that
//! there is nothing new. Reading goes on where it stopped: by AWS's token as long as that holds, else from the beginning
//! past what was read, which is counted and summed up: order of happening is not order of arrival, and where the sum is
//! another, something came late, and the stream is read anew. Application streams may lie beside session streams; what is no
//! session by its name or its first event is said and left.

pub use group::LogsSource;

/// Nouns of one stream.
mod stream;

/// By GetLogEvents.
mod pages;

/// By Logs Insights, where GetLogEvents is refused.
mod insights;

/// The events of one stream.
mod reading;

/// The group and its listing.
mod group;
