//! The examples of `docs/bridge-admin.md`, run in their order.

use std::path::Path;
use std::process::Command;

use crate::hub::Hub;

#[test]
fn every_example_does_what_it_says() {
    let hub = Hub::start();
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/bridge-admin.md");
    let page = std::fs::read_to_string(page).expect("the page is in the repository");
    let mut is_example = false;
    let mut count = 0;
    for line in page.lines() {
        match line {
            "```sh" => is_example = true,
            "```" => is_example = false,
            line if is_example => {
                count += 1;
                run(&hub, line);
            }
            _ => {}
        }
    }
    assert!(count > 30, "{count} examples");
}

fn run(hub: &Hub, line: &str) {
    let code = line
        .split_once("# exits with ")
        .map_or(0, |(_, code)| code.parse().expect("a code"));
    let program = Path::new(env!("CARGO_BIN_EXE_bridge-admin"))
        .parent()
        .expect("a folder");
    let path = std::env::var("PATH").unwrap_or_default();
    // The variables that the program gets when it is run without a shell.
    let bare = hub.command(&[]);
    let variables = bare
        .get_envs()
        .filter_map(|(name, value)| Some((name, value?)));
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", line])
        .env_clear()
        .envs(variables)
        .env("PATH", format!("{}:{path}", program.display()))
        .env("BRIDGE_API_KEY", &hub.client_key)
        .env("VENDOR_KEY", "sk-0123456789abcdef")
        .env("CLIENT_KEY", &hub.client_key)
        .env("OTHER_KEY", "sk-fedcba9876543210")
        .current_dir(hub.path(""))
        .stdin(std::process::Stdio::null())
        .output()
        .expect("a shell");
    assert_eq!(
        output.status.code(),
        Some(code),
        "{line}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
