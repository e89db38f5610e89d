//! A tour of the tool, in reading order. What a person types, and all that they see: standard output, standard
//! error and exit code in one text. Most tests of the pieces stand beside the pieces, in `src`.

// The AWS emulator, a proxy that breaks things before it, and what `tests/run` sets up.
mod faults;
mod fields;
mod needs;
mod peer;
mod world;

// What a transcript tells, whatever the bytes.
mod decoding;

// Real shells in other clothes, and a ready emulator beside ours.
mod worn;

// What each piece of evidence was measured by.
mod weights;

// A folder goes in, an archive comes out; again and again.
mod strangers;
mod sync;

// The same from a bucket and a log group: one suite over all, each one's own faults, and a second emulator.
mod logs;
mod moto;
mod patience;
mod s3;
mod sources;

// The sources find themselves.
mod init;

// The places are judged.
mod findings;
mod judging;
mod pages;
mod verify;

// What the same settings explain, and the policies that they ask for.
mod doctor;
mod policy;

// Questions.
mod query;
mod search;
mod secrets;
mod show;

// What an audit ends with, and how it looks.
mod auditor;
mod browser;
mod evaluator;
mod evidence;
mod export;
mod replay;
mod report;

// The archive proves itself and survives what happens to disks and processes.
mod archive;
mod cost;
mod crash;
mod damage;

// Whatever was typed or printed, nothing of it acts on its reader.
mod hostile;

// The words on the screen and in the README are true.
mod words;

// The house keeps its own rules.
mod tidy;
