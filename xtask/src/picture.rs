//! What the demonstration prints, as a picture of a terminal.

use crate::command::output;
use anstyle_svg::Term;
use anyhow::Result;
use std::fs;
use std::process::Command;

/// Where the picture is.
const PICTURE: &str = "docs/images/demo.svg";

/// Draws what `koppel demo` prints.
///
/// # Errors
///
/// When the demonstration fails, or the picture cannot be written.
pub(crate) fn picture(koppel: &mut Command) -> Result<()> {
    let shown = output(koppel.env("CLICOLOR_FORCE", "1").env("COLUMNS", "110"))?;
    let picture = Term::new().render_svg(&format!("$ cargo xtask demo\n{shown}\n"));
    // On black, what is dim must still be read.
    let picture = picture.replace("opacity: 0.4", "opacity: 0.7");
    let path = crate::root().join(PICTURE);
    fs::create_dir_all(path.with_file_name(""))?;
    fs::write(&path, picture)?;
    println!("{PICTURE}");
    Ok(())
}
