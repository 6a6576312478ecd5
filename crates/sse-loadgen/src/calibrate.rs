//! stub
/// stub
pub fn run(_clients: u32, _duration: std::time::Duration) -> anyhow::Result<String> {
    anyhow::bail!("not yet")
}
