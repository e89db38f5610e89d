//! Whether a source can be read: each thing that reading needs, tried once, with what is missing and what would allow it.
//!
//! The least that proves something: one page of a listing, one byte of one object, one event. Nothing is kept.

use std::time::Duration;

use crate::config::Access;
use crate::config::Place;
use crate::config::SourceSpec;
use crate::config::Told;
use crate::source::Found;
use crate::source::Handle;
use crate::source::Refusal;
use crate::source::Source;
use crate::source::any::Any;
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

fn probe(what: &'static str, outcome: Result<String, Refusal>) -> Probe {
    Probe { what, outcome }
}

/// Tries one source. What cannot be tried because something before it failed is left out.
pub async fn probe_source(spec: &SourceSpec, access: &Access) -> Vec<Probe> {
    let mut probes = Vec::new();
    let mut access = access.clone();
    if let Place::Logs { region: Some(region), .. } = &spec.place {
        access.region = Some(Told { value: region.clone(), from: spec.from.clone() });
    }
    if !matches!(spec.place, Place::Folder(_)) {
        let connection = match Connection::open(&access).await {
            Ok(it) => it,
            Err(it) => {
                probes.push(probe("identity", Err(it)));
                return probes;
            }
        };
        let identity = connection.identity().await;
        let ends = identity.as_ref().is_err_and(|it| it.ends);
        probes.push(probe("identity", identity.map(|it| it.arn)));
        if let Some(skew) = connection.calls.skew() {
            probes.push(probe("clock", clock(skew)));
        }
        if ends {
            return probes;
        }
    }
    let source = match Any::open(spec, &access).await {
        Ok(Ok(it)) => it,
        Ok(Err(it)) => {
            probes.push(probe("place", Err(it)));
            return probes;
        }
        Err(it) => {
            let refusal = Refusal { why: it.what, hint: it.hint, ends: true };
            probes.push(probe("place", Err(refusal)));
            return probes;
        }
    };
    probes.push(probe("place", Ok(place(&source))));
    // Enough of the listing to find something to read.
    let (out, mut found) = tokio::sync::mpsc::channel(64);
    let mut first = None;
    let mut seen = 0;
    let listing = async {
        let it = source.list(out).await;
        Some(it)
    };
    let looking = async {
        while let Some(it) = found.recv().await {
            seen += 1;
            if let Found::Object(it) = it
                && it.blocked.is_none()
            {
                first = Some(it);
                break;
            }
        }
        drop(found);
    };
    let (listed, ()) = tokio::join!(listing, looking);
    if let Some(Err(it)) = listed {
        probes.push(probe("list", Err(it)));
        return probes;
    }
    let Some(first) = first else {
        let words = match seen {
            0 => "it is empty, so reading could not be tried".to_owned(),
            _ => "nothing in it could be a transcript, so reading could not be tried".to_owned(),
        };
        probes.push(probe("list", Ok(words)));
        return probes;
    };
    probes.push(probe("list", Ok("allowed".into())));
    let read = tokio::time::timeout(Duration::from_secs(60), source.fetch(&first, None)).await;
    let read = match read {
        Ok(Ok(_)) => Ok(format!("allowed, tried on {}", name(&first.handle))),
        Ok(Err(it)) => Err(it),
        Err(_) => Err(Refusal::new("AWS did not answer within a minute")),
    };
    probes.push(probe("read", read));
    probes
}

fn name(it: &Handle) -> String {
    match it {
        Handle::Path(it) => it.display().to_string(),
        Handle::Object { key, .. } => key.clone(),
        Handle::Stream { name, .. } => name.clone(),
    }
}

fn place(it: &Any) -> String {
    match it {
        Any::Folder(_) => "a folder".into(),
        Any::S3(it) => match it.region() {
            Some(region) => format!("a bucket in {region}"),
            None => "a bucket".into(),
        },
        Any::Logs(it) => {
            let (account, region) = it.whereabouts();
            let class = if it.is_infrequent() { ", of the Infrequent Access class" } else { "" };
            format!(
                "a log group in {} of {}{class}",
                region.as_deref().unwrap_or("?"),
                account.as_deref().unwrap_or("an account that may not be told")
            )
        }
    }
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
