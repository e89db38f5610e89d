//! Checks of the other Session documents: can the record be switched off by choosing one of them, and who knows them.

use crate::audit::check::About;
use crate::audit::check::Check;
use crate::audit::checks::document::told::read;
use crate::audit::frameworks::Group;
use crate::audit::names::aws;
use crate::audit::preferences::Input;
use crate::audit::preferences::NAME;
use crate::audit::verdict::Answer;
use crate::audit::verdict::Judged;
use crate::audit::verdict::Severity;
use crate::audit::view::View;
use crate::settings::Corner;
use crate::settings::Document;
use crate::settings::Reason;

/// The checks below, in the order of the table.
pub(crate) const CHECKS: &[Check] = &[SIDE_DOOR, SHARED];

const SIDE_DOOR: Check = Check {
    id: "PREF-DOC-02",
    title: "No other Session document lets a shell run unlogged",
    severity: Severity::High,
    groups: &[Group::Generation],
    reads: &[&["ssm:ListDocuments", "ssm:GetDocument"]],
    why: "The document of a session replaces the preferences: whoever may choose it chooses whether there is a log.",
    then: "Give the document fixed destinations or delete it, and pin users to approved documents.",
    ask: &About::<Document>(side_door),
};

fn side_door((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    if it.name == NAME {
        return Ok(Judged::absent("these are the preferences (PREF-LOG-01)"));
    }
    if it.name.is_empty() {
        return Err(Reason::NotUnderstood.because("it has no name"));
    }
    let told = read(it, view)?;
    if !told.is_shell() {
        return Ok(Judged::info("it forwards ports, which is never logged"));
    }
    let promised = "fixed destinations";
    let delete = aws("ssm delete-document", &[("region", &corner.region), ("name", &it.name)]);
    let chosen = told.bucket.chosen().or(told.group.chosen());
    // Rules of a bucket's life and locks of its objects are by prefix.
    let chosen = chosen.or(told.prefix_chosen.as_deref().filter(|_| told.bucket != Input::Absent));
    let fixed = told.bucket.text().is_some() || told.group.text().is_some();
    let kind = &told.session_type;
    Ok(match (chosen, fixed) {
        (Some(it), _) => Judged::fail(format!("{kind}: whoever starts a session chooses {it}")),
        (None, false) => {
            Judged::fail(format!("{kind}: it names no destination, so its sessions are not logged"))
        }
        (None, true) => return Ok(Judged::pass("it names its destinations").promised(promised)),
    }
    .promised(promised)
    .risky(delete, "sessions that name this document no longer start"))
}

const SHARED: Check = Check {
    id: "PREF-DOC-03",
    title: "Session documents are not shared with everybody",
    severity: Severity::High,
    groups: &[Group::Access],
    reads: &[&["ssm:DescribeDocumentPermission", "ssm:GetDocument", "ssm:ListDocuments"]],
    why: "A public document tells everybody the names of your buckets, groups and keys.",
    then: "Stop sharing it.",
    ask: &About::<Document>(shared),
};

fn shared((it, corner): (&Document, &Corner), view: &View<'_>) -> Answer {
    let with = view.take(&it.shared_with)?;
    let foreign: Vec<&str> =
        with.iter().filter(|it| !view.is_ours(it)).map(String::as_str).collect();
    let judged = if with.iter().any(|it| it.eq_ignore_ascii_case("all")) {
        let which = [("region", corner.region.as_str()), ("name", &it.name)];
        let fix = aws("ssm modify-document-permission", &which)
            + " --permission-type Share --account-ids-to-remove all";
        Judged::fail("shared with everybody").fix(fix)
    } else if foreign.is_empty() {
        Judged::pass("not shared outside")
    } else {
        Judged::info(format!("shared with {}", foreign.join(", ")))
    };
    Ok(judged.promised("not with everybody"))
}
