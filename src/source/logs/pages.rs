//! The events of a stream as GetLogEvents hands them out, page by page, from the oldest on.
//!
//! Its end is where AWS says so: the token that comes back is the one that was sent ("GetLogEvents"). A page without a token
//! is no answer at all, and neither a short nor an empty page is an end.

use std::time::Duration;

use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;

use super::stream::EventPage;
use super::stream::LogEvent;
use super::stream::MOST;
use super::stream::StreamQuestion;
use crate::source::Refusal;
use crate::source::refused::Need;

/// How often a question is asked to which the answer makes no sense.
pub(super) const TRIES: u32 = 4;
/// Pause before it is asked again, each twice as long as the last.
pub(super) const PAUSE: Duration = Duration::from_millis(200);
/// Empty pages in a row before we believe that the stream does not go on: "GetLogEvents" allows them and names no number.
const EMPTY_PAGES: u32 = 1000;

/// What came of asking for a page.
pub(super) enum Next {
    Page(EventPage),
    /// The token is too old ("GetLogEvents": it holds for 24 hours).
    Stale,
    /// This class of group has no GetLogEvents.
    Unsupported,
}

/// Where reading stands.
#[derive(Default)]
pub(super) struct Pages {
    pub(super) token: Option<String>,
    read: u32,
    empty: u32,
}

impl Pages {
    pub(super) fn behind(token: Option<String>) -> Self {
        Self { token, ..Self::default() }
    }

    pub(super) async fn next(
        &mut self,
        asked: &StreamQuestion,
        limit: i32,
    ) -> Result<Next, Refusal> {
        let mut pause = PAUSE;
        for _ in 0..TRIES {
            let (identifier, name) = asked.group.clone();
            let ask = asked
                .client
                .get_log_events()
                .set_log_group_identifier(identifier)
                .set_log_group_name(name)
                .log_stream_name(&asked.stream)
                .limit(limit.min(MOST))
                .start_from_head(true)
                .set_next_token(self.token.clone());
            let turn = asked.connection.calls.turn().await;
            let answer = ask.send().await;
            drop(turn);
            let page = match answer {
                Ok(it) => it,
                Err(it) => {
                    let code = it.meta().code().unwrap_or_default();
                    let first = self.read == 0;
                    if first && code == "InvalidOperationException" {
                        return Ok(Next::Unsupported);
                    }
                    if first && self.token.is_some() && code == "InvalidParameterException" {
                        return Ok(Next::Stale);
                    }
                    if !first && code == "ResourceNotFoundException" {
                        // There will be no other chance to read it: what came is kept, and said to be a part.
                        let why = "the stream was deleted while it was being read".to_owned();
                        return Ok(Next::Page(EventPage {
                            ended: true,
                            damaged: Some(why),
                            ..EventPage::default()
                        }));
                    }
                    let need = Need::of("logs:GetLogEvents", &*asked.resource);
                    return Err(asked.connection.refused(&it, &need));
                }
            };
            let Some(token) = page.next_forward_token().map(str::to_owned) else {
                tokio::time::sleep(pause).await;
                pause *= 2;
                continue;
            };
            self.read += 1;
            let ended = self.token.as_ref() == Some(&token);
            self.token = Some(token);
            self.empty = if page.events().is_empty() { self.empty + 1 } else { 0 };
            if !ended && self.empty >= EMPTY_PAGES {
                return Err(Refusal::new(format!(
                    "the stream does not go on: AWS sent {EMPTY_PAGES} empty pages in a row"
                ))
                .again());
            }
            let events = page
                .events
                .unwrap_or_default()
                .into_iter()
                .map(|it| LogEvent {
                    at: it.timestamp.unwrap_or(0),
                    message: it.message.unwrap_or_default(),
                    taken_in: it.ingestion_time,
                    id: None,
                })
                .collect();
            return Ok(Next::Page(EventPage { events, ended, ..EventPage::default() }));
        }
        Err(Refusal::new(format!(
            "GetLogEvents answered {TRIES} times without a token, so whether the stream goes on is not known"
        ))
        .again())
    }
}
