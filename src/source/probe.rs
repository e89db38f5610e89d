//! Whether a source can be read: each thing that reading needs, tried once, with what is missing and what would allow it.
//!
//! The least that proves something: one page of a listing, one byte of one object, one event. Nothing is kept.

use std::time::Duration;

use crate::config::Access;
use crate::config::SourceSpec;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Listed;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::any::access_to;
use crate::source::any::open;
use crate::source::aws::Connection;

/// How far a machine's clock may be off before AWS refuses its signatures ("Signing AWS API requests").
const SKEW: i64 = 5 * 60;

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// What it is: `identity`, `clock`, `place`, `list`, `read`.
    pub what: &'static str,
    /// What was seen, or why not.
    pub outcome: Result<String, Refusal>,
}

/// Tries one source. What cannot be tried because something before it failed is left out.
pub async fn probe_source(spec: &SourceSpec, access: &Access) -> Vec<Probe> {
    let mut probes = Vec::new();
    if let Err(last) = try_all(spec, access, &mut probes).await {
        probes.push(last);
    }
    probes
}

/// What went before goes to `probes`.
///
/// # Errors
/// The probe behind which nothing can be tried.
async fn try_all(spec: &SourceSpec, access: &Access, probes: &mut Vec<Probe>) -> Result<(), Probe> {
    let failed = |what| move |it: Refusal| Probe { what, outcome: Err(it) };
    if spec.place.is_in_aws() {
        let connection =
            Connection::open(&access_to(spec, access)).await.map_err(failed("identity"))?;
        let identity = connection.identity().await;
        let ends = identity.as_ref().is_err_and(|it| it.ends);
        probes.push(Probe { what: "identity", outcome: identity.map(|it| it.arn) });
        if let Some(skew) = connection.calls.skew() {
            probes.push(Probe { what: "clock", outcome: clock(skew) });
        }
        if ends {
            return Ok(());
        }
    }
    let source = open(spec, access).await.unwrap_or_else(|it| Err(it.into()));
    let source = source.map_err(failed("place"))?;
    probes.push(Probe { what: "place", outcome: Ok(source.described()) });
    let (first, seen) = first_object(&*source).await.map_err(failed("list"))?;
    let words = match (&first, seen) {
        (Some(_), _) => "allowed",
        (None, 0) => "it is empty, so reading could not be tried",
        (None, _) => "nothing in it could be a transcript, so reading could not be tried",
    };
    probes.push(Probe { what: "list", outcome: Ok(words.into()) });
    let Some(first) = first else { return Ok(()) };
    let read = tokio::time::timeout(Duration::from_secs(60), source.fetch(&first, None)).await;
    let read = read.unwrap_or_else(|_| Err(Refusal::new("AWS did not answer within a minute")));
    let name = match &first.handle {
        Handle::Path(it) => it.display().to_string(),
        _ => first.key.clone(),
    };
    let outcome = read.map(|_| format!("allowed, tried on {name}"));
    probes.push(Probe { what: "read", outcome });
    Ok(())
}

/// Enough of the listing to find something to read, and how much was seen of it.
async fn first_object(source: &dyn Source) -> Result<(Option<Listed>, u64), Refusal> {
    let (out, mut found) = tokio::sync::mpsc::channel::<Found>(64);
    // The channel closes where the look ends, and the listing with it.
    let looking = async move {
        let mut seen = 0;
        while let Some(it) = found.recv().await {
            seen += 1;
            if let Ok(it) = it
                && it.blocked.is_none()
            {
                return (Some(it), seen);
            }
        }
        (None, seen)
    };
    let (listed, looked) = tokio::join!(source.list(out), looking);
    listed.map(|()| looked)
}

/// How far this machine's clock is behind AWS's, in seconds.
fn clock(behind: i64) -> Result<String, Refusal> {
    let size = behind.abs();
    let words = match size {
        0..=1 => return Ok("right".into()),
        2..=119 => format!("{size} seconds"),
        _ => format!("{} minutes", size / 60),
    };
    let way = if behind > 0 { "slow" } else { "fast" };
    if size < SKEW {
        return Ok(format!("{words} {way}; AWS accepts five minutes"));
    }
    Err(Refusal::new(format!("this machine's clock is {words} {way}"))
        .hint("set the clock, for example `timedatectl set-ntp true`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_right_a_little_off_or_too_far_off() {
        assert_eq!(clock(-1).unwrap(), "right");
        assert_eq!(clock(90).unwrap(), "90 seconds slow; AWS accepts five minutes");
        assert_eq!(clock(-600).unwrap_err().why, "this machine's clock is 10 minutes fast");
    }
}
