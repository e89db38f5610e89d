//! The front door: the world is read once here, the exit code leaves here.

use std::io::IsTerminal;
use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use etcetera::BaseStrategy;
use ssmtrail::cli;
use ssmtrail::error::Kind;
use ssmtrail::time::At;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;

/// Set by Ctrl-C and SIGTERM: finish what is in hand, publish it, and leave.
static STOP: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let args = match cli::parse(std::env::args_os()) {
        Ok(it) => it,
        Err(it) => {
            match it.error.use_stderr() {
                true => drop(std::io::stderr().write_all(it.text.as_bytes())),
                // Help has colours where there is a terminal.
                false => drop(it.error.print()),
            }
            return ExitCode::from(it.code);
        }
    };
    watch_signals();
    let stdout = std::io::stdout();
    let columns = stdout.is_terminal().then(|| clap_columns().unwrap_or(100));
    let world = cli::World {
        now: now(),
        no_color: std::env::var_os("NO_COLOR").is_some_and(|it| !it.is_empty()),
        columns,
        progress: std::io::stderr().is_terminal(),
        stop: &STOP,
        data_home: etcetera::choose_base_strategy().ok().map(|it| it.data_dir()),
        config_home: etcetera::choose_base_strategy().ok().map(|it| it.config_dir()),
        folder: std::env::current_dir().unwrap_or_default(),
        environment: std::env::vars_os()
            .filter_map(|it| Some((it.0.into_string().ok()?, it.1.into_string().ok()?)))
            .filter(|it| it.0.starts_with("AWS_") || it.0.starts_with("SSMTRAIL_"))
            .collect(),
        user: user(),
        arguments: std::env::args_os()
            .skip(1)
            .map(|it| it.to_string_lossy().into_owned())
            .collect(),
    };
    let mut out = std::io::BufWriter::new(stdout.lock());
    let mut err = std::io::stderr();
    let answer = cli::run(args, &world, &mut out, &mut err);
    let flushed = out.flush();
    match answer {
        // Whoever reads our output has seen enough.
        Err(it) if it.kind == Kind::Closed => ExitCode::SUCCESS,
        Err(it) => {
            cli::complain(&it, &mut err);
            ExitCode::from(cli::Answer::Failed.code())
        }
        Ok(it) => match flushed {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                let _ = writeln!(err, "ssmtrail: cannot write the output: {error}");
                ExitCode::from(cli::Answer::Failed.code())
            }
            _ => ExitCode::from(it.code()),
        },
    }
}

/// Who runs this: not a variable, which anybody can set.
fn user() -> cli::User {
    #[cfg(target_os = "linux")]
    let uid = {
        use std::os::unix::fs::MetadataExt;
        // "proc_pid(5)": the folder belongs to the effective user.
        std::fs::metadata("/proc/self").ok().map(|it| it.uid())
    };
    #[cfg(not(target_os = "linux"))]
    let uid = None;
    // No login, as under cron, is the greatest number.
    let login = std::fs::read_to_string("/proc/self/loginuid").ok();
    let login_uid = login.and_then(|it| it.trim().parse().ok()).filter(|it| *it != u32::MAX);
    cli::User { name: whoami::fallible::username().ok(), uid, login_uid }
}

/// The second signal ends the process as it would without us.
fn watch_signals() {
    let watch = async || -> std::io::Result<()> {
        let mut term = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = term.recv() => {}
            }
            if STOP.swap(true, Ordering::Relaxed) {
                #[expect(clippy::exit, reason = "asked twice, we leave at once")]
                std::process::exit(130);
            }
        }
    };
    let run = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.and_then(|it| it.block_on(watch()))
    };
    let _ = std::thread::Builder::new().name("signals".into()).spawn(run);
}

fn clap_columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok()
}

/// The only clock of the house.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
fn now() -> At {
    let micros = |it: std::time::Duration| i64::try_from(it.as_micros()).unwrap_or(i64::MAX);
    // A clock may stand before 1970, where some libraries panic.
    At(match std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH) {
        Ok(it) => micros(it),
        Err(it) => -micros(it.duration()),
    })
}
