//! Who ran what over AWS Session Manager: transcripts in, an archive out, questions answered from it.
//!
//! The rooms below stand in reading order, which is the order of dependence: a room uses only rooms above it
//! (`tests/it/tidy.rs` holds this). Five storeys:
//!
//! ```text
//! words       error    time    text    aws_names    session
//! pure        transcript    secrets    notable    config    settings    audit    policy
//! hands       source (the outside)    archive (what is kept)    output (what is written for a person)
//! questions   uid    intake    sync    search    masking    query    report    replay    evidence
//! face        render    player    cli    main
//! ```
//!
//! What is *not* there matters as much, because it cannot be seen by reading:
//!
//! - `transcript` has no files, clock, threads or polars: any bytes decode, in time linear in their length.
//! - `audit` asks nobody and knows no time but the survey's: judged again in years, a survey gives the same findings.
//! - Nothing but `source` will ever know AWS, and nothing writes to it.
//! - Nothing but `archive::schema` names columns; nothing but `text` makes foreign text harmless, and all output goes through `render`,
//!   or through `player` to a terminal that is its own.
//! - Nothing but `main` knows what time it is.
//!
//! What does not stop a command is no error: a flaw of a transcript, a skipped object, a damaged file are values, and
//! each reaches the user and the exit code.

/// What stops a command.
pub mod error;

/// Instants, as people and programs write them.
pub mod time;

/// Foreign text made harmless, and numbers as people say them.
pub mod text;

/// What AWS calls things: ARNs, accounts, Regions, partitions, nodes.
pub mod aws_names;

/// The nouns: session id, window, skip.
pub mod session;

/// Bytes as logged become lines as seen and commands as typed. No I/O, no clock.
pub mod transcript;

/// Text → the same text, its secrets masked.
pub mod secrets;

/// Commands an auditor reads first.
pub mod notable;

/// What was settled beforehand: sources, and how to reach them. Text in, settings out.
pub mod config;

/// How the places are set, as AWS told it at one moment: known or unread.
pub mod settings;

/// Checks: settings and a promise in, findings out.
pub mod audit;

/// A survey in, policy documents out.
pub mod policy;

/// Where transcripts are. The only asynchronous room.
pub mod source;

/// The kept copy: tables, manifest, the one writer.
pub mod archive;

/// Files that a person names, written whole or not at all.
pub mod output;

/// Names of commands that outlive their places.
pub mod uid;

/// An object's bytes become the transcripts in it.
pub mod intake;

/// Bring what is missing into the archive.
pub mod sync;

/// Pattern and filters become hits.
pub mod search;

/// Rows as they may be shown.
pub mod masking;

/// The catalogue of saved questions.
pub mod query;

/// What the archive says of a window, for a report.
pub mod report;

/// A session as a film: what was shown, piece by piece, and when.
pub mod replay;

/// A report and the bytes it cites in one archive, and its proof.
pub mod evidence;

/// Values become what people and programs read.
pub mod render;

/// A film on a terminal.
pub mod player;

/// The command line and its answers.
pub mod cli;
