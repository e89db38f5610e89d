//! Policies as people attach them: golden, and held against the linters that the field uses.

use std::process::Command;

use expect_test::expect;
use expect_test::expect_file;
use serde_json::Value;
use serde_json::json;
use ssmtrail::audit::iam::conditions::Truth;
use ssmtrail::audit::iam::patterns::Carried;
use ssmtrail::audit::iam::policy::PolicyDocument;
use ssmtrail::audit::iam::policy::Which;
use ssmtrail::policy;
use ssmtrail::settings::Survey;

use crate::judging::set;
use crate::judging::sound;
use crate::needs::python;
use crate::world::World;

fn world() -> World {
    let world = World::new();
    world.file("survey.json", sound().to_string().as_bytes());
    world
}

#[test]
fn each_policy_names_what_the_survey_found_and_nothing_else() {
    let world = world();
    for what in ["writer", "auditor", "key", "bucket", "guard"] {
        let said = world.run(&format!("policy {what} --survey survey.json"));
        said.is_file(expect_file![format!("../answers/policy-{what}.json")]);
    }
    let said = world.run("policy auditor --for sync --survey survey.json");
    said.is_file(expect_file!["../answers/policy-auditor-sync.json"]);
    let said = world
        .run("policy bucket --survey survey.json --format terraform --organization o-example1");
    said.is_file(expect_file!["../answers/policy-bucket.tf"]);
}

#[test]
fn the_writers_policy_passes_the_checks_of_the_role_and_lacks_every_word_by_which_it_could_erase() {
    let survey = Survey::read(&sound().to_string()).expect("a survey");
    let text = policy::writer(&survey)[0].document.to_string();
    let it = PolicyDocument::read(&text).expect("a policy");
    let allows = |action: &str, resource: &str| {
        let covers = |it: &Which| it.covers(resource, false, &|_| Carried::Unknown) == Truth::Yes;
        it.statements.iter().any(|it| it.actions.holds_action(action) && covers(&it.resources))
    };
    // Each question of the survey about writing is answered by it, and none about erasing.
    for role in &survey.roles {
        for simulation in &role.simulations {
            for decision in simulation.decisions.known().expect("decisions") {
                let optional = ["s3:PutObjectAcl"].contains(&decision.action.as_str());
                let expected = decision.decision == "allowed" && !optional;
                assert_eq!(
                    allows(&decision.action, &simulation.resource),
                    expected,
                    "{} on {}",
                    decision.action,
                    simulation.resource
                );
            }
        }
    }
}

#[test]
fn several_of_a_kind_are_chosen_by_name() {
    let world = World::new();
    let mut it = sound();
    let mut second = it["buckets"][0].clone();
    second["name"] = json!("other");
    it["buckets"].as_array_mut().expect("buckets").push(second);
    world.file("survey.json", it.to_string().as_bytes());
    world.run("policy bucket --survey survey.json").is(expect![[r#"
        ! ssmtrail: there are 2 of them, and a file holds one: acme, other
        ! hint: choose one with --on, or take --format terraform or cloudformation
        [exit 2]
    "#]]);
    let said = world.run("policy bucket --survey survey.json --on other").0;
    assert!(said.contains("arn:aws:s3:::other/*"), "{said}");
    world.file(
        "empty.json",
        json!({ "version": 1, "corners": [{ "account": "1", "region": "r" }] })
            .to_string()
            .as_bytes(),
    );
    world.run("policy writer --survey empty.json").is(expect![[r#"
        ! ssmtrail: no Session document names a destination, and none is configured
        ! hint: `ssmtrail verify` shows what there is; --region names other Regions
        [exit 2]
    "#]]);
}

fn run(script: &str, words: &[String]) -> (bool, String) {
    let out =
        Command::new(python("python")).args(["-c", script]).args(words).output().expect("python");
    let text = [out.stdout, out.stderr].concat();
    (out.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// What parliament finds, beside what is so on purpose: some permissions know no resource.
const PARLIAMENT: &str = "
import json, sys
from parliament import analyze_policy_string
for path in sys.argv[1:]:
    found = analyze_policy_string(open(path).read()).findings
    for it in found:
        # Its list of condition keys is older than this one of AWS's own samples.
        newer = 'ssm:SessionDocumentAccessCheck' in str(it.detail)
        if it.issue != 'RESOURCE_STAR' and not newer:
            print(path, it.issue, it.detail, it.location)
";

#[test]
#[ignore = "needs Python and parliament"]
fn identity_policies_are_clean_by_parliament() {
    let world = world();
    let mut files = Vec::new();
    for what in ["writer", "auditor", "guard"] {
        let said = world.run(&format!("policy {what} --survey survey.json")).0;
        let path = world.path(&format!("{what}.json"));
        std::fs::write(&path, said).expect("written");
        files.push(path.to_string_lossy().into_owned());
    }
    let (ran, found) = run(PARLIAMENT, &files);
    assert!(ran && found.is_empty(), "{found}");
}

#[test]
#[ignore = "needs Python, cfn-lint and python-hcl2"]
fn templates_are_clean_by_cfn_lint_and_terraform_is_sound_hcl() {
    let world = World::new();
    let mut it = sound();
    // What a template language would take for its own.
    set(&mut it, "/buckets/0/prefixes/0/prefix", json!("prod/%{x}/"));
    world.file("survey.json", it.to_string().as_bytes());
    for what in ["writer", "auditor", "key", "bucket", "guard"] {
        let template =
            world.run(&format!("policy {what} --survey survey.json --format cloudformation")).0;
        let terraform =
            world.run(&format!("policy {what} --survey survey.json --format terraform")).0;
        let json = world.run(&format!("policy {what} --survey survey.json")).0;
        let document: Value = serde_json::from_str(&json).expect("JSON");
        for (name, text) in
            [("t.json", &template), ("t.tf", &terraform), ("d.json", &document.to_string())]
        {
            std::fs::write(world.path(name), text).expect("written");
        }
        let at = |name: &str| world.path(name).to_string_lossy().into_owned();
        let (clean, found) = run(
            "import sys; from cfnlint.runner import main; sys.argv=['cfn-lint', sys.argv[1]]; main()",
            &[at("t.json")],
        );
        assert!(clean, "{what}: {found}");
        let (sound, found) = run("import sys, hcl2; hcl2.load(open(sys.argv[1]))", &[at("t.tf")]);
        assert!(sound, "{what}: {found}\n{terraform}");
    }
}
