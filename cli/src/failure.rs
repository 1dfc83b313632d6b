//! Why a command ended without success, and what to do: words for people, a JSON object for programs, an exit code
//! for scripts. Knows nothing of where the failure came from.

use std::fmt;
use std::process::ExitCode;

use serde_json::{Value, json};

use crate::output::harmless;

/// What a command ends with.
pub(crate) type Ended<T = ()> = Result<T, Failure>;

/// The kinds of failure that scripts can tell apart; the number is the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(crate) enum Kind {
    /// Something went wrong.
    Failed = 1,
    /// The command line does not make sense.
    Usage = 2,
    /// There is no such thing.
    NotFound = 3,
    /// Nobody is logged in, or not somebody who may.
    Denied = 4,
    /// Somebody else has changed it meanwhile, or it is there already.
    Conflict = 5,
    /// The hub does not answer.
    Unreachable = 6,
    /// A check ran to its end and found something.
    CheckFailed = 7,
    /// Stopped by the one who started it.
    Interrupted = 130,
}

/// One thing that is wrong with what was sent.
#[derive(Clone, Debug)]
pub(crate) struct Flaw {
    /// The member; empty for the whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) message: String,
    /// How to mend it.
    pub(crate) fix: String,
}

/// A failure.
#[derive(Clone, Debug)]
pub(crate) struct Failure(Box<Story>);

#[derive(Clone, Debug)]
struct Story {
    kind: Kind,
    what: String,
    next: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    request_id: Option<String>,
    flaws: Vec<Flaw>,
    is_quiet: bool,
}

impl Failure {
    /// A failure of this kind, in lower-case words without a trailing dot.
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self(Box::new(Story {
            kind,
            what: what.into(),
            next: None,
            code: None,
            status: None,
            request_id: None,
            flaws: Vec::new(),
            is_quiet: false,
        }))
    }

    /// Something went wrong.
    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::new(Kind::Failed, what)
    }

    /// The command line does not make sense.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// A check found something; what it found is on standard output already.
    pub(crate) fn check(what: impl Into<String>) -> Self {
        Self::new(Kind::CheckFailed, what)
    }

    /// Stopped by the one who started it: nothing to say.
    pub(crate) fn interrupted() -> Self {
        let mut failure = Self::new(Kind::Interrupted, "interrupted");
        failure.0.is_quiet = true;
        failure
    }

    /// With what to do about it.
    #[must_use]
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.0.next = Some(next.into());
        self
    }

    /// With what the hub said.
    #[must_use]
    pub(crate) fn of_answer(mut self, status: u16, code: &str, request_id: Option<&str>) -> Self {
        self.0.status = Some(status);
        self.0.code = Some(code.to_owned()).filter(|code| !code.is_empty());
        self.0.request_id = request_id.map(str::to_owned);
        self
    }

    /// With what exactly is wrong.
    #[must_use]
    pub(crate) fn flaws(mut self, flaws: Vec<Flaw>) -> Self {
        self.0.flaws = flaws;
        self
    }

    /// As another kind of failure.
    #[must_use]
    pub(crate) fn of_kind(mut self, kind: Kind) -> Self {
        self.0.kind = kind;
        self
    }

    /// What the hub answered with.
    pub(crate) fn status(&self) -> Option<u16> {
        self.0.status
    }

    /// Which kind it is.
    pub(crate) fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether nothing is to be said about it.
    pub(crate) fn is_quiet(&self) -> bool {
        self.0.is_quiet
    }

    /// What the process ends with.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.0.kind as u8)
    }

    /// For programs.
    pub(crate) fn to_json(&self) -> Value {
        let story = &self.0;
        let mut error = json!({"exit_code": story.kind as u8, "message": story.what});
        if let Some(code) = &story.code {
            error["code"] = json!(code);
        }
        if let Some(status) = story.status {
            error["status"] = json!(status);
        }
        if let Some(id) = &story.request_id {
            error["request_id"] = json!(id);
        }
        if !story.flaws.is_empty() {
            let flaws = story
                .flaws
                .iter()
                .map(|flaw| json!({"field": flaw.field, "message": flaw.message, "fix": flaw.fix}));
            error["errors"] = flaws.collect();
        }
        if let Some(next) = &story.next {
            error["next"] = json!(next);
        }
        json!({"error": error})
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let story = &self.0;
        write!(f, "{}", harmless_lines(&story.what))?;
        for flaw in &story.flaws {
            write!(f, "\n  ")?;
            if !flaw.field.is_empty() {
                write!(f, "{}: ", harmless_lines(&flaw.field))?;
            }
            write!(f, "{}", harmless_lines(&flaw.message))?;
            if !flaw.fix.is_empty() {
                write!(f, "\n    fix: {}", flaw.fix)?;
            }
        }
        if let Some(next) = &story.next {
            write!(f, "\n  next: {next}")?;
        }
        if let Some(id) = &story.request_id {
            write!(f, "\n  request: {id}")?;
        }
        Ok(())
    }
}

/// Upstreams' and clients' own words may stand in it: lines stay lines, and nothing speaks to the terminal.
fn harmless_lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(harmless).collect();
    lines.join("\n")
}

impl std::error::Error for Failure {}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let mut failure = Self::failed(error.to_string());
        // Whoever read the output has enough: that is no failure of anybody.
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            failure.0.is_quiet = true;
        }
        failure
    }
}
