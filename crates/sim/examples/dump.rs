fn main() {
    let a: Vec<String> = std::env::args().collect();
    let sc: sim::Scenario = a[1].parse().unwrap();
    let days: u32 = a[2].parse().unwrap();
    let people: u32 = a[3].parse().unwrap();
    let cfg = sim::CompanyConfig { days, people, seed: a.get(5).map_or(2020, |s| s.parse().unwrap()), ..Default::default() };
    let t = std::time::Instant::now();
    let mut s = sim::Simulation::new(&cfg, sc);
    eprintln!("new {:?}", t.elapsed());
    let mut line = Vec::new();
    let (mut n, mut b) = (0u64, 0usize);
    use std::io::Write;
    let mut out: Option<std::io::BufWriter<std::fs::File>> = a.get(4).filter(|p| *p != "-").map(|p| std::io::BufWriter::new(std::fs::File::create(p).unwrap()));
    while s.next_into(&mut line).is_some() {
        n += 1; b += line.len();
        if let Some(o) = &mut out { o.write_all(&line).unwrap(); o.write_all(b"\n").unwrap(); }
    }
    let e = t.elapsed().as_secs_f64();
    eprintln!("{n} events {b} bytes avg {:.0} in {e:.2}s = {:.0}/s", b as f64 / n as f64, n as f64 / e);
    let st = std::fs::read_to_string("/proc/self/status").unwrap();
    eprintln!("{}", st.lines().find(|l| l.starts_with("VmHWM")).unwrap());
    if let Some(t) = Some(s.truth()).filter(|t| t.started_ms.is_some()) { eprintln!("{} targets {} takeovers", t.targets.len(), t.takeovers.len()); }
}
