//! Runs all targets: regressions, the corpus as it is, then mutations of it until the time is up.
//!
//! `FUZZ_SECONDS` sets the time for all targets together, `FUZZ_SEED` where the numbers begin, `FUZZ_TARGET` picks
//! targets by a part of their name. A breaking input is made small and lies in the folder for temporary files.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use fuzz::mutation::{Numbers, mutate};
use fuzz::targets::{FuzzTarget, TARGETS};
use fuzz::{corpus, reduction};

/// Stack of the thread that runs the targets, as small as the hub's own threads have.
const STACK: usize = 2 << 20;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok())
        .unwrap_or(default)
}

fn chosen() -> Vec<FuzzTarget> {
    let wish = std::env::var("FUZZ_TARGET").unwrap_or_default();
    TARGETS
        .into_iter()
        .filter(|target| target.name.contains(&wish))
        .collect()
}

/// Why a target breaks on an input.
fn verdict(target: &FuzzTarget, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| (target.run)(input))).map_err(|cause| {
        cause
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| cause.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .unwrap_or_default()
    })
}

/// Makes a breaking input small, keeps it, and says how to see it again.
fn report(target: &FuzzTarget, input: &[u8]) -> String {
    let small = reduction::reduce(input, 3000, |smaller| verdict(target, smaller).is_err());
    let why = verdict(target, &small).err().unwrap_or_default();
    let file = std::env::temp_dir().join(format!("fuzz-{}-{}", target.name, std::process::id()));
    let kept = fs::write(&file, &small)
        .map_or_else(|error| error.to_string(), |()| file.display().to_string());
    format!(
        "{} breaks ({kept}): {why}\n{}",
        target.name,
        String::from_utf8_lossy(&small)
    )
}

/// Runs work on a thread with a small stack, without a line on the terminal for every panic that is caught.
fn on_a_small_stack(work: impl FnOnce() -> Vec<String> + Send + 'static) -> Vec<String> {
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let worker = std::thread::Builder::new()
        .stack_size(STACK)
        .spawn(work)
        .expect("a thread");
    let problems = worker.join();
    std::panic::set_hook(hook);
    problems.expect("the worker reports instead of panicking")
}

/// What is wrong with inputs that were wrong before.
fn regressions(targets: &[FuzzTarget]) -> Vec<String> {
    let mut problems = Vec::new();
    for target in targets {
        for (file, input) in corpus::regressions(target) {
            if let Err(why) = verdict(target, &input) {
                problems.push(format!("{}: {why}", file.display()));
            }
        }
    }
    problems
}

/// What is wrong with the corpus, and with mutations of it until the time is up; a target that broke rests.
fn mutations(targets: &[FuzzTarget], time: Duration, seed: u64) -> Vec<String> {
    let start = Instant::now();
    let mut problems = Vec::new();
    let mut runs = 0_u64;
    let mut targets: Vec<(&FuzzTarget, Vec<Vec<u8>>)> = targets
        .iter()
        .map(|target| (target, corpus::of(target)))
        .collect();
    targets.retain(|(target, inputs)| {
        assert!(
            inputs.len() >= 8,
            "{} has {} inputs",
            target.name,
            inputs.len()
        );
        let broken = inputs.iter().find(|input| verdict(target, input).is_err());
        problems.extend(broken.map(|input| report(target, input)));
        broken.is_none()
    });
    let mut round = 0;
    while start.elapsed() < time && !targets.is_empty() {
        targets.retain(|(target, inputs)| {
            let mut numbers = Numbers::new(seed.wrapping_mul(1 << 40).wrapping_add(round));
            let input = &inputs[numbers.below(inputs.len())];
            let other = &inputs[numbers.below(inputs.len())];
            let input = mutate(input, other, &mut numbers);
            runs += 1;
            let broken = verdict(target, &input).is_err();
            if broken {
                problems.push(report(target, &input));
            }
            !broken
        });
        round += 1;
    }
    assert!(
        runs > 0 || !problems.is_empty(),
        "no time for a single input"
    );
    problems
}

#[test]
fn no_input_breaks_a_promise() {
    let time = Duration::from_secs(number("FUZZ_SECONDS", 10));
    let seed = number("FUZZ_SEED", 1);
    let problems = on_a_small_stack(move || {
        let targets = chosen();
        let mut problems = regressions(&targets);
        problems.extend(mutations(&targets, time, seed));
        problems
    });
    assert!(
        problems.is_empty(),
        "{} targets break\n{}",
        problems.len(),
        problems.join("\n\n")
    );
}
