//! The limits and counters of the control group that this process is in, of either version of the interface.
//!
//! A limit of any group above holds as well, and in a container the path that the kernel tells may exist only
//! outside. So every group from the told one up to the root is asked, and the lowest limit counts.

/// A file of a controller under both versions of the interface.
pub(super) struct Setting {
    pub(super) controller: &'static str,
    pub(super) v1: &'static str,
    pub(super) v2: &'static str,
}

pub(super) const MEMORY: Setting =
    Setting { controller: "memory", v1: "memory.limit_in_bytes", v2: "memory.max" };
pub(super) const PIDS: Setting = Setting { controller: "pids", v1: "pids.max", v2: "pids.max" };
pub(super) const CPU: Setting = Setting { controller: "cpu", v1: "cpu.stat", v2: "cpu.stat" };

/// From here on a limit is none: version 1 says "unlimited" as the highest number of whole pages.
const UNLIMITED: u64 = 1 << 62;

/// The lowest limit that holds; none if there is no limit.
pub(super) fn limit(setting: &Setting, read: &impl Fn(&str) -> Option<String>) -> Option<u64> {
    let limits = files(setting, read).into_iter().filter_map(|path| super::number(&read(&path)?));
    limits.filter(|&limit| limit < UNLIMITED).min()
}

/// The text of the innermost group that has the file.
pub(super) fn text(setting: &Setting, read: &impl Fn(&str) -> Option<String>) -> Option<String> {
    files(setting, read).into_iter().find_map(|path| read(&path))
}

/// Where the setting may be found, innermost first.
fn files(setting: &Setting, read: &impl Fn(&str) -> Option<String>) -> Vec<String> {
    let groups = read("/proc/self/cgroup").unwrap_or_default();
    let mut files = Vec::new();
    for line in groups.lines() {
        // number:controllers:path, and without controllers it is version 2.
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
        let (mount, file) = if controllers.is_empty() {
            (String::new(), setting.v2)
        } else if controllers.split(',').any(|controller| controller == setting.controller) {
            (format!("/{controllers}"), setting.v1)
        } else {
            continue;
        };
        let group = group.trim_end_matches('/');
        let above = group.rmatch_indices('/').map(|(end, _)| &group[..end]);
        let groups = std::iter::once(group).chain(above);
        files.extend(groups.map(|group| format!("/sys/fs/cgroup{mount}{group}/{file}")));
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader<'a>(files: &'a [(&str, &str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| (*text).to_owned())
    }

    #[test]
    fn the_lowest_limit_above_counts() {
        let files = [
            ("/proc/self/cgroup", "0::/user.slice/session.scope\n"),
            ("/sys/fs/cgroup/user.slice/session.scope/memory.max", "max\n"),
            ("/sys/fs/cgroup/user.slice/memory.max", "1073741824\n"),
            ("/sys/fs/cgroup/user.slice/session.scope/pids.max", "max\n"),
        ];
        assert_eq!(limit(&MEMORY, &reader(&files)), Some(1 << 30));
        assert_eq!(limit(&PIDS, &reader(&files)), None);
    }

    #[test]
    fn a_path_from_outside_a_container_does_not_hide_the_limit() {
        let files = [
            ("/proc/self/cgroup", "0::/docker/0123abcd\n"),
            ("/sys/fs/cgroup/memory.max", "536870912\n"),
            ("/sys/fs/cgroup/cpu.stat", "nr_throttled 3\n"),
        ];
        assert_eq!(limit(&MEMORY, &reader(&files)), Some(512 << 20));
        assert_eq!(text(&CPU, &reader(&files)).as_deref(), Some("nr_throttled 3\n"));
    }

    #[test]
    fn version_1_is_read_too() {
        let files = [
            ("/proc/self/cgroup", "8:pids:/\n4:memory:/jobs/1\n1:cpu,cpuacct:/\n0::/\n"),
            ("/sys/fs/cgroup/memory/jobs/1/memory.limit_in_bytes", "9223372036854771712\n"),
            ("/sys/fs/cgroup/pids/pids.max", "4000\n"),
            ("/sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_throttled 7\n"),
        ];
        assert_eq!(limit(&MEMORY, &reader(&files)), None);
        assert_eq!(limit(&PIDS, &reader(&files)), Some(4000));
        assert_eq!(text(&CPU, &reader(&files)).as_deref(), Some("nr_throttled 7\n"));
        assert_eq!(limit(&MEMORY, &reader(&[])), None);
    }
}
