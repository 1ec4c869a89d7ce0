//! `nightjar rules new`: a rule and its page to start from, which pass `rules check` and `rules test` as they are.

mod template;

use super::lsp;
use crate::exit::{Exit, Usage};
use crate::load;
use anyhow::{Context, Result};
use model::EventTime;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use template::Template;
use uuid::Uuid;

/// Longest name in characters: a file name on every system, with room for the ending.
const NAME_CHARS_MAX: usize = 100;

/// `nightjar rules new`
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  nightjar rules new refund_to_own_account --dir rules/internal/access
  nightjar rules new many_refunds --correlation
  nightjar rules new key_made_at_night --source cloudtrail --dir rules/cloudtrail

Writes NAME.yml and NAME.md. Overwrites nothing, and refuses a name that another rule of the pack has.")]
pub(crate) struct Args {
    /// What the rule is called: the behaviour, in lowercase with underscores
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder that the files go to; it is made if need be
    #[arg(long, value_name = "DIR", default_value = load::RULES_DIR)]
    dir: PathBuf,
    /// Where the events come from: native, cloudtrail, okta or github
    #[arg(long, value_name = "MAPPING", default_value = "native")]
    source: String,
    /// A correlation and the rule that it counts
    #[arg(long)]
    correlation: bool,
}

/// Writes both files, or none.
pub(crate) fn main(args: &Args) -> Result<Exit> {
    check_name(&args.name)?;
    let template = Template::for_source(&args.source).ok_or_else(|| {
        let known: Vec<&str> = Template::sources().collect();
        Usage::new(format!("no template for the source `{}`; there are {}", args.source, known.join(", ")))
    })?;
    let ids = [Uuid::new_v4().to_string(), Uuid::new_v4().to_string()];
    let today = today();
    let rule = template.rule(&args.name, &ids, &today, args.correlation);
    let page = template.page(&args.name, args.correlation);
    let [rule_path, page_path] = ["yml", "md"].map(|it| args.dir.join(format!("{}.{it}", args.name)));
    if let Some(taken) = [&rule_path, &page_path, &rule_path.with_extension("yaml")].into_iter().find(|it| it.exists()) {
        return Err(Usage::new(format!("{} is already there; nothing was written", taken.display())));
    }
    let pack = load::pack_of(&args.dir);
    check_free(args, &pack)?;
    fs::create_dir_all(&args.dir).with_context(|| format!("cannot make the folder {}", args.dir.display()))?;
    create(&rule_path, &rule)?;
    create(&page_path, &page)?;
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}\n{}", rule_path.display(), page_path.display())?;
    let pack = if pack == Path::new(load::RULES_DIR) { String::new() } else { format!(" {}", pack.display()) };
    writeln!(anstream::stderr(), "next: fill in both, then `nightjar rules test{pack} --rule {}`", args.name)?;
    Ok(Exit::Done)
}

/// Names are unique in a pack: of two rules with one name only the first loads, and that would be the new one as likely as not.
fn check_free(args: &Args, pack: &Path) -> Result<()> {
    let dirs: Vec<PathBuf> = [pack, &args.dir].into_iter().filter(|it| it.is_dir()).map(Path::to_owned).collect();
    let mut names = vec![args.name.clone()];
    names.extend(args.correlation.then(|| template::base_of(&args.name)));
    for name in names {
        if let Some(taken) = lsp::place_of(&dirs, &name) {
            return Err(Usage::new(format!("the name `{name}` is already taken by {taken}; nothing was written")));
        }
    }
    Ok(())
}

/// Names are those of files on any system, and of rules in correlations and expectations.
fn check_name(name: &str) -> Result<()> {
    let is_sound = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    if name.chars().next().is_some_and(|it| it.is_ascii_lowercase()) && name.chars().all(is_sound) && name.len() <= NAME_CHARS_MAX {
        return Ok(());
    }
    let better: String = name.to_lowercase().chars().map(|it| if is_sound(it) { it } else { '_' }).collect();
    let better = better.trim_matches(|it: char| !it.is_ascii_lowercase());
    let hint = if better.is_empty() || better.len() > NAME_CHARS_MAX { String::new() } else { format!("; `{better}` would do") };
    Err(Usage::new(format!(
        "`{name}` is not a name of lowercase letters, digits and underscores, at most {NAME_CHARS_MAX}, a letter first{hint}"
    )))
}

/// The day in UTC, `2026-11-22`.
fn today() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = EventTime::from_ms(i64::try_from(now.as_millis()).unwrap_or_default()).to_string();
    now.split('T').next().unwrap_or_default().to_owned()
}

/// Writes a file that is not there yet. Whoever made it in the meantime keeps it.
fn create(path: &Path, text: &str) -> Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match file {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Usage::new(format!("{} is already there; it was left alone", path.display())));
        }
        other => other.with_context(|| format!("cannot write {}", path.display()))?,
    };
    file.write_all(text.as_bytes()).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lowercase_words_and_the_error_suggests_one() {
        assert!(check_name("bulk_export_2").is_ok());
        for (wrong, hint) in
            [("Bulk Export", "`bulk_export` would do"), ("../x", "`x` would do"), ("", "letters"), ("7", "letters")]
        {
            let error = check_name(wrong).unwrap_err().to_string();
            assert!(error.contains(hint), "{error}");
        }
    }
}
