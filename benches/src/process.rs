//! Processes under measurement: started on one core, watched through `/proc`, ended by id.

use std::fs;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// A process and its children.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    /// Starts a command pinned to one core, the first where there is no other.
    pub(crate) fn start(
        core: usize,
        program: &str,
        args: &[&str],
        env: &[(&str, &str)],
    ) -> Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let core = core.min(cores - 1);
        let child = Command::new("taskset")
            .args(["-c", &core.to_string(), program])
            .args(args)
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child })
    }

    /// The process and everything it started.
    fn tree(&self) -> Vec<u32> {
        let mut tree = vec![self.child.id()];
        let mut index = 0;
        while let Some(&pid) = tree.get(index) {
            index += 1;
            let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else {
                continue;
            };
            for task in tasks.flatten() {
                let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
                tree.extend(
                    children
                        .split_whitespace()
                        .filter_map(|pid| pid.parse::<u32>().ok()),
                );
            }
        }
        tree
    }

    /// CPU time so far, in nanoseconds.
    pub(crate) fn cpu_ns(&self) -> u64 {
        self.tree()
            .iter()
            .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok())
            .flat_map(Iterator::flatten)
            .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
            .filter_map(|line| line.split_whitespace().next()?.parse::<u64>().ok())
            .sum()
    }

    /// Resident memory, in KiB.
    pub(crate) fn rss_kib(&self) -> u64 {
        self.tree()
            .iter()
            .filter_map(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok())
            .filter_map(|status| {
                let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
                line.split_whitespace().nth(1)?.parse::<u64>().ok()
            })
            .sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        for pid in self.tree().into_iter().rev() {
            // Already gone is as good.
            let _ = Command::new("kill")
                .arg(pid.to_string())
                .stderr(Stdio::null())
                .status();
        }
        let _ = self.child.wait();
    }
}
